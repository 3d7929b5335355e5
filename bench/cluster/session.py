"""A long session on workers: do the scheduler's state, memory and the time of a command stay flat?

    python -m bench.cluster.session --commands 20000

Small arrays, all on workers: what is measured is what a command leaves behind. The last line compares the second
tenth of the session with the last one.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import psutil

from arkserver.cluster.cluster import Cluster
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine.local import LocalExecutor
from tests.support.cluster import running_cluster
from tests.support.session import Session

ROWS = 1_000
MEGABYTE = 1 << 20
HEAD = "commands  ms each  tasks  groups  handles  files  server MiB  workers MiB"


@dataclass(frozen=True, slots=True)
class State:
    """What there is at one moment."""

    tasks: int
    """that the scheduler knows"""
    groups: int
    """of tasks, which the scheduler and its dashboard count by"""
    handles: int
    """of results, in the server"""
    files: int
    """of blocks that no task can compute again"""
    server: float
    """MiB of the process with scheduler and engine"""
    workers: float
    """MiB of all worker processes"""

    def __str__(self) -> str:
        counts = f"{self.tasks:6d} {self.groups:7d} {self.handles:8d} {self.files:6d}"
        return f"{counts} {self.server:11.0f} {self.workers:12.0f}"


def state(cluster: Cluster) -> State:
    """The state now."""
    gc.collect()
    time.sleep(1.0)  # what was let go takes a moment to be forgotten
    scheduler = cluster.scheduler
    sizes = [psutil.Process(w.pid).memory_info().rss / MEGABYTE for w in scheduler.workers.values()]
    return State(
        tasks=len(scheduler.tasks),
        groups=len(scheduler.task_groups),
        handles=len(cluster.client.futures),
        files=cluster.vault.files(),
        server=psutil.Process().memory_info().rss / MEGABYTE,
        workers=sum(sizes),
    )


class Commands:
    """Commands one after the other; what they change is what the next ones read."""

    def __init__(self, cluster: Cluster) -> None:
        self.session = Session(PlacingExecutor(LocalExecutor(), ClusterExecutor(cluster), distribute_from=0))
        self.one = self.session.put(np.ones(ROWS, np.int64))
        self.x = self.session.put(np.arange(ROWS))
        self.expected = np.arange(ROWS)

    def run(self, first: int, count: int) -> None:
        """Commands number `first` and the following ones."""
        for i in range(first, first + count):
            kinds: tuple[Callable[[], None], ...] = (self.add, self.change, self.total, self.sort)
            kinds[(i % 4 > 1) + (i % 8 == 6) + (i % 100 == 50)]()

    def add(self) -> None:
        """A new array in place of `x`."""
        self._replace(self.session.text("binopvv<int64,int64,1>", op="+", a=self.x, b=self.one))
        self.expected = self.expected + 1

    def change(self) -> None:
        """An element of `x`."""
        self.session.text("[int]=val<int64,1>", array=self.x, idx=[7], value=7)
        self.expected[7] = 7

    def total(self) -> None:
        """The sum of `x`, which must be right."""
        found = self.session.text("sumAll<int64,1>", x=self.x, skipNan=False)
        assert found.split()[-1] == str(self.expected.sum()), found

    def sort(self) -> None:
        """A sorted copy, all to all."""
        self._replace(self.session.text("sort<int64,1>", alg="RadixSortLSD", array=self.x, axis=0))
        self.expected = np.sort(self.expected)

    def _replace(self, reply: str) -> None:
        self.session.text("delete", name=self.x)
        self.x = reply.split()[1]


def main() -> None:
    """Print the state after every tenth."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--commands", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    args = parser.parse_args()
    with running_cluster(args.workers) as cluster:
        commands, tenth, rows = Commands(cluster), args.commands // 10, []
        print(HEAD)
        for i in range(10):
            begun = time.perf_counter()
            commands.run(i * tenth, tenth)
            rows.append(((time.perf_counter() - begun) / tenth * 1000, state(cluster)))
            print(f"{(i + 1) * tenth:8d} {rows[-1][0]:8.1f} {rows[-1][1]}", flush=True)
    (early, before), (late, after) = rows[1], rows[-1]
    print(f"from {2 * tenth} to {10 * tenth}: time {late / early:.2f}x, server {after.server - before.server:+.0f} MiB")


if __name__ == "__main__":
    main()
