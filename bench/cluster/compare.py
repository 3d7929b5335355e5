"""Workers against one process, through the client: the same commands on both, and the bytes that workers exchange.

    python -m bench.cluster.compare                       # 2 workers of 1 thread, 1 process of 2 threads, 10^8 rows
    python -m bench.cluster.compare --rows 1000           # what a distributed command costs beside its work
    python -m bench.cluster.compare --rows 1e4,1e5,1e6    # from which size on workers pay (--distribute-from)

A reply may leave before the work is done, so each run ends with reading an element of every worker's part of the
result, which waits until it is there; a part is one block, unless ``--memory`` is small. These are several messages:
what all but one of them take when everything is there is measured next, and does not count. The one process is asked
the same.
"""

from __future__ import annotations

import argparse
import gc
import json
import re
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import psutil
from distributed import Client

from arkserver.client import connect
from arkserver.cluster.exchange import ExchangeRun
from tests.support.server import RunningServer, running_server

RESULTS = Path(__file__).parent.parent / "results"
SEED = 20_241
DISTINCT_SHARE = 10
"""rows a key, where keys repeat"""
WARM_ROUNDS = 3
"""after which a process has the memory that a command needs, and touches none for the first time"""

Arrays = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Work:
    """One command."""

    op: str
    dtype: str
    make: tuple[str, ...]
    """what it needs, of `COLUMNS`"""
    run: Callable[[Any, Arrays], Any]
    target: float
    """of the speed of one process"""
    data_bytes: int = 8
    """bytes of a row of the data, for what goes over the wire"""


@dataclass(frozen=True, slots=True)
class Measured:
    """Seconds of one command on one server."""

    op: str
    dtype: str
    rows: int
    seconds: float
    cpu: float
    """CPU seconds of all processes of the server: what the machine's other load hardly changes"""
    wire: float
    """bytes that workers sent each other (or read from each other's memory), over the bytes of the data"""


def _random(session: Any, dtype: str, n: int, low: Any, high: Any, seed: int) -> Any:
    return session.create(f"randint<{dtype},1>", shape=[n], low=low, high=high, seed=SEED + seed)


