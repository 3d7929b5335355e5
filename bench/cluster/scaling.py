"""What a command costs the server with many workers, all of them in one other process.

    python -m bench.cluster.scaling --workers 4,16,64,256

The workers are real (`distributed.Worker`: same messages, same tasks), but all of them run in one process, and their
blocks are tiny, so that what is measured is the server's own work: CPU seconds of the thread that runs the command and
of the scheduler's loop, for each command. What the loop does while nobody asks for anything (the workers' heartbeats)
is measured first and left out. The time on the clock is that of the workers, which share one interpreter, and says
nothing of a real cluster.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.algorithms import grouping, indexing, reducing, scanning, sorting
from arkserver.engine.values import Array
from tests.support.simulated import Loop, simulated

RESULTS = Path(__file__).parent.parent / "results"
ROWS_A_WORKER = 64
MODEL_WORKERS = 1_000
IDLE_SECONDS = 10.0
"""several heartbeats of each worker"""


# --- commands --------------------------------------------------------------------------------------------------------


def _settled(ex: ClusterExecutor, x: Array) -> None:
    ex.cluster.settle(x.blocks)


COMMANDS: dict[str, Callable[[ClusterExecutor, Array, Array], Any]] = {
    "add": lambda ex, x, _: _settled(ex, layout.array_of(ex.map(np.add, x, x), x)),
    "reduce": lambda ex, x, _: reducing.fold_all(ex, x, "sum"),
    "scan": lambda ex, x, _: _settled(ex, scanning.cumulate(ex, x, "sum", 0)),
    "sort": lambda ex, x, _: _settled(ex, sorting.sort(ex, x)),
    "argsort": lambda ex, x, _: _settled(ex, sorting.argsort(ex, x)),
    "group": lambda ex, _, at: _settled(ex, grouping.group(ex, [at]).firsts),
    "gather": lambda ex, x, at: _settled(ex, indexing.gather(ex, x, at)),
    "scatter": lambda ex, x, at: indexing.scatter(ex, x, at, x),
}


def measure(workers: int, rounds: int, only: list[str]) -> dict[str, dict[str, float]]:
    """CPU and clock milliseconds of each command, and under ``idle`` CPU milliseconds of a second without one."""
    rng = np.random.default_rng(1)
    n = ROWS_A_WORKER * workers
    found = {}
    with simulated(workers) as (cluster, server):
        ex = ClusterExecutor(cluster)
        x = layout.from_numpy(ex, rng.random(n))
        at = layout.from_numpy(ex, rng.integers(0, n, n))
        idle = idle_share(server)
        found["idle"] = {"cpu": 1e3 * idle, "clock": 1e3}
        for name in only:
            COMMANDS[name](ex, x, at)
            before, mine, begun = server.cpu(), time.thread_time(), time.perf_counter()
            for _ in range(rounds):
                COMMANDS[name](ex, x, at)
            clock, own = time.perf_counter() - begun, time.thread_time() - mine
            scheduler = server.cpu() - before - idle * clock
            found[name] = {k: 1e3 * v / rounds for k, v in (("cpu", own + scheduler), ("clock", clock))}
            print(
                f"  {workers} workers: {name}: {found[name]['cpu']:.2f} ms CPU, {found[name]['clock']:.1f} ms",
                flush=True,
            )
    return found


def idle_share(server: Loop) -> float:
    """The share of its time that the scheduler's loop works though no command runs."""
    time.sleep(1.0)  # what was let go takes a moment to be forgotten
    before, begun = server.cpu(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    return (server.cpu() - before) / (time.perf_counter() - begun)


def model(workers: list[int], cpu: list[float]) -> tuple[float, float]:
    """Milliseconds a command and a worker, fitted to relative errors: ``cpu = a + b * workers``."""
    weights = 1 / np.array(cpu)
    b, a = np.polyfit(workers, cpu, 1, w=weights)
    return float(a), float(b)


def exponent(workers: list[int], cpu: list[float]) -> float:
    """Of the growth from the first to the last number of workers; 1 is linear."""
    return float(np.log(cpu[-1] / cpu[0]) / np.log(workers[-1] / workers[0])) if len(workers) > 1 else 0.0


def report(found: dict[int, dict[str, dict[str, float]]]) -> str:
    """CPU milliseconds as a table, with a straight line's figure for `MODEL_WORKERS`."""
    workers = list(found)
    head = [
        "command",
        *(f"{w} workers" for w in workers),
        "exponent",
        "of the last",
        "a + b W, ms",
        f"{MODEL_WORKERS:,} workers",
    ]
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for name in found[workers[0]]:
        cpu = [found[w][name]["cpu"] for w in workers]
        a, b = model(workers, cpu) if len(workers) > 1 else (cpu[0], 0.0)
        cells = [
            name,
            *(f"{c:.2f}" for c in cpu),
            f"{exponent(workers, cpu):.2f}",
            f"{exponent(workers[-2:], cpu[-2:]):.2f}",
            f"{a:.1f} + {b:.3f} W",
            f"{a + b * MODEL_WORKERS:.0f}",
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Measure, print the table, write ``bench/results/scaling.json``."""
    parser = argparse.ArgumentParser(prog="bench.cluster.scaling")
    parser.add_argument("--workers", default="4,16,64,256", type=lambda t: [int(n) for n in t.split(",")])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", default=",".join(COMMANDS), type=lambda t: t.split(","))
    options = parser.parse_args()
    found = {w: measure(w, options.rounds, options.only) for w in options.workers}
    print(report(found))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "scaling.json").write_text(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
