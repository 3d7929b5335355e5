"""An array of twice the workers' memory: made, written, read, summed, sorted, grouped.

    python -m bench.cluster.spilling --workers 2 --memory 400MB

Every answer is checked. Prints the seconds of each command, and how often a worker had to be started again.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import dataclass

from arkserver.cluster.cluster import Cluster
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine.local import LocalExecutor
from arkserver.settings import parse_bytes
from tests.support.cluster import running_cluster
from tests.support.session import Session

KEYS = 1_000
TIMES = 2.0
SEED = 7


@dataclass
class Commands:
    """A session, and the clock."""

    session: Session
    begun: float = 0.0

    def done(self, what: str) -> None:
        """Say how long the last command took."""
        now = time.perf_counter()
        print(f"{what:8s} {now - self.begun:8.1f} s", flush=True)
        self.begun = time.perf_counter()

    def made(self, rows: int) -> str:
        """Random numbers below `KEYS`."""
        return self.name(self.session.text("randint<int64,1>", shape=rows, low=0, high=KEYS, seed=SEED))

    def read_back(self, name: str, folder: str) -> str:
        """The array as it comes back from Parquet files."""
        self.session.text("writeParquet", values=name, prefix=f"{folder}/x", dset="x", obj_type="pdarray", mode=0)
        self.done("written")
        reply = self.session.text("readAllParquet", filenames=[f"{folder}/x*"], dsets=["x"])
        return next(word for word in reply.replace('"', " ").split() if word.startswith("id_"))

    def total(self, name: str) -> int:
        """The sum."""
        return int(self.session.text("sumAll<int64,1>", x=name, skipNan=False).split()[-1])

    def sorted(self, name: str) -> str:
        """A sorted copy."""
        return self.name(self.session.text("sort<int64,1>", alg="RadixSortLSD", array=name, axis=0))

    def in_order(self, name: str) -> bool:
        """Whether an array ascends."""
        return self.session.text("isSortedAll<int64,1>", x=name).endswith("True")

    def groups(self, name: str) -> int:
        """How many different keys there are, by grouping."""
        reply = self.session.text("unique", return_group_str=True, assume_sorted_str=False, keynames=[name])
        return int(reply.split("+")[1].split()[3])

    @staticmethod
    def name(reply: str) -> str:
        """The symbol that a reply announces."""
        return reply.split()[1]


def run(cluster: Cluster, rows: int) -> None:
    """All commands."""
    executor = PlacingExecutor(LocalExecutor(), ClusterExecutor(cluster), distribute_from=0)
    commands = Commands(Session(executor, limit=1 << 50), time.perf_counter())
    x = commands.made(rows)
    total = commands.total(x)
    commands.done("made")
    with tempfile.TemporaryDirectory() as folder:
        read = commands.read_back(x, folder)
        assert commands.total(read) == total
        commands.done("read")
    assert commands.total(x) == total
    commands.done("summed")
    order = commands.sorted(x)
    assert commands.in_order(order)
    assert commands.total(order) == total
    commands.done("sorted")
    assert commands.groups(x) == KEYS
    commands.done("grouped")


def main() -> None:
    """Run with what the command line says."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--memory", type=parse_bytes, default="400MB")
    args = parser.parse_args()
    rows = int(TIMES * args.workers * args.memory / 8)
    with running_cluster(args.workers, args.memory) as cluster:
        ended: list[str] = []
        cluster.changed = lambda: ended.append("") if len(cluster.homes) < args.workers else None
        print(f"{rows} rows of int64, {args.workers} workers of {args.memory} bytes")
        run(cluster, rows)
        print(f"workers started again: {len(ended)}")


if __name__ == "__main__":
    main()
