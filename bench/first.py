"""What the first call after a start costs beside the second: ``python -m bench.first``.

Each row of the table gets a server of its own that nobody has asked anything, with a full cache of compiled kernels and
without the background's help. With ``--empty`` the cache holds what ``arkserver warmup`` puts there and nothing else,
which takes some minutes to fill; without, what this machine's cache holds too.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from bench.case import CASES, Case

RESULTS = Path(__file__).parent / "results" / "first.json"

TARGET_MS = 150.0
"""that a first call may take longer than a second"""

LARGEST = 10**6


@dataclass(frozen=True, slots=True)
class FirstCall:
    """The first calls of one operation on a new server."""

    op: str
    dtype: str
    n: int
    first_ms: float
    second_ms: float

    @property
    def above_ms(self) -> float:
        """What the first took longer."""
        return self.first_ms - self.second_ms

    def line(self) -> str:
        """For the terminal."""
        mark = "  MISSED" if self.above_ms > TARGET_MS else ""
        return f"{self.op:34} {self.dtype:8} {self.first_ms:8.1f} {self.second_ms:8.1f} {self.above_ms:8.1f}{mark}"


def load() -> list[FirstCall]:
    """What the last run measured."""
    return [FirstCall(**f) for f in json.loads(RESULTS.read_text())] if RESULTS.exists() else []


def measure(case: Case) -> FirstCall:
    """Time the first two calls on a server of their own."""
    from arkserver.client import connect
    from tests.support.server import running_server

    n = min(*case.sizes, LARGEST)
    data = case.make(n, np.random.default_rng(n))
    with running_server("--log-level", "WARN") as server, connect(server.address) as session:
        there = {k: session.array(v) if isinstance(v, np.ndarray) else v for k, v in data.items()}
        if case.prepare is not None:
            there["ready"] = case.prepare(session, there)
        taken = []
        for _ in range(2):
            start = time.perf_counter()
            result = case.ours(session, there)
            taken.append((time.perf_counter() - start) * 1e3)
            del result
    return FirstCall(case.op, case.dtype, n, *taken)


@contextmanager
def warm_cache() -> Iterator[None]:
    """A cache with what ``arkserver warmup`` compiles, for the servers that are started meanwhile."""
    with tempfile.TemporaryDirectory(prefix="arkserver-kernels-") as folder:
        os.environ["ARKSERVER_KERNEL_CACHE"] = folder
        try:
            subprocess.run([sys.executable, "-m", "arkserver.cli", "warmup", "--jobs", "2"], check=True)
            yield
        finally:
            del os.environ["ARKSERVER_KERNEL_CACHE"]


def main() -> None:
    """Measure, print and keep."""
    from bench import cases  # noqa: F401 - cases fill the table

    parser = argparse.ArgumentParser(prog="bench.first", description=__doc__)
    parser.add_argument("--only", default="", help="regular expression that the operation's name must hold")
    parser.add_argument("--empty", action="store_true", help="begin with an empty cache and `arkserver warmup`")
    options = parser.parse_args()
    print(
        f"{'operation':34} {'dtype':8} {'first ms':>8} {'second':>8} {'above':>8}   at most {TARGET_MS:g}", flush=True
    )
    found = []
    with warm_cache() if options.empty else nullcontext():
        for case in CASES.values():
            if re.search(options.only, case.op):
                found.append(measure(case))
                print(found[-1].line(), flush=True)
    met = sum(f.above_ms <= TARGET_MS for f in found)
    worst = max(found, key=lambda f: f.above_ms)
    print(
        f"{met} of {len(found)} within {TARGET_MS:g} ms; the worst is {worst.op} ({worst.dtype}): {worst.above_ms:.0f}"
    )
    if not options.only:  # the documentation counts all rows
        RESULTS.write_text("[\n" + ",\n".join(json.dumps(asdict(f)) for f in found) + "\n]\n")


if __name__ == "__main__":
    main()
