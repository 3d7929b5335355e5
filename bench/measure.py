"""Timing: ours and each peer in turn, several rounds, medians; the physical limits in the same run."""

from __future__ import annotations

import gc
import json
import statistics
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

import numba
import numpy as np

from bench.case import Case

ROUNDS = 5
# A peer that takes this long is not asked again: two rounds have to do.
SLOW_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the output."""

    op: str
    n: int
    dtype: str
    seconds: float
    peers: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float = 0.0
    limit_bytes_per_s: float | None = None

    def ratio(self, names: tuple[str, ...]) -> float | None:
        """Seconds of the best of these peers over ours."""
        theirs = [s for name, s in self.peers.items() if name in names]
        return min(theirs) / self.seconds if theirs else None


def measure(session: Any, case: Case, n: int, limits: Mapping[str, float]) -> Result:
    """Time one row at one size."""
    data = case.make(n, np.random.default_rng(n))
    there = {name: session.array(values) for name, values in data.items()}
    if case.prepare is not None:
        there["ready"] = case.prepare(session, there)
    works: dict[str, Callable[[], Any]] = {"ours": lambda: case.ours(session, there)}
    works |= {name: prepare(data) for name, prepare in case.peers.items()}
    seconds = in_turn(works)
    ours = seconds.pop("ours")
    rate = case.bytes_per_row * n / ours
    return Result(case.op, n, case.dtype, ours, seconds, rate, limits.get(case.limit))


def in_turn(works: Mapping[str, Callable[[], Any]]) -> dict[str, float]:
    """Median seconds of each, measured one after the other, round by round, after one round that does not count."""
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(ROUNDS + 1):
        for name, work in works.items():
            taken = times[name]
            if len(taken) >= 2 and taken[-1] > SLOW_SECONDS:
                continue
            start = time.perf_counter()
            result = work()
            taken.append(time.perf_counter() - start)
            del result  # freeing it is not part of the work
            gc.collect()
        if round_ == 0:
            times = {name: [] if taken[-1] <= SLOW_SECONDS else taken for name, taken in times.items()}
    return {name: statistics.median(taken) for name, taken in times.items()}


# --- limits ----------------------------------------------------------------------------------------------------------


@numba.njit(nogil=True)
def _triad(a: Any, b: Any, c: Any) -> None:
    for i in range(len(a)):
        a[i] = b[i] + 3.0 * c[i]


@numba.njit(nogil=True)
def _copy(a: Any, b: Any) -> None:
    for i in range(len(a)):
        a[i] = b[i]


def limits(threads: int, n: int = 20_000_000) -> dict[str, float]:
    """Bytes a second of a triad and a copy over buffers that are used again, on all threads."""
    a, b, c = np.zeros(n), np.ones(n), np.ones(n)
    with ThreadPoolExecutor(threads) as pool:
        cuts = [slice(i * n // threads, (i + 1) * n // threads) for i in range(threads)]

        def triad() -> None:
            list(pool.map(lambda s: _triad(a[s], b[s], c[s]), cuts))

        def copy() -> None:
            list(pool.map(lambda s: _copy(a[s], b[s]), cuts))

        seconds = in_turn({"triad": triad, "copy": copy})
    return {"triad": 24 * n / seconds["triad"], "copy": 16 * n / seconds["copy"]}


def growth(results: list[Result]) -> dict[str, float]:
    """The exponent of seconds over size for each operation that was measured at two sizes or more."""
    by_op: dict[str, list[Result]] = {}
    for r in results:
        by_op.setdefault(f"{r.op} {r.dtype}", []).append(r)
    return {
        op: float(np.polyfit(np.log([r.n for r in rows]), np.log([r.seconds for r in rows]), 1)[0])
        for op, rows in by_op.items()
        if len({r.n for r in rows}) > 1
    }


def as_json(results: list[Result]) -> str:
    """The results as a list of objects."""
    return json.dumps([asdict(r) for r in results], indent=1)
