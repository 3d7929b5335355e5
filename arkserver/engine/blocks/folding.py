"""Reductions of one block along some of its axes, which stay with length 1.

Every reduction is two functions: one makes the partial result of a block (or of a chunk of it), the other merges
partial results, in the order of the first axis. Whole blocks go to the kernels of `reducing`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from arkserver.engine.blocks import reducing, sorting
from arkserver.engine.blocks.views import Array, quiet
from arkserver.engine.threads import MINIMUM_CHUNK, threads

Axes = tuple[int, ...]

# Elements whose differences from the mean are made at a time, in the cache.
TILE = 1 << 15
# And at least so many rows: the moments of their columns are kept until they are merged.
ROWS = 64


@dataclass(frozen=True, slots=True)
class Operation:
    """A reduction by a ufunc."""

    ufunc: np.ufunc
    whole: Callable[..., Any]
    """the same of a 1-D block that is not empty, to a scalar"""
    skipping: np.ufunc | None = None
    """takes the other operand when one is nan"""


OPERATIONS = {
    "sum": Operation(np.add, reducing.total),
    "prod": Operation(np.multiply, reducing.product),
    "min": Operation(np.minimum, reducing.minimum, np.fmin),
    "max": Operation(np.maximum, reducing.maximum, np.fmax),
    "any": Operation(np.logical_or, lambda x, **_: reducing.any_true(x)),
    "all": Operation(np.logical_and, lambda x, **_: reducing.all_true(x)),
}


def result_dtype(op: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """What a reduction of `dtype` gives: sums and products are 64 bits wide."""
    if op in ("sum", "prod"):
        return np.dtype(reducing.WIDE[dtype.kind])
    return dtype if op in ("min", "max") else np.dtype(np.bool_)


def identity(op: str, dtype: np.dtype[Any], skip_nan: bool = False) -> Any:
    """The result for no elements: 0, 1, the greatest (for min) or the least value (for max), False, True.

    The identity of an operation that skips nan is nan.
    """
    if op not in ("min", "max"):
        return OPERATIONS[op].ufunc.identity
    if dtype.kind == "f":
        return np.nan if skip_nan else np.inf if op == "min" else -np.inf
    if dtype.kind == "b":
        return op == "min"
    return np.iinfo(dtype).max if op == "min" else np.iinfo(dtype).min


def each_rows(x: Array, fn: Callable[[int, int], Any]) -> list[Any]:
    """``fn(start, stop)`` for chunks of the rows of a block, side by side."""
    return threads().each_chunk(quiet(fn), len(x), 1 + MINIMUM_CHUNK * len(x) // max(1, x.size))


# --- sum, product, least, greatest, any, all -------------------------------------------------------------------------


def fold(x: Array, op: str, axes: Axes, skip_nan: bool = False) -> Array:
    """A block reduced along `axes`."""
    if len(axes) == x.ndim:
        return np.array(_fold_all(x, op, skip_nan), result_dtype(op, x.dtype)).reshape((1,) * x.ndim)
    parts = each_rows(x, lambda a, b: _fold_rows(x[a:b], op, axes, skip_nan))
    return merge(parts, op, skip_nan) if 0 in axes else np.concatenate(parts)


@quiet
def merge(parts: Sequence[Array], op: str, skip_nan: bool = False) -> Array:
    """The partial results of pieces that follow each other along the first axis together."""
    if len(parts) == 1:
        return parts[0]
    return np.asarray(_ufunc(op, skip_nan).reduce(np.concatenate(parts), axis=0, keepdims=True))


def _ufunc(op: str, skip_nan: bool) -> np.ufunc:
    known = OPERATIONS[op]
    return known.skipping if skip_nan and known.skipping else known.ufunc


def _fold_all(x: Array, op: str, skip_nan: bool) -> Any:
    return OPERATIONS[op].whole(x.reshape(-1), skip_nan=skip_nan) if x.size else identity(op, x.dtype, skip_nan)


def _fold_rows(part: Array, op: str, axes: Axes, skip_nan: bool) -> Array:
    kept: dict[str, Any] = {"axis": axes, "keepdims": True}
    if op in ("any", "all"):
        return np.asarray(_ufunc(op, False).reduce(part.astype(np.bool_, copy=False), **kept))
    if op in ("sum", "prod"):
        where = ~np.isnan(part) if skip_nan and part.dtype.kind == "f" else True
        return np.asarray(_ufunc(op, False).reduce(part, dtype=result_dtype(op, part.dtype), where=where, **kept))
    if min(part.shape[a] for a in axes) == 0:
        kept["initial"] = identity(op, part.dtype, skip_nan)
    return np.asarray(_ufunc(op, skip_nan).reduce(part, **kept))


# --- mean and variance -----------------------------------------------------------------------------------------------


@quiet
def totals(x: Array, axes: Axes, skip_nan: bool = False) -> Array:
    """Sum, as float64, and count along `axes`, stacked in front."""
    if len(axes) == x.ndim and x.dtype.kind == "f":
        count = np.count_nonzero(~np.isnan(x)) if skip_nan else x.size
        return np.array([reducing.total(x.reshape(-1), skip_nan=skip_nan), count]).reshape((2, *(1,) * x.ndim))
    parts = each_rows(x, lambda a, b: _totals_of_rows(x[a:b], axes, skip_nan))
    return merge_totals(parts) if 0 in axes else np.concatenate(parts, axis=1)


@quiet
def merge_totals(parts: Sequence[Array]) -> Array:
    """The totals of pieces that follow each other along the first axis together."""
    return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1).sum(axis=1, keepdims=True)


def _totals_of_rows(part: Array, axes: Axes, skip_nan: bool) -> Array:
    where, count = _numbers(part, axes, skip_nan)
    total = np.add.reduce(part, axis=axes, dtype=np.float64, keepdims=True, where=where)
    return np.stack([total, np.broadcast_to(count, total.shape)])


def _numbers(part: Array, axes: Axes, skip_nan: bool) -> tuple[Any, Any]:
    """Which elements count (True for all), and how many along `axes`."""
    if not (skip_nan and part.dtype.kind == "f"):
        return True, math.prod(part.shape[a] for a in axes)
    where = ~np.isnan(part)
    return where, where.sum(axis=axes, keepdims=True, dtype=np.float64)


def moments(x: Array, axes: Axes, skip_nan: bool = False) -> Array:
    """Count, mean and sum of squared differences from the mean along `axes`, stacked in front."""
    if len(axes) == x.ndim and not x.dtype.hasobject:
        found = reducing.moments(x.reshape(-1), skip_nan=skip_nan)
        return np.array(found).reshape((3, *(1,) * x.ndim))
    tile = max(ROWS, TILE * len(x) // max(1, x.size))
    together = merge_moments if 0 in axes else _side_by_side

    def chunk(start: int, stop: int) -> Array:
        edges = [*range(start, stop, tile), stop] if stop > start else [start, stop]
        return together([_moments_of_rows(x[a:b], axes, skip_nan) for a, b in pairwise(edges)])

    return together(each_rows(x, chunk))


def _side_by_side(parts: Sequence[Array]) -> Array:
    return np.concatenate(parts, axis=1)


def _moments_of_rows(part: Array, axes: Axes, skip_nan: bool) -> Array:
    part = part.astype(np.float64, copy=False)
    where, count = _numbers(part, axes, skip_nan)
    mean = np.asarray(part.sum(axis=axes, keepdims=True, where=where) / np.maximum(count, 1))
    spread = np.square(part - mean).sum(axis=axes, keepdims=True, where=where)
    return np.stack([np.broadcast_to(count, mean.shape), mean, spread])


@quiet
def merge_moments(parts: Sequence[Array]) -> Array:
    """The moments of pieces that follow each other along the first axis together."""
    if len(parts) == 1:
        return parts[0]
    counts, means, spreads = np.concatenate(parts, axis=1)
    count = counts.sum(axis=0, keepdims=True)
    mean = (counts * means).sum(axis=0, keepdims=True) / np.maximum(count, 1)
    spread = (spreads + counts * np.square(means - mean)).sum(axis=0, keepdims=True)
    return np.stack([count, mean, spread])


# --- where the extremes are ------------------------------------------------------------------------------------------


def extreme(x: Array, start: int, axis: int, greatest: bool) -> tuple[Array, Array]:
    """The extremes along an axis and where they are first; along the first axis counted from row `start`."""
    if axis == 0 and not len(x):
        return x, np.empty(x.shape, np.int64)
    find = np.argmax if greatest else np.argmin
    if axis > 0:
        places = np.concatenate(each_rows(x, lambda a, b: find(x[a:b], axis=axis, keepdims=True)))
        return np.take_along_axis(x, places, axis), places
    chunks = each_rows(x, lambda a, b: a + find(x[a:b], axis=0, keepdims=True))
    return merge_extremes([(np.take_along_axis(x, c, 0), c + start) for c in chunks], greatest)


def merge_extremes(parts: Sequence[tuple[Array, Array]], greatest: bool) -> tuple[Array, Array]:
    """The extremes of pieces that follow each other along the first axis together; the first of equal ones counts."""
    values, places = (np.concatenate(c) for c in zip(*parts, strict=True))
    best = (np.argmax if greatest else np.argmin)(values, axis=0, keepdims=True)
    return np.take_along_axis(values, best, 0), np.take_along_axis(places, best, 0)


def extreme_of_all(x: Array, start: int, greatest: bool) -> tuple[Array, Array]:
    """The extreme of a whole block and its flat position, counted from row `start`; of an empty block, none."""
    flat = x.reshape(-1)
    if not len(flat):
        return flat, np.empty(0, np.int64)
    place = (reducing.argmaximum if greatest else reducing.argminimum)(flat)
    return flat[place : place + 1], np.array([place + start * (x.size // len(x))])


# --- order -----------------------------------------------------------------------------------------------------------


def ascends(x: Array, axes: Axes) -> tuple[Array, Array, Array]:
    """Whether a block ascends along each of `axes`, and its first and last rows (none of an empty block)."""
    if x.ndim == 1 and not x.dtype.hasobject:
        return np.array([sorting.is_sorted(x)]), x[:1], x[-1:]
    flags = each_rows(x, lambda a, b: _ascending_rows(x[max(a - 1, 0) : b], b - a, axes))
    flag = np.logical_and.reduce(np.concatenate(flags), axis=0, keepdims=True) if 0 in axes else np.concatenate(flags)
    return flag, x[:1], x[-1:]


def _ascending_rows(part: Array, rows: int, axes: Axes) -> Array:
    """Flags of the last `rows` rows; one row more in front, if there is, only for the comparison along axis 0."""
    kept: dict[str, Any] = {"axis": axes, "keepdims": True}
    own = part[len(part) - rows :]
    flag = np.ones(tuple(1 if a in axes else n for a, n in enumerate(own.shape)), np.bool_)
    for axis in axes:
        lanes = np.moveaxis(part if axis == 0 else own, axis, 0)
        ordered = np.moveaxis((lanes[:-1] <= lanes[1:]).astype(np.bool_, copy=False), 0, axis)
        flag &= np.logical_and.reduce(ordered, **kept)
    return flag


def merge_ascending(parts: Sequence[tuple[Array, Array, Array]], axes: Axes) -> Array:
    """Whether pieces that follow each other along the first axis ascend together."""
    flags = [flag for flag, _, _ in parts]
    if 0 not in axes:
        return np.concatenate(flags)
    filled = [(first, last) for _, first, last in parts if len(first)]
    borders = [
        np.logical_and.reduce((last <= first).astype(np.bool_, copy=False), axis=axes, keepdims=True)
        for (_, last), (first, _) in pairwise(filled)
    ]
    return np.asarray(np.logical_and.reduce(np.concatenate([*flags, *borders]), axis=0, keepdims=True))