COLUMNS: dict[str, Callable[[Any, int], Any]] = {
    "a": lambda s, n: _random(s, "float64", n, 0.0, 1.0, 1),
    "b": lambda s, n: _random(s, "float64", n, 0.0, 1.0, 2),
    "i": lambda s, n: _random(s, "int64", n, -(2**62), 2**62, 3),
    "k": lambda s, n: _random(s, "int64", n, 0, max(1, n // DISTINCT_SHARE), 4),
    "at": lambda s, n: _random(s, "int64", n, 0, n, 5),
    "out": lambda s, n: s.zeros(n),
}


def _scatter(_: Any, d: Arrays) -> Any:
    d["out"][d["at"]] = d["a"]
    return d["out"]


def _group(s: Any, d: Arrays) -> Any:
    parameters = {"nstr": 1, "keynames": [d["k"]], "keytypes": ["pdarray"]}
    return s.create_many("unique", returnGroupStr=True, assumeSortedStr=False, **parameters)[0]


WORKS = (
    Work("stream", "float64", ("a", "b"), lambda _, d: d["a"] + 3.0 * d["b"], 0.8),
    Work("add", "float64", ("a", "b"), lambda _, d: d["a"] + d["b"], 0.8),
    Work("reduce", "float64", ("a",), lambda _, d: d["a"].sum(), 0.8),
    Work("reduce", "int64", ("i",), lambda _, d: d["i"].sum(), 0.8),
    Work("scan", "float64", ("a",), lambda _, d: d["a"].cumsum(), 0.8),
    Work("scan", "int64", ("i",), lambda _, d: d["i"].cumsum(), 0.8),
    Work("gather", "float64", ("a", "at"), lambda _, d: d["a"][d["at"]], 0.6, 16),
    Work("scatter", "float64", ("a", "at", "out"), _scatter, 0.6, 16),
    Work("argsort", "int64", ("i",), lambda _, d: d["i"].argsort(), 0.6),
    Work("argsort", "float64", ("a",), lambda _, d: d["a"].argsort(), 0.6),
    Work("sort", "int64", ("i",), lambda _, d: d["i"].sorted(), 0.6),
    Work("group", "int64", ("k",), _group, 0.6),
)


# --- measuring -------------------------------------------------------------------------------------------------------


class Meter:
    """CPU seconds of a server and its workers, and what workers sent each other."""

    def __init__(self, server: RunningServer, workers: int) -> None:
        own = psutil.Process(server.process.pid)
        self._processes = [own, *own.children(recursive=True)]
        self._client = Client(server.address_of("scheduler"), set_as_default=False) if workers else None

    def close(self) -> None:
        """Leave the scheduler."""
        if self._client is not None:
            self._client.close()

    def cpu(self) -> float:
        """CPU seconds so far."""
        return float(sum(t.user + t.system for t in (p.cpu_times() for p in self._processes)))

    def sent(self) -> int:
        """Bytes so far; 0 without workers."""
        return int(sum(self._client.run(_sent).values())) if self._client is not None else 0


def _sent(dask_worker: Any) -> int:
    return int(dask_worker.transfer_outgoing_bytes_total + ExchangeRun.sent_bytes)


def measure(work: Work, session: Any, arrays: Arrays, options: argparse.Namespace, rows: int, meter: Meter) -> Measured:
    """The median of some rounds, after those that do not count."""
    rounds = options.rounds
    for _ in range(WARM_ROUNDS):
        _once(work, session, arrays, options.workers)
    sent, cpu = meter.sent(), meter.cpu()
    seconds = statistics.median(_once(work, session, arrays, options.workers) for _ in range(rounds))
    moved = (meter.sent() - sent) / rounds / (work.data_bytes * rows)
    return Measured(work.op, work.dtype, rows, seconds, (meter.cpu() - cpu) / rounds, moved)


def _once(work: Work, session: Any, arrays: Arrays, parts: int) -> float:
    """Seconds until all parts of the result are there, one reading of an element included."""
    begun = time.perf_counter()
    result = work.run(session, arrays)
    rows = _rows(result, parts)
    _read(result, rows)
    done = time.perf_counter()
    _read(result, rows[1:])
    taken = done - begun - (time.perf_counter() - done)
    del result
    gc.collect()
    session.status()  # lets the server forget the result
    return taken


def _rows(result: Any, parts: int) -> list[int]:
    """A row of each part, that of the last one first: of a scan it is ready last."""
    size = len(result) if getattr(result, "shape", ()) else 0
    return [size - 1 - part * size // parts for part in range(parts)] if size else []


def _read(result: Any, rows: Sequence[int]) -> None:
    for row in rows:
        _ = result[row]


@contextmanager
def server_of(workers: int, threads: int, memory: str) -> Iterator[RunningServer]:
    """A server with workers of one thread that hold everything, or alone on its own threads."""
    flags = ["--log-level", "WARN", "--memory-limit", memory]
    if workers:
        flags += ["--scheduler", "true", "--workers", str(workers), "--distribute-from", "0", "--threads", "1"]
    else:
        flags += ["--threads", str(threads)]
    with running_server(*flags) as server:
        yield server


def run(options: argparse.Namespace, workers: int) -> list[Measured]:
    """All commands on one server."""
    found: list[Measured] = []
    with (
        server_of(workers, options.threads, options.memory) as server,
        connect(server.address) as session,
        closing(Meter(server, workers)) as meter,
    ):
        for rows in options.rows:
            for work in (w for w in WORKS if re.search(options.only, w.op)):
                arrays = {name: COLUMNS[name](session, rows) for name in work.make}
                found.append(measure(work, session, arrays, options, rows, meter))
                line = found[-1]
                took = f"{line.seconds * 1e3:.2f} ms, {line.cpu * 1e3:.0f} ms CPU"
                print(f"  {workers} workers: {line.op} {line.dtype} {rows:,}: {took}", flush=True)
                arrays.clear()
                session.status()
    return found


def medians(repeats: Sequence[list[Measured]]) -> list[Measured]:
    """Those of several servers: how fast a process reads its memory differs from one to the next."""
    return [
        replace(same[0], **{k: statistics.median(getattr(m, k) for m in same) for k in ("seconds", "cpu", "wire")})
        for same in zip(*repeats, strict=True)
    ]


def report(alone: list[Measured], spread: list[Measured]) -> str:
    """The comparison as a table."""
    targets = {(w.op, w.dtype): w.target for w in WORKS}
    head = (
        "command",
        "dtype",
        "rows",
        "one process",
        "workers",
        "speed",
        "wanted",
        "CPU, CPU of workers",
        "sent / data",
    )
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    for a, b in zip(alone, spread, strict=True):
        wanted = targets[a.op, a.dtype]
        lines.append(
            f"| {a.op} | {a.dtype} | {a.rows:,} | {a.seconds * 1e3:.2f} ms | {b.seconds * 1e3:.2f} ms "
            f"| {a.seconds / b.seconds:.2f}x | {wanted}x | {a.cpu * 1e3:.0f}, {b.cpu * 1e3:.0f} ms | {b.wire:.2f} |"
        )
    return "\n".join(lines)


def main() -> None:
    """Measure both, print the table, write it to ``bench/results/cluster.json``."""
    parser = argparse.ArgumentParser(
        prog="bench.cluster.compare", description=__doc__.splitlines()[0] if __doc__ else ""
    )
    parser.add_argument("--rows", default="1e8", type=lambda t: [int(float(n)) for n in t.split(",")])
    parser.add_argument("--only", default="", help="regular expression that a command's name must hold")
    parser.add_argument("--workers", type=int, default=2, help="of one thread each")
    parser.add_argument("--threads", type=int, default=2, help="of the one process")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--repeats", type=int, default=1, help="servers of either kind, in turn; the medians count")
    parser.add_argument("--memory", default="90%", help="limit of either server")
    options = parser.parse_args()
    pairs = [(run(options, 0), run(options, options.workers)) for _ in range(options.repeats)]
    alone, spread = (medians(found) for found in zip(*pairs, strict=True))
    print(report(alone, spread))
    RESULTS.mkdir(exist_ok=True)
    rows = [[{k: getattr(m, k) for k in Measured.__slots__} for m in found] for found in (alone, spread)]
    (RESULTS / "cluster.json").write_text(json.dumps({"alone": rows[0], "workers": rows[1]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
