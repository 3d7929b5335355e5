"""Aggregates of groups: every reduction, over any number of blocks.

Most are put together from parts (`segments.reduce`). Median, nunique and mode cannot be; over several blocks they sort
by group and value, which spreads a long group over the blocks too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import grouping, indexing, sorting
from arkserver.engine.algorithms import segments as runs
from arkserver.engine.algorithms.searching import searchsorted
from arkserver.engine.algorithms.segments import broadcast, numbers_of, result_dtype, sizes
from arkserver.engine.blocks import segmented
from arkserver.engine.blocks.elementwise import apply
from arkserver.engine.executor import Executor
from arkserver.engine.layout import align, array_of, relayout
from arkserver.engine.values import BIGINT, Array

INT64, FLOAT64, BOOL = np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.bool_)
Ints = NDArray[np.int64]


def aggregate_segments(
    ex: Executor, op: str, values: Array, segments: Array, *, skip_nan: bool = True, ddof: int = 1
) -> Array:
    """Reduce the segments of 1-D values that are in group order; see `segments.reduce`."""
    if values.size == 0:
        values = relayout(ex, values, (0,))
    if len(values.rows) > 1 and op in _BY_SORTING:
        return _BY_SORTING[op](ex, values, segments, skip_nan)
    return runs.reduce(ex, op, values, segments, skip_nan=skip_nan, ddof=ddof)


def aggregate_groups(
    ex: Executor, op: str, values: Array, groups: grouping.Groups, *, skip_nan: bool = True, ddof: int = 1
) -> Array:
    """Reduce the groups of 1-D values that are in their first order.

    On one block the values are read through the permutation, without a permuted copy. argmin and argmax give rows of
    `values`.
    """
    permutation, segments = groups.permutation, groups.segments
    if len(values.rows) == len(permutation.rows) == len(segments.rows) == 1 and values.dtype != BIGINT:
        refs = ex.map(_reduce_groups, op, values, permutation, segments, skip_nan, ddof)
        return Array(result_dtype(op, values.dtype), segments.shape, refs.values, segments.rows)
    found = aggregate_segments(ex, op, indexing.gather(ex, values, permutation), segments, skip_nan=skip_nan, ddof=ddof)
    return indexing.gather(ex, permutation, found) if op.startswith("arg") and permutation.size else found


def _reduce_groups(
    op: str, values: NDArray[Any], permutation: Ints, segments: Ints, skip_nan: bool, ddof: int
) -> NDArray[Any]:
    found = segmented.reduce_groups(op, values, permutation, segments, skip_nan, ddof)
    return permutation[found] if op.startswith("arg") and len(permutation) else found


# --- products by logarithms ------------------------------------------------------------------------------------------


def product_by_logs(ex: Executor, values: Array, segments: Array, *, skip_nan: bool = True) -> Array:
    """Products of segments to the bit as Arkouda has them, which adds logarithms: 3.0 alone gives 3.0000000000000004.

    `aggregate_segments` with prod is exact where the product is.
    """
    logs = array_of(ex.map(_logs, values), values, FLOAT64)
    negative, zero = (array_of(ex.map(fn, values, 0), values, BOOL) for fn in (np.less, np.equal))
    found = (
        runs.reduce(ex, "sum", logs, segments, skip_nan=skip_nan),
        runs.reduce(ex, "xor", negative, segments),
        runs.reduce(ex, "any", zero, segments),
    )
    sums, odd, none = align(ex, *found)
    return array_of(ex.map(_signed_power, sums, odd, none), sums)


def _logs(x: NDArray[Any]) -> NDArray[Any]:
    return apply(_log_of_magnitude, x, dtype=FLOAT64)


def _log_of_magnitude(x: NDArray[Any], out: NDArray[Any]) -> None:
    np.absolute(x.astype(np.float64), out=out)
    out[out == 0] = 1
    np.log(out, out=out)


def _signed_power(sums: NDArray[Any], odd: NDArray[np.bool_], zero: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(zero, 0.0, np.where(odd, -np.exp(sums), np.exp(sums)))


# --- operations that sort by segment and value -----------------------------------------------------------------------


def _pairs(ex: Executor, values: Array, segments: Array) -> tuple[grouping.Groups, Array]:
    """The groups of equal values within segments, and how many of them are in the segments before each."""
    pairs = grouping.group(
        ex, [broadcast(ex, numbers_of(ex, segments), segments, values.size), grouping.as_codes(ex, values)]
    )
    return pairs, searchsorted(ex, pairs.segments, segments)


def _nunique(ex: Executor, values: Array, segments: Array, skip_nan: bool) -> Array:  # noqa: ARG001 (one of several)
    pairs, before = _pairs(ex, values, segments)
    return sizes(ex, before, pairs.segments.size)


def _mode(ex: Executor, values: Array, segments: Array, skip_nan: bool) -> Array:  # noqa: ARG001 (one of several)
    pairs, before = _pairs(ex, values, segments)
    longest = runs.reduce(ex, "argmax", sizes(ex, pairs.segments, values.size), before)
    found = indexing.gather(ex, values, indexing.gather(ex, pairs.firsts, longest))
    return _where_some(ex, found, sizes(ex, segments, values.size))


def _where_some(ex: Executor, x: Array, lengths: Array) -> Array:
    x, lengths = align(ex, x, lengths)
    return array_of(ex.map(_zero_where_empty, x, lengths), x)


def _zero_where_empty(x: NDArray[Any], lengths: Ints) -> NDArray[Any]:
    return np.where(lengths > 0, x, x.dtype.type(0))


def _median(ex: Executor, values: Array, segments: Array, skip_nan: bool) -> Array:
    numbers = broadcast(ex, numbers_of(ex, segments), segments, values.size)
    values = array_of(ex.map(_nan_last, values), values)
    order = sorting.coargsort(ex, [numbers, values])
    counts = runs.reduce(ex, "count", values, segments)
    lengths, segments, counts = align(ex, sizes(ex, segments, values.size), segments, counts)
    middles = ex.map_parts(2, _middle_places, segments, counts, values.size - 1)
    places = [array_of(m, segments, INT64) for m in middles]
    lower, upper = (indexing.gather(ex, values, indexing.gather(ex, order, p)) for p in places)
    return array_of(ex.map(_between, lower, upper, counts, lengths, skip_nan), segments, FLOAT64)


def _nan_last(x: NDArray[Any]) -> NDArray[Any]:
    return np.where(np.isnan(x), np.nan, x) if x.dtype.kind == "f" else x


def _middle_places(segments: Ints, counts: Ints, last: int) -> tuple[Ints, Ints]:
    lower = np.minimum(segments + np.maximum(counts - 1, 0) // 2, last)
    return lower, np.minimum(segments + counts // 2, last)


def _between(
    lower: NDArray[Any], upper: NDArray[Any], counts: Ints, lengths: Ints, skip_nan: bool
) -> NDArray[np.float64]:  # fmt: skip
    with np.errstate(all="ignore"):
        low, high = lower.astype(np.float64), upper.astype(np.float64)
        middle = np.where(counts % 2 == 1, low, (low + high) / 2.0)
    unknown = (counts == 0) | ((counts < lengths) & (not skip_nan))
    return np.where(unknown, np.nan, middle)


_BY_SORTING: dict[str, Callable[[Executor, Array, Array, bool], Array]] = {
    "nunique": _nunique,
    "mode": _mode,
    "median": _median,
}
