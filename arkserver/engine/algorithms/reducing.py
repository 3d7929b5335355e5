"""Reductions of arrays, whole or along axes, which stay with length 1.

Every reduction is a partial result of each block and a merge of these (`blocks.folding`). Along inner axes alone it is
a map; along the first axis the partial results are brought to one block and merged there; of a whole array they are
collected and merged here.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import folding
from arkserver.engine.blocks.views import quiet
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import align, as_vector
from arkserver.engine.threads import threads
from arkserver.engine.values import Array, DType, starts
from arkserver.errors import ArgumentError

Axes = tuple[int, ...]
Part = Callable[..., Any]
Merge = Callable[..., Any]

FLOAT64, BOOL, INT64 = np.dtype(np.float64), np.dtype(np.bool_), np.dtype(np.int64)

# Elements of two arrays that are compared at a time, in the cache.
TILE = 1 << 14


def _along(ex: Executor, x: Array, axes: Axes, dtype: DType, part: Part, merge: Merge, *more: Any) -> Array:
    """``merge([part(block, *more), ...])`` over the blocks; of each block alone, unless axis 0 is among `axes`."""
    x = as_vector(ex, x)
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    if 0 in axes and len(x.blocks) > 1:
        refs = ex.exchange(_alone, (part, x, *more), merge, parts=1)
    else:
        refs = ex.map(_whole, part, merge, x, *more)
    return Array(dtype, shape, refs.values, (1,) if 0 in axes else x.rows)


def _alone(part: Part, block: NDArray[Any], *more: Any) -> list[Any]:
    return [part(block, *more)]


def _whole(part: Part, merge: Merge, block: NDArray[Any], *more: Any) -> Any:
    return merge([part(block, *more)])


def _all(ex: Executor, x: Array, part: Part, merge: Merge, *more: Any) -> Any:
    """The element that is left when all axes are reduced."""
    return merge(ex.collect(part, x, *more)).reshape(-1)[0]


def _every_axis(x: Array) -> Axes:
    return tuple(range(x.ndim))


# --- sum, prod, min, max, any, all -----------------------------------------------------------------------------------


def fold(ex: Executor, x: Array, op: str, axes: Axes, *, skip_nan: bool = False) -> Array:
    """`x` reduced along `axes` by one of `folding.OPERATIONS`."""
    part = partial(folding.fold, op=op, axes=axes, skip_nan=skip_nan)
    merge = partial(folding.merge, op=op, skip_nan=skip_nan)
    return _along(ex, x, axes, folding.result_dtype(op, x.dtype), part, merge)


def fold_all(ex: Executor, x: Array, op: str, *, skip_nan: bool = False) -> Any:
    """The whole of `x` reduced to a NumPy scalar."""
    x = as_vector(ex, x)
    part = partial(folding.fold, op=op, axes=_every_axis(x), skip_nan=skip_nan)
    return _all(ex, x, part, partial(folding.merge, op=op, skip_nan=skip_nan))


# --- mean, var, std --------------------------------------------------------------------------------------------------


def mean(ex: Executor, x: Array, axes: Axes, *, skip_nan: bool = False) -> Array:
    """The float64 mean along `axes`; nan of no elements."""
    part = partial(folding.totals, axes=axes, skip_nan=skip_nan)
    return _along(ex, x, axes, FLOAT64, part, _mean_of)


def mean_all(ex: Executor, x: Array, *, skip_nan: bool = False) -> Any:
    """The mean of the whole of `x`."""
    x = as_vector(ex, x)
    return _all(ex, x, partial(folding.totals, axes=_every_axis(x), skip_nan=skip_nan), _mean_of)


@quiet
def _mean_of(parts: Sequence[NDArray[Any]]) -> NDArray[Any]:
    total, count = folding.merge_totals(parts)
    return np.asarray(total / count)


def spread(ex: Executor, x: Array, axes: Axes, *, ddof: float, root: bool, skip_nan: bool = False) -> Array:
    """The variance along `axes` or, with `root`, the standard deviation; nan where the count is not above `ddof`."""
    part = partial(folding.moments, axes=axes, skip_nan=skip_nan)
    return _along(ex, x, axes, FLOAT64, part, partial(_spread_of, ddof=ddof, root=root))


def spread_all(ex: Executor, x: Array, *, ddof: float, root: bool, skip_nan: bool = False) -> Any:
    """`spread` of the whole of `x`."""
    x = as_vector(ex, x)
    part = partial(folding.moments, axes=_every_axis(x), skip_nan=skip_nan)
    return _all(ex, x, part, partial(_spread_of, ddof=ddof, root=root))


@quiet
def _spread_of(parts: Sequence[NDArray[Any]], ddof: float, root: bool) -> NDArray[Any]:
    count, _, squares = folding.merge_moments(parts)
    variance = np.divide(squares, count - ddof, out=np.full_like(squares, np.nan), where=count > ddof)
    return np.asarray(np.sqrt(variance) if root else variance)


# --- argmin, argmax --------------------------------------------------------------------------------------------------


def arg_extreme(ex: Executor, x: Array, axis: int, *, greatest: bool) -> Array:
    """Where along an axis the extreme is first; the first nan, if there is one.

    Raises
    ------
    ArgumentError
        If the axis has no positions.
    """
    _refuse_empty(x.shape[axis])
    part = partial(folding.extreme, axis=axis, greatest=greatest)
    merge = _only_places if axis else partial(_best_places, greatest=greatest)
    return _along(ex, x, (axis,), INT64, part, merge, Each(starts(x.rows)))


def arg_extreme_all(ex: Executor, x: Array, *, greatest: bool) -> Any:
    """The flat position of the first extreme of the whole of `x`; of the first nan, if there is one.

    Raises
    ------
    ArgumentError
        If `x` is empty.
    """
    _refuse_empty(x.size)
    x = as_vector(ex, x)
    part = partial(folding.extreme_of_all, greatest=greatest)
    return _all(ex, x, part, partial(_best_places, greatest=greatest), Each(starts(x.rows)))


def _refuse_empty(n: int) -> None:
    if n == 0:
        raise ArgumentError("the least and the greatest of no elements have no position")


def _best_places(parts: Sequence[tuple[NDArray[Any], NDArray[Any]]], greatest: bool) -> NDArray[Any]:
    return folding.merge_extremes(parts, greatest)[1]


def _only_places(parts: Sequence[tuple[NDArray[Any], NDArray[Any]]]) -> NDArray[Any]:
    return parts[0][1]


# --- order -----------------------------------------------------------------------------------------------------------


def ascends(ex: Executor, x: Array, axes: Axes) -> Array:
    """Whether `x` ascends along every one of `axes`."""
    part = partial(folding.ascends, axes=axes)
    return _along(ex, x, axes, BOOL, part, partial(folding.merge_ascending, axes=axes))


def ascends_all(ex: Executor, x: Array) -> Any:
    """Whether `x` ascends along every axis."""
    x = as_vector(ex, x)
    axes = _every_axis(x)
    return _all(ex, x, partial(folding.ascends, axes=axes), partial(folding.merge_ascending, axes=axes))


# --- two arrays ------------------------------------------------------------------------------------------------------


def all_close(ex: Executor, a: Array, b: Array, *, rtol: float, atol: float, equal_nan: bool) -> bool:
    """Whether ``|a - b| <= atol + rtol * |b|`` everywhere; infinities are close to equal ones alone."""
    a, b = align(ex, a, b)
    return all(ex.collect(_all_close, a, b, rtol, atol, equal_nan))


@quiet
def _all_close(a: NDArray[Any], b: NDArray[Any], rtol: float, atol: float, equal_nan: bool) -> bool:
    x, y = a.reshape(-1), b.reshape(-1)

    @quiet
    def tile(start: int, stop: int) -> bool:
        pair = x[start:stop].astype(np.float64), y[start:stop].astype(np.float64)
        return np.allclose(*pair, rtol, atol, equal_nan)

    def chunk(start: int, stop: int) -> bool:
        return all(tile(i, min(i + TILE, stop)) for i in range(start, stop, TILE))

    return all(threads().each_chunk(chunk, len(x)))


@quiet
def covariance(ex: Executor, a: Array, b: Array) -> float:
    """The sample covariance (divided by the count less one); nan of fewer than two elements."""
    xy = _products(ex, a, b)[2]
    return float(xy / (a.size - 1)) if a.size > 1 else float("nan")


@quiet
def correlation(ex: Executor, a: Array, b: Array) -> float:
    """Pearson's correlation: the covariance over the product of the standard deviations, rounded as upstream does."""
    xx, yy, xy = _products(ex, a, b) / np.float64(a.size - 1)
    return float(xy / (np.sqrt(xx) * np.sqrt(yy)))


