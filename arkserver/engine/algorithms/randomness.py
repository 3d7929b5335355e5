"""Random arrays and strings: the same numbers however many blocks they are cut into (protocol, chapter 10)."""

from __future__ import annotations

import math
import secrets
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import random
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import even_rows, strings_of
from arkserver.engine.values import Array, DType, Strings, TextBlock, starts

BOOL, UINT8, FLOAT64 = np.dtype(np.bool_), np.dtype(np.uint8), np.dtype(np.float64)

ALPHABETS = {
    "uppercase": (65, 90),
    "lowercase": (97, 122),
    "numeric": (48, 57),
    "printable": (32, 126),
    "binary": (0, 255),
}
"""first and last byte of each set of characters"""


def fresh_seed() -> int:
    """A seed for whoever gave none."""
    return secrets.randbits(63)


def filled(ex: Executor, shape: tuple[int, ...], dtype: DType, fill: Callable[..., Any], *args: Any) -> Array:
    """A new array; ``fill(first, count, *args)`` gives its elements ``first .. first + count - 1`` in C order."""
    rows = even_rows(shape[0], ex.width) if shape else (1,)
    refs = ex.map(_fill_block, fill, Each(starts(rows)), Each(rows), shape, *args)
    return Array(dtype, shape, refs.values, rows)


def _fill_block(fill: Callable[..., Any], start: int, rows: int, shape: tuple[int, ...], *args: Any) -> NDArray[Any]:
    row = math.prod(shape[1:])
    return np.asarray(fill(start * row, rows * row, *args)).reshape((rows, *shape[1:]) if shape else ())


def integers(ex: Executor, shape: tuple[int, ...], dtype: DType, low: int, high: int, seed: int, at: int = 0) -> Array:
    """Integers of ``low .. high``, both included; `at` is the position in the stream of the first."""
    return filled(ex, shape, dtype, _from, at, random.bounded, seed, low, high, dtype)


def floats(ex: Executor, shape: tuple[int, ...], low: float, high: float, seed: int, at: int = 0) -> Array:
    """float64 of [low, high]."""
    return filled(ex, shape, FLOAT64, _from, at, random.uniform, seed, low, high)


def bools(ex: Executor, shape: tuple[int, ...], seed: int, at: int = 0) -> Array:
    """Fair coins."""
    return filled(ex, shape, BOOL, _from, at, random.coins, seed)


def constant_bools(ex: Executor, shape: tuple[int, ...], value: bool) -> Array:
    """A coin that always falls on the same side."""
    return filled(ex, shape, BOOL, _same, value)


def _same(_: int, count: int, value: bool) -> NDArray[np.bool_]:
    return np.full(count, value)


def normals(ex: Executor, shape: tuple[int, ...], seed: int) -> Array:
    """Standard normals by Box and Muller, of the streams seeded `seed` and ``seed + 1``."""
    return filled(ex, shape, FLOAT64, random.normal, seed, seed + 1, 0)


def _from(start: int, count: int, at: int, fill: Callable[..., Any], *args: Any) -> Any:
    return fill(at + start, count, *args)


def strings_of_lengths(ex: Executor, lengths: Array, alphabet: str, seed: int) -> Strings:
    """Random strings whose lengths are given, counting one byte that ends each.

    One stream of bytes with the same seed fills all strings end to end, the ending byte of each (which is not kept)
    taking a draw too.
    """
    low, high = ALPHABETS[alphabet]
    used = [int(n) for n in ex.collect(np.sum, lengths)]
    refs = ex.map(_letters, lengths, Each(starts(tuple(used))), seed, low, high)
    return strings_of(ex, refs, lengths.rows)


def mean_length(distribution: str, first: float, second: float) -> float:
    """The expected length of a random string, for the memory accounts."""
    if distribution == "lognormal":
        return math.exp(min(first + second * second / 2, 300.0)) + 1
    return (first + second) / 2 + 1


def uniform_lengths(ex: Executor, size: int, shortest: int, longest: int, seed: int) -> Array:
    """Lengths of ``shortest + 1 .. longest``, the ending byte included."""
    return integers(ex, (size,), np.dtype(np.int64), shortest + 1, longest, seed)


def lognormal_lengths(ex: Executor, size: int, mean: float, deviation: float, seed: int) -> Array:
    """Lengths whose logarithm is normal, rounded up, the ending byte included."""
    return filled(ex, (size,), np.dtype(np.int64), _lognormal, mean, deviation, seed)


def _lognormal(start: int, count: int, mean: float, deviation: float, seed: int) -> NDArray[np.int64]:
    normal = random.normal(start, count, seed, seed + 1, 0)
    return np.maximum(np.ceil(np.exp(mean + deviation * normal)), 1).astype(np.int64)


def _letters(lengths: NDArray[np.int64], start: int, seed: int, low: int, high: int) -> TextBlock:
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    data = random.bounded(start, total, seed, low, high, UINT8)
    keep = np.ones(total, np.bool_)
    keep[ends - 1] = False
    offsets = np.zeros(len(lengths) + 1, np.int64)
    np.cumsum(lengths - 1, out=offsets[1:])
    return TextBlock(offsets, data[keep])
