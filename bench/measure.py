"""Timing: ours and each peer in turn, several rounds, medians; the physical limits in the same run."""

from __future__ import annotations

import gc
import os
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import numba
import numpy as np

from bench import answers
from bench.case import Case, Data
from bench.results import Result

ROUNDS = 5
budget = 2.5
"""Seconds that the rounds of a library may take in a row, set by the command line; one round there is always."""

SLOW_S = 8.0
"""A peer that takes this long is asked no second time."""

Work = Callable[[], Any]
Look = Callable[[str, Any], None]


def measure(session: Any, case: Case, n: int, limits: Mapping[str, float], *, check: bool) -> Result:
    """Time one row at one size, and see once that all give the same answer.

    Raises
    ------
    WrongAnswerError
        If they do not.
    """
    data = case.make(n, np.random.default_rng(n))
    there = {k: session.array(v) if isinstance(v, np.ndarray) else v for k, v in data.items()}
    if case.prepare is not None:
        there["ready"] = case.prepare(session, there)
    works: dict[str, Work] = {"ours": lambda: case.ours(session, there)}
    works |= {name: prepare(data) for name, prepare in case.peers.items()}
    seconds = in_turn(works, _Comparison(case, data) if check else _do_not_look)
    ours = seconds.pop("ours")
    return Result(case.op, n, case.dtype, ours, seconds, case.bytes_per_row * n / ours, limits.get(case.limit))


class _Comparison:
    """Compares what the peers give with what we gave."""

    def __init__(self, case: Case, data: Data) -> None:
        self.case, self.data = case, data
        self.ours: Any = None

    def __call__(self, name: str, result: Any) -> None:
        found = [np.asarray(c) for c in self.case.answer(self.data, answers.columns(result))]
        if name == "ours":
            self.ours = found
        elif name in self.case.unordered:
            answers.check(_sorted(self.ours), _sorted(found), f"{self.case.op}, ours and {name}")
        else:
            answers.check(self.ours, found, f"{self.case.op}, ours and {name}")


def _sorted(columns: Sequence[Any]) -> list[Any]:
    return [np.sort(c) for c in columns]


def _do_not_look(name: str, result: Any) -> None:
    """No comparison."""


def in_turn(works: Mapping[str, Work], look: Look = _do_not_look) -> dict[str, float]:
    """Median seconds of each, measured one after the other, round by round.

    The first round warms up and does not count, but for peers that take very long.
    """
    first = {name: _timed(name, work, look) for name, work in works.items()}
    times: dict[str, list[float]] = {name: [] for name in works}
    for round_ in range(ROUNDS):
        for name, work in works.items():
            if round_ < _rounds(name, first[name]):
                times[name].append(_timed(name, work))
    return {name: statistics.median(taken or [first[name]]) for name, taken in times.items()}


def _rounds(name: str, first: float) -> int:
    if first > SLOW_S and name != "ours":
        return 0
    return max(1, min(ROUNDS, int(budget / first)))


def _timed(name: str, work: Work, look: Look = _do_not_look) -> float:
    _wake_cores()
    start = time.perf_counter()
    result = work()
    taken = time.perf_counter() - start
    look(name, result)
    del result  # freeing it is not part of the work
    gc.collect()
    return taken


# --- cores -----------------------------------------------------------------------------------------------------------

AWAKE_S = 0.03
"""A core that has slept for 50 ms or more works for some milliseconds at half its speed (on virtual machines, above
all). Peers that compute in this process would find theirs awake, a server that waited for its turn would not, and
neither would the limits below be those of the calls. So all cores work for this long before each call that is timed."""


@numba.njit(nogil=True)
def _turn(x: float, times: int) -> float:
    for _ in range(times):
        x = 1.0 / (1.0 + x)
    return x


@cache
def _turns() -> int:
    """How many of them fill the time."""
    few = 10**6
    _turn(1.0, 1)
    start = time.perf_counter()
    _turn(1.0, few)
    return int(few * AWAKE_S / (time.perf_counter() - start))


@cache
def _all_cores() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(os.cpu_count() or 1)


def _wake_cores() -> None:
    cores = os.cpu_count() or 1
    list(_all_cores().map(_turn, [1.0] * cores, [_turns()] * cores))


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
    """Bytes a second of a triad, a copy and a sum over buffers that are used again, on all threads."""
    a, b, c = np.zeros(n), np.ones(n), np.ones(n)
    with ThreadPoolExecutor(threads) as pool:
        cuts = [slice(i * n // threads, (i + 1) * n // threads) for i in range(threads)]

        def triad() -> None:
            list(pool.map(lambda s: _triad(a[s], b[s], c[s]), cuts))

        def copy() -> None:
            list(pool.map(lambda s: _copy(a[s], b[s]), cuts))

        def read() -> None:
            list(pool.map(lambda s: a[s].sum(), cuts))

        seconds = in_turn({"triad": triad, "copy": copy, "read": read})
    return {name: size * n / seconds[name] for name, size in (("triad", 24), ("copy", 16), ("read", 8))}
