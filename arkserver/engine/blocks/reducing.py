"""Reductions of one 1-D block to a scalar: a partial result a chunk, NumPy's rules for nan and integer overflow.

Functions take ``skip_nan``, by which nan does not count; without it, it makes the result nan. Floats are added pairwise
within a chunk (NumPy) and exactly between chunks.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from arkserver_kernels import scanning, segmented

from arkserver.engine.blocks.views import Array, plain, quiet
from arkserver.engine.threads import threads

# NumPy's 64-bit type in which integers of a kind are added and multiplied.
WIDE: dict[str, type[np.generic]] = {"b": np.int64, "i": np.int64, "u": np.uint64, "f": np.float64}
_START = np.zeros(1, np.int64)
_ALL = np.empty(0, np.int64)


def _partials(x: Array, fn: Callable[[Array], Any]) -> list[Any]:
    return threads().each_chunk(quiet(lambda a, b: fn(x[a:b])), len(x))


@quiet
def total(x: Array, *, skip_nan: bool = False) -> Any:
    """The sum: int64 of int64 and bool, uint64 of unsigned, float64; integers modulo 2^64; 0 of an empty block."""
    wide = WIDE[x.dtype.kind]
    if x.dtype.kind != "f":
        return np.add.reduce(np.array(_partials(x, lambda part: part.sum(dtype=wide)), wide))
    x = plain(x)
    parts = _partials(x, scanning.sum_of_numbers if skip_nan else np.sum)
    return np.float64(math.fsum(parts)) if all(map(math.isfinite, parts)) else np.add.reduce(np.array(parts))


@quiet
def product(x: Array, *, skip_nan: bool = False) -> Any:
    """The product, of the dtypes of `total`; 1 of an empty block."""
    wide = WIDE[x.dtype.kind]
    multiply = np.nanprod if skip_nan and x.dtype.kind == "f" else np.prod
    return np.multiply.reduce(np.array(_partials(x, lambda part: multiply(part, dtype=wide)), wide))


def minimum(x: Array, *, skip_nan: bool = False) -> Any:
    """The least of at least one element; nan when all are nan."""
    least = np.fmin if skip_nan else np.minimum
    return least.reduce(np.array(_partials(x, least.reduce), x.dtype))


def maximum(x: Array, *, skip_nan: bool = False) -> Any:
    """The greatest of at least one element; nan when all are nan."""
    most = np.fmax if skip_nan else np.maximum
    return most.reduce(np.array(_partials(x, most.reduce), x.dtype))


def argminimum(x: Array, *, skip_nan: bool = False) -> int:
    """Where the least of at least one element is first; without `skip_nan`, the first nan if there is one."""
    return _first_extreme(x, np.argmin, skip_nan=skip_nan)


def argmaximum(x: Array, *, skip_nan: bool = False) -> int:
    """Where the greatest of at least one element is first; without `skip_nan`, the first nan if there is one."""
    return _first_extreme(x, np.argmax, skip_nan=skip_nan)


def _first_extreme(x: Array, find: Callable[[Array], Any], *, skip_nan: bool) -> int:
    if skip_nan and x.dtype.kind == "f":
        return _first_extreme_number(plain(x), find is np.argmax)
    places = np.array(threads().each_chunk(lambda a, b: a + int(find(x[a:b])), len(x)))
    return int(places[find(x[places])])


def _first_extreme_number(x: Array, greatest: bool) -> int:
    def find(part: Array) -> int:
        out = np.empty(1, np.int64)
        segmented.extreme_places(part, _ALL, _START, 0, 1, len(part), greatest, True, np.float64(np.nan), out)
        return int(out[0])

    places = np.array(threads().each_chunk(lambda a, b: a + find(x[a:b]), len(x)))
    return int(places[find(x[places])])


def moments(x: Array, *, skip_nan: bool = False) -> tuple[float, float, float]:
    """Count, mean, and sum of squared differences from the mean, as floats; 0 each of an empty block.

    Blocks' moments combine by `combine_moments`.
    """
    x = x.astype(np.uint64) if x.dtype == np.uint8 else plain(x)

    def measure(start: int, stop: int) -> tuple[float, float, float]:
        out = np.empty((3, 1))
        segmented.moments(x[start:stop], _ALL, _START, 0, 1, stop - start, skip_nan, out[0], out[1], out[2])
        return float(out[0, 0]), float(out[1, 0]), float(out[2, 0])

    return combine_moments(threads().each_chunk(measure, len(x)))


def combine_moments(parts: list[tuple[float, float, float]]) -> tuple[float, float, float]:
    """The moments of all parts together."""
    out, columns = np.empty((3, 1)), np.array(parts).T.copy()
    segmented.combine_moments(columns[0], columns[1], columns[2], _START, len(parts), out[0], out[1], out[2])
    return float(out[0, 0]), float(out[1, 0]), float(out[2, 0])


def any_true(x: Array) -> bool:
    """Whether an element is not zero."""
    return any(_partials(x, np.any))


def all_true(x: Array) -> bool:
    """Whether no element is zero."""
    return all(_partials(x, np.all))


def count_nonzero(x: Array) -> int:
    """How many elements are not zero."""
    return int(sum(_partials(x, np.count_nonzero)))