@quiet
def _products(ex: Executor, a: Array, b: Array) -> NDArray[Any]:
    """The sums of products of differences from the means: of `a` with itself, `b` with itself, `a` with `b`."""
    a, b = align(ex, a, b)
    means = mean_all(ex, a), mean_all(ex, b)
    return np.asarray(np.sum(ex.collect(_products_in_block, a, b, means), axis=0))


@quiet
def _products_in_block(a: NDArray[Any], b: NDArray[Any], means: tuple[float, float]) -> NDArray[Any]:
    x, y = a.reshape(-1), b.reshape(-1)

    @quiet
    def tile(start: int, stop: int) -> NDArray[Any]:
        dx = x[start:stop].astype(np.float64) - means[0]
        dy = y[start:stop].astype(np.float64) - means[1]
        # Not by BLAS, whose own threads would get into the way of these.
        return np.array([np.sum(dx * dx), np.sum(dy * dy), np.sum(dx * dy)])

    def chunk(start: int, stop: int) -> NDArray[Any]:
        tiles = [tile(i, min(i + TILE, stop)) for i in range(start, stop, TILE)]
        return np.asarray(np.sum([np.zeros(3), *tiles], axis=0))

    return np.asarray(np.sum(threads().each_chunk(chunk, len(x)), axis=0))
