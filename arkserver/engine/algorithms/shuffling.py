"""Random orders, choices and samples. A shuffle is a random order of positions, by which the elements are gathered."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import randomness
from arkserver.engine.algorithms.indexing import gather, rows_at, scatter
from arkserver.engine.algorithms.shaping import reshape
from arkserver.engine.algorithms.sorting import argsort
from arkserver.engine.blocks import random
from arkserver.engine.executor import Executor
from arkserver.engine.values import DTYPES, Array
from arkserver.errors import ArgumentError

Ints = NDArray[np.int64]
INT64, FLOAT64 = DTYPES["int64"], DTYPES["float64"]


def reordered(ex: Executor, x: Array, order: Ints) -> Array:
    """The elements of `x`, counted in C order, in another order."""
    flat = x if x.ndim == 1 else reshape(ex, x, (x.size,))
    moved = gather(ex, flat, layout.from_numpy(ex, order))
    return moved if x.ndim == 1 else reshape(ex, moved, x.shape)


def enciphered(ex: Executor, x: Array, key: int, rounds: int) -> Array:
    """A 1-D array shuffled in place: a Feistel cipher says where each element goes, so none waits for another."""
    places = randomness.filled(ex, x.shape, INT64, random.feistel, x.size, key, rounds)
    return scatter(ex, x, places, x)


def choice(ex: Executor, size: int, count: int, seed: int, at: int, *, replace: bool) -> Array:
    """`count` of the positions ``0 .. size - 1``.

    Raises
    ------
    ArgumentError
        If there are not as many.
    """
    _check_count(size, count, replace)
    if replace:
        return randomness.integers(ex, (count,), INT64, 0, size - 1, seed, at)
    if 2 * count <= size:
        return layout.from_numpy(ex, _distinct(size, count, seed, at))
    return layout.from_numpy(ex, random.permutation(size, seed, at)[:count])


def _check_count(size: int, count: int, replace: bool) -> None:
    if size < 1:
        raise ArgumentError("Cannot sample from an empty domain")
    if count < 1 or (count > size and not replace):
        raise ArgumentError(f"Number of samples must be >= 1 and <= {size} without replacement; {count} were asked for")


def _distinct(size: int, count: int, seed: int, at: int) -> Ints:
    """The first `count` different numbers that are drawn."""
    drawn = np.empty(0, np.int64)
    while True:
        more = random.bounded(at + len(drawn), 2 * count, seed, 0, size - 1, INT64)
        drawn = np.concatenate([drawn, more])
        first = np.unique(drawn, return_index=True)[1]
        if len(first) >= count:
            return drawn[np.sort(first)[:count]]


def weighted_choice(ex: Executor, weights: Array, count: int, seed: int, at: int, *, replace: bool) -> Array:
    """`count` of the positions of `weights`, each as likely as its weight.

    Without replacement every position gets a uniform number to the power of 1 over its weight, and the largest win,
    which is the same as to draw one after the other (P. Efraimidis and P. Spirakis, 2006).

    Raises
    ------
    ArgumentError
        For a weight below 0, and if there are not as many positive ones.
    """
    _check_count(weights.size, count, replace)
    negative, positive = (sum(n) for n in zip(*ex.collect(_signs, weights), strict=True))
    if negative:
        raise ArgumentError("'weights' cannot contain negative values")
    if positive < (1 if replace else count):
        raise ArgumentError(f"'weights' must contain at least one non-zero value for each sample; {positive} are not 0")
    if replace:
        sums = np.cumsum(layout.to_numpy(ex, weights), dtype=np.float64)
        u = randomness.floats(ex, (count,), 0.0, 1.0, seed, at)
        return layout.array_of(ex.map(_found, u, sums / sums[-1]), u, INT64)
    u = randomness.floats(ex, weights.shape, 0.0, 1.0, seed, at)
    u, weights = layout.align(ex, u, weights)
    order = argsort(ex, layout.array_of(ex.map(_keys, u, weights), u))
    return layout.from_numpy(ex, rows_at(ex, order, np.arange(count)))


def _signs(weights: NDArray[Any]) -> tuple[int, int]:
    return int(np.count_nonzero(~(weights >= 0))), int(np.count_nonzero(weights > 0))


def _found(u: NDArray[np.float64], sums: NDArray[np.float64]) -> Ints:
    return np.minimum(np.searchsorted(sums, u), len(sums) - 1)


def _keys(u: NDArray[np.float64], weights: NDArray[Any]) -> NDArray[np.float64]:
    return np.where(weights > 0, -np.log(u) / np.where(weights > 0, weights, 1.0), np.inf)


def segment_samples(
    starts: Ints, lengths: Ints, counts: Ints, weights: NDArray[np.float64] | None, seed: int, at: int, *, replace: bool
) -> Ints:
    """``counts[i]`` positions of each segment, segment after segment.

    Raises
    ------
    ArgumentError
        If a segment has not as many.
    """
    short = (counts < 0) | ((counts > 0) & (lengths < (1 if replace else counts)))
    if short.any():
        i = int(np.flatnonzero(short)[0])
        raise ArgumentError(f"cannot take {counts[i]} samples of segment {i}, which has {lengths[i]} elements")
    return random.sample_segments(starts, lengths, counts, weights, seed, at, replace)
