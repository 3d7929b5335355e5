"""Segments: runs of an array in group order that begin at given starts; reductions, sizes, broadcasts, heads.

Every block works on the segments that start in it. One that goes on in the next blocks is put together from what each
block knows of it (`blocks.partials`), so that a long segment need not come to one block.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import indexing
from arkserver.engine.algorithms.grouping import Groups
from arkserver.engine.blocks import bignum, partials, segmented
from arkserver.engine.blocks import grouping as runs
from arkserver.engine.blocks.moving import full
from arkserver.engine.blocks.partials import State
from arkserver.engine.blocks.sorting import is_sorted
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import align, array_of, array_of_unknown, even_rows, rebalance, relayout
from arkserver.engine.values import Array, starts
from arkserver.errors import ArgumentError

INT64, FLOAT64, BOOL = np.dtype(np.int64), np.dtype(np.float64), np.dtype(np.bool_)
Ints = NDArray[np.int64]

_FLOATS = ("prod", "mean", "var", "std", "median")
_COUNTS = ("argmin", "argmax", "nunique", "count")


def result_dtype(op: str, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The dtype of a reduction of values of `dtype`."""
    if op in _FLOATS:
        return FLOAT64
    if op in _COUNTS or (op == "sum" and dtype.kind in "bu" and dtype.itemsize == 1):
        return INT64
    return BOOL if op in ("any", "all") else dtype


def check_segments(ex: Executor, segments: Array, size: int, *, whole: bool = False) -> None:
    """See to it that segments can be used with values of `size` elements: kernels read where they point.

    Parameters
    ----------
    whole : bool
        Whether the segments must cover all elements.

    Raises
    ------
    ArgumentError
        When they are not int64, do not ascend, or point outside.
    """
    if segments.dtype != INT64 or segments.ndim != 1:
        raise ArgumentError(f"segments must be one-dimensional int64; they are {segments.dtype}, {segments.ndim}-D")
    edges = [e for e in ex.collect(_edges, segments) if e is not None]
    bounds = [0, *(b for first, last, _ in edges for b in (first, last)), size]
    if any(a > b for a, b in pairwise(bounds)) or not all(ascending for _, _, ascending in edges):
        raise ArgumentError(f"segments must ascend from 0 to at most {size}, the number of values")
    if whole and size and bounds[1] != 0:
        raise ArgumentError(f"the first segment must start at 0 to cover {size} values; it starts at {bounds[1]}")


def _edges(segments: Ints) -> tuple[int, int, bool] | None:
    return (int(segments[0]), int(segments[-1]), is_sorted(segments)) if len(segments) else None


def reduce(
    ex: Executor, op: str, values: Array, segments: Array, *, skip_nan: bool = True, ddof: int = 1
) -> Array:  # fmt: skip
    """Reduce segments of 1-D values; see `blocks.segmented.reduce_segments` for the operations and their results.

    Over several blocks there are those of `blocks.partials.PARTIAL`; `aggregates` has them all.

    Parameters
    ----------
    segments : Array
        int64, ascending, the first of them 0: where each segment starts. Equal starts make an empty segment.
    """
    segments = beside(ex, segments, values.rows)
    bits = values.max_bits
    if len(values.rows) == 1:
        refs = ex.map(_reduce, op, values, segments, skip_nan, ddof, bits)
    else:
        states = ex.map(_states, op, values, Each(starts(values.rows)), segments, skip_nan, bits)
        heads = _continued(ex.collect(_head, states))
        refs = ex.map(_complete, op, states, Each(heads), skip_nan, ddof, bits)
    dtype = result_dtype(op, values.dtype)
    return rebalance(ex, Array(dtype, segments.shape, refs.values, segments.rows))


def _reduce(
    op: str, values: NDArray[Any], segments: Ints, skip_nan: bool, ddof: int, max_bits: int
) -> NDArray[Any]:  # fmt: skip
    if values.dtype == object:
        return bignum.reduce_segments(op, values, segments, max_bits)
    return segmented.reduce_segments(op, values, segments, skip_nan, ddof)


# --- segments that go on in the next block ---------------------------------------------------------------------------

Known = tuple[State, Ints]
"""The states of a block's segments behind that of what precedes the first of them, and how many rows each has."""
Head = tuple[int, int, State]
"""How many segments start in a block, how many rows precede the first of them, and their state."""


def beside(ex: Executor, segments: Array, rows: tuple[int, ...], *others: Array) -> Any:
    """Segments (and arrays aligned with them) cut so that each is in the block of its first value.

    Parameters
    ----------
    rows : tuple of int
        The cut of the values.
    """
    cut = (segments.size,)
    if len(rows) > 1:
        below = np.sum(ex.collect(_below, segments, np.array(starts(rows)[1:])), axis=0)
        cut = tuple(np.diff(below, prepend=0, append=segments.size).tolist())
    moved = tuple(a if a.rows == cut else relayout(ex, a, cut) for a in (segments, *others))
    return moved if others else moved[0]


def _below(segments: Ints, positions: Ints) -> Ints:
    return np.searchsorted(segments, positions)


