"""A random mix of checked commands while workers are killed: no wrong answer, no lost array.

    python -m bench.cluster.chaos --workers 3 --commands 500 --kills 50 [--hasty]

Commands run in this process over `ClusterExecutor`; every result is compared with NumPy's. Kills (SIGKILL to the
worker process, which its nanny starts again) come at random moments, also while blocks are copied and exchanged; with
``--hasty`` also while killed workers are still away, so that there are moments without any worker. A command may fail
with a clear error; every array must be readable after it. Exits with 1 if one is lost, and at once on a wrong answer.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import random
import signal
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.algorithms import elementwise, grouping, indexing, sorting
from arkserver.engine.executor import Each
from arkserver.engine.values import Array, starts
from arkserver.errors import ArkserverError
from tests.support.cluster import running_cluster

ROWS = 60_000
KEPT_ARRAYS = 12
# An array that cannot be read for so long is lost; a while without any worker is none.
READ_SECONDS = 300.0
COMMANDS = ("upload", "create", "add", "sort", "relayout", "update", "gather", "scatter", "group", "total", "read")


@dataclass
class Session:
    """Arrays on the cluster, and the same in NumPy."""

    ex: ClusterExecutor
    rng: np.random.Generator
    arrays: list[tuple[Array, NDArray[Any]]] = field(default_factory=list)
    outcomes: Counter[str] = field(default_factory=Counter)

    def step(self) -> None:
        """One random command, its result checked or kept; after an error all arrays are read."""
        name = str(self.rng.choice(COMMANDS))
        try:
            getattr(self, name)()
            self.outcomes["right"] += 1
        except ArkserverError as e:
            self.outcomes["error"] += 1
            print(f"  {name}: {type(e).__name__}: {e}", flush=True)
            self.read_all()

    def read_all(self) -> None:
        """Drop the arrays that cannot be read, and count them."""
        kept = [(x, a) for x, a in self.arrays if self.readable(x, a)]
        self.outcomes["lost"] += len(self.arrays) - len(kept)
        self.arrays = kept

    def readable(self, x: Array, a: NDArray[Any]) -> bool:
        """Whether an array's contents can be had in time."""
        end = time.monotonic() + READ_SECONDS
        while time.monotonic() < end:
            try:
                check(np.array_equal(layout.to_numpy(self.ex, x), a))
            except ArkserverError as e:
                print(f"    an array of {x.shape[0]}: {type(e).__name__}: {e}", flush=True)
                time.sleep(1.0)
            else:
                return True
        return False

    def keep(self, x: Array, expected: NDArray[Any]) -> None:
        self.arrays.append((x, expected))
        if len(self.arrays) > KEPT_ARRAYS:
            self.arrays.pop(int(self.rng.integers(len(self.arrays))))

    def any(self) -> tuple[Array, NDArray[Any]]:
        if not self.arrays:
            self.create()
        return self.arrays[int(self.rng.integers(len(self.arrays)))]

    def upload(self) -> None:
        values = self.rng.integers(0, 1000, ROWS * int(self.rng.choice([1, 8])))
        self.keep(layout.from_numpy(self.ex, values), values)

    def create(self) -> None:
        rows = layout.even_rows(ROWS, self.ex.width)
        refs = self.ex.map(_counting, Each(starts(rows)), Each(rows))
        self.keep(Array(np.dtype(np.int64), (ROWS,), refs.values, rows), np.arange(ROWS))

    def add(self) -> None:
        (x, a), (y, b) = self.any(), self.any()
        if x.shape == y.shape:
            self.keep(elementwise.each(self.ex, np.add, x.dtype, x, y, cheap=True), a + b)

    def sort(self) -> None:
        x, a = self.any()
        self.keep(sorting.sort(self.ex, x), np.sort(a))

    def relayout(self) -> None:
        x, a = self.any()
        cut = int(self.rng.integers(x.shape[0]))
        self.keep(layout.relayout(self.ex, x, (cut, x.shape[0] - cut)), a)

    def update(self) -> None:
        i = int(self.rng.integers(len(self.arrays))) if self.arrays else 0
        x, a = self.any()
        self.arrays[i] = (self.ex.update(_add_one, x), a + 1)

    def gather(self) -> None:
        x, a = self.any()
        order = self.rng.permutation(ROWS)
        self.keep(indexing.gather(self.ex, x, layout.from_numpy(self.ex, order)), a[order])

    def scatter(self) -> None:
        x, a = self.any()
        at, values = self.rng.integers(0, len(a), ROWS), self.rng.integers(0, 1000, ROWS)
        changed = a.copy()
        changed[at] = values
        written = indexing.scatter(self.ex, x, *(layout.from_numpy(self.ex, c) for c in (at, values)))
        self.keep(written, changed)

    def group(self) -> None:
        x, a = self.any()
        found = grouping.group(self.ex, [x])
        check(np.array_equal(layout.to_numpy(self.ex, found.permutation), np.argsort(a, kind="stable")))

    def total(self) -> None:
        x, a = self.any()
        check(sum(self.ex.collect(_total, x)) == a.sum())

    def read(self) -> None:
        x, a = self.any()
        check(np.array_equal(layout.to_numpy(self.ex, x), a))


def check(right: bool) -> None:
    """End at once on a wrong answer."""
    if not right:
        raise AssertionError("wrong answer")


def _counting(start: int, rows: int) -> NDArray[np.int64]:
    return np.arange(start, start + rows)


def _add_one(block: NDArray[Any]) -> None:
    block += 1


def _total(block: NDArray[Any]) -> int:
    return int(block.sum())


class Killer(threading.Thread):
    """Kills a random worker every now and then; a hasty one does not wait until all are there again."""

    def __init__(self, ex: ClusterExecutor, kills: int, workers: int, seed: int) -> None:
        super().__init__(daemon=True)
        self.cluster, self.left, self.workers = ex.cluster, kills, workers
        self.random = random.Random(seed)
        self.ended = threading.Event()

    def run(self) -> None:
        while self.left and not self.ended.wait(self.random.uniform(0.0, 1.0)):
            found = list(self.cluster.scheduler.workers.values())
            if len(found) >= self.workers:
                self.kill(self.random.choice(found).pid)

    def kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):  # it is dead, and the scheduler has not noticed yet
            os.kill(pid, signal.SIGKILL)
            self.left -= 1


def run(session: Session, killer: Killer, commands: int) -> int:
    """Commands until there were enough, and enough kills; how many."""
    killer.start()
    begun, done = time.monotonic(), 0
    while done < commands or killer.left:
        session.step()
        done += 1
        if done % 50 == 0:
            print(f"{done} commands, {killer.left} kills to come, {time.monotonic() - begun:.0f} s", flush=True)
    killer.ended.set()
    session.read_all()
    return done


def main() -> None:
    """Run; exit with 1 if an array was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--commands", type=int, default=500)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--hasty", action="store_true")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with running_cluster(args.workers) as cluster:
        session = Session(ClusterExecutor(cluster, deferred_from=0), np.random.default_rng(args.seed))
        killer = Killer(session.ex, args.kills, 1 if args.hasty else args.workers, args.seed)
        done = run(session, killer, args.commands)
    print(f"{done} commands, {args.kills} kills: {dict(session.outcomes)}, {len(session.arrays)} arrays at the end")
    sys.exit(1 if session.outcomes["lost"] else 0)


if __name__ == "__main__":
    main()