def _states(op: str, values: NDArray[Any], start: int, segments: Ints, skip_nan: bool, max_bits: int) -> Known:
    local = np.concatenate([[0], segments - start])
    return partials.state_of(op, values, start, local, skip_nan, max_bits), runs.segment_lengths(local, len(values))


def _head(known: Known) -> Head:
    state, lengths = known
    return len(lengths) - 1, int(lengths[0]), partials.row(state, 0)


def _continued(heads: list[Head]) -> list[list[State]]:
    """For each block the states of the rows in later blocks that belong to its last segment."""
    out: list[list[State]] = []
    after: list[State] = []
    for segments, rows, state in reversed(heads):
        out.append(after)
        after = [] if segments else after
        after = [state, *after] if rows else after
    return out[::-1]


def _complete(op: str, known: Known, later: list[State], skip_nan: bool, ddof: int, max_bits: int) -> NDArray[Any]:
    state, lengths = known
    if later and len(lengths) > 1:
        mine = [partials.row(state, -1 + len(lengths))] if lengths[-1] else []
        whole = partials.combine(op, [*mine, *later], skip_nan, max_bits)
        state = tuple(np.concatenate([s[:-1], w]) for s, w in zip(state, whole, strict=True))
    return partials.finish(op, tuple(column[1:] for column in state), ddof)


# --- sizes, broadcasts, heads ----------------------------------------------------------------------------------------


def sizes(ex: Executor, segments: Array, size: int) -> Array:
    """The lengths of segments of which the last one ends at `size`."""
    firsts = ex.collect(_first, segments)
    ends, end = [], size
    for first in reversed(firsts):
        ends.append(end)
        end = end if first is None else first
    return array_of(ex.map(runs.segment_lengths, segments, Each(reversed(ends))), segments, INT64)


def _first(segments: Ints) -> int | None:
    return int(segments[0]) if len(segments) else None


def numbers_of(ex: Executor, x: Array) -> Array:
    """``0, 1, 2, ...`` for the rows of `x`."""
    first = starts(x.rows)
    refs = ex.map(np.arange, Each(first), Each(a + n for a, n in zip(first, x.rows, strict=True)))
    return Array(INT64, x.shape[:1], refs.values, x.rows)


def broadcast(ex: Executor, values: Array, segments: Array, size: int) -> Array:
    """Repeat each segment's value over it: an array of `size` elements, zeros before the first segment."""
    parts = max(len(values.rows), len(segments.rows))
    rows = even_rows(size, parts) if parts > 1 else (size,)
    segments, values = beside(ex, segments, rows, values)
    before: NDArray[Any] = np.empty(0, values.dtype)
    carried = []
    for last in ex.collect(_last, values):
        carried.append(before)
        before = last if len(last) else before
    refs = ex.map(_spread, values, Each(carried), segments, Each(starts(rows)), Each(rows))
    return Array(values.dtype, (size,), refs.values, rows, values.max_bits)


def _last(values: NDArray[Any]) -> NDArray[Any]:
    return values[-1:]


def _spread(values: NDArray[Any], carried: NDArray[Any], segments: Ints, start: int, size: int) -> NDArray[Any]:
    """One block of a broadcast; the value `carried` from the blocks before goes on up to the first segment."""
    local = segments - start if start else segments
    if not len(carried) and size and (not len(local) or local[0] > 0):
        carried = np.zeros(1, values.dtype)
    if len(carried):
        values, local = np.concatenate([carried, values]), np.concatenate([[0], local])
    if values.dtype == object:
        return np.repeat(values, runs.segment_lengths(local, size))
    return runs.broadcast_segments(values, local, size)


def broadcast_to_rows(ex: Executor, values: Array, groups: Groups) -> Array:
    """Give every row the value of its group."""
    permutation = groups.permutation
    spread = broadcast(ex, values, groups.segments, permutation.size)
    spread, permutation = align(ex, spread, permutation)
    target = array_of(ex.map(_zeros, spread), spread)
    return indexing.scatter(ex, target, permutation, spread)


def group_numbers(ex: Executor, groups: Groups) -> Array:
    """The number of each row's group."""
    if len(groups.permutation.rows) == len(groups.segments.rows) == 1:
        refs = ex.map(runs.codes_of_groups, groups.permutation, groups.segments)
        return array_of(refs, groups.permutation, INT64)
    return broadcast_to_rows(ex, numbers_of(ex, groups.segments), groups)


def _zeros(x: NDArray[Any]) -> NDArray[Any]:
    return full(x.shape, 0, x.dtype)


def ends_of(ex: Executor, values: Array, segments: Array, n: int, *, last: bool) -> Array:
    """The first (or `last`) `n` values of each segment, one segment after the other."""
    lengths = sizes(ex, segments, values.size)
    places = array_of_unknown(ex, ex.map(_places, segments, lengths, n, last), INT64)
    return indexing.gather(ex, values, places)


def _places(segments: Ints, lengths: Ints, n: int, last: bool) -> Ints:
    kept = np.minimum(lengths, max(n, 0))
    begins = segments + (lengths - kept if last else 0)
    return np.repeat(begins - np.cumsum(kept) + kept, kept) + np.arange(kept.sum())
