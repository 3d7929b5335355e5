"""Joins: pairs of rows of two tables whose keys are equal.

One block of each goes straight to the block's kernel. Otherwise the larger table is spread by ranges of its keys, rows
with equal keys by their positions; a row of the smaller one goes to every part that can hold its key. So a key that
fills half of a table is spread over the parts, and only the rows of the smaller table that have it are copied.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import sorting
from arkserver.engine.algorithms.grouping import group
from arkserver.engine.algorithms.groupkeys import comparable, paired_columns
from arkserver.engine.algorithms.ranges import (
    Columns,
    Ranges,
    exchange_by_range,
    joined,
    ranges_of,
    ranks,
    split_by,
)
from arkserver.engine.algorithms.segments import broadcast_to_rows
from arkserver.engine.algorithms.slicing import take_slice
from arkserver.engine.algorithms.text import choosing
from arkserver.engine.blocks import joining, moving
from arkserver.engine.blocks.joining import How
from arkserver.engine.blocks.sorting import coargsort
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import align, array_of, relayout, stacked
from arkserver.engine.values import Array, Column, Strings, starts

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]
Pairs = tuple[Array, Array]

_MIRRORED: dict[How, How] = {"inner": "inner", "outer": "outer", "left": "right", "right": "left"}


def join(ex: Executor, left: Sequence[Column], right: Sequence[Column], how: How) -> Pairs:
    """Pair the rows of two tables whose keys are all equal; nan equals nan, and -0.0 equals 0.0.

    Parameters
    ----------
    left, right : sequence of Array or Strings
        The key columns of each table, of equal dtypes.
    how : str
        inner: pairs only; left, right: and the rows of that table without a partner; outer: of both.

    Returns
    -------
    left, right : Array
        int64 row numbers; -1 where there is no partner. In the order of the left rows (right: of the right rows), each
        row's partners in their order; outer: in the order of the keys, ascending. This is the order of pandas.
    """
    left_keys, right_keys = _numeric(ex, left, right, ordered=how == "outer")
    kept = len(left_keys) if how == "outer" else 0
    if len(left_keys[0].rows) == len(right_keys[0].rows) == 1:
        columns = ex.map_parts(kept + 2, _join_block, how, len(left_keys), *left_keys, *right_keys)
        if how != "outer":
            return _column(ex, columns[0]), _column(ex, columns[1])
    elif left_keys[0].size >= right_keys[0].size:
        columns = _join_across(ex, left_keys, right_keys, how, kept)
    else:
        *keys, second, first = _join_across(ex, right_keys, left_keys, _MIRRORED[how], kept)
        columns = (*keys, first, second)
    return _in_order(ex, [_column(ex, c) for c in columns], flipped=how == "right")


def _column(ex: Executor, refs: Refs) -> Array:
    rows = tuple(ex.collect(len, refs))
    return Array(INT64, (sum(rows),), refs.values, rows)


# --- keys as numbers -------------------------------------------------------------------------------------------------


def _numeric(
    ex: Executor, left: Sequence[Column], right: Sequence[Column], *, ordered: bool
) -> tuple[list[Array], list[Array]]:
    """Integer columns of both tables, equal where the keys are; `ordered` ones compare as the keys do."""
    pairs = [_numbers_of_pair(ex, a, b, ordered) for a, b in zip(align(ex, *left), align(ex, *right), strict=True)]
    return [c for a, _ in pairs for c in a], [c for _, b in pairs for c in b]


def _numbers_of_pair(ex: Executor, a: Column, b: Column, ordered: bool) -> tuple[list[Array], list[Array]]:
    if isinstance(a, Array) and isinstance(b, Array):
        return [comparable(ex, a)], [comparable(ex, b)]
    if not ordered or not isinstance(a, Strings) or not isinstance(b, Strings):
        return paired_columns(ex, a, b)
    return _ordinals(ex, a, b)


def _ordinals(ex: Executor, a: Strings, b: Strings) -> tuple[list[Array], list[Array]]:
    """The rank of each string among those of both tables."""
    both = stacked(ex, a, b)
    groups = group(ex, [both])
    order = sorting.coargsort(ex, [choosing.gather(ex, both, groups.firsts)])
    ranks_of_rows = broadcast_to_rows(ex, sorting.argsort(ex, order), groups)
    cut = relayout(ex, ranks_of_rows, (*a.rows, *b.rows))
    at = len(a.rows)
    return [Array(INT64, a.shape, cut.blocks[:at], a.rows)], [Array(INT64, b.shape, cut.blocks[at:], b.rows)]


# --- pairs -----------------------------------------------------------------------------------------------------------


def _join_block(how: How, n_keys: int, *keys: NDArray[Any]) -> Columns:
    left, right = keys[:n_keys], keys[n_keys:]
    first, second = joining.join(left, right, how)
    return (*(_keys_of(left, right, first, second) if how == "outer" else ()), first, second)


def _keys_of(left: Sequence[NDArray[Any]], right: Sequence[NDArray[Any]], first: Ints, second: Ints) -> Columns:
    """The key columns of pairs of which either row may be missing."""
    out = []
    for a, b in zip(left, right, strict=True):
        column = np.empty(len(first), a.dtype)
        column[first >= 0] = a[first[first >= 0]]
        column[first < 0] = b[second[first < 0]]
        out.append(column)
    return tuple(out)


def _join_across(ex: Executor, large: Sequence[Array], small: Sequence[Array], how: How, kept: int) -> tuple[Refs, ...]:
    """The pairs of rows of the larger and of the smaller table, behind their keys when these are `kept`."""
    ranges = ranges_of(ex, large, positions=True)
    spread = exchange_by_range(ex, ranges, large, joined)
    copies = (Each(starts(small[0].rows)), ranges, *small)
    copied = ex.exchange(_copy_to_parts, copies, joined, parts=ranges.parts)
    return ex.map_parts(kept + 2, _join_part, how, spread, copied)


def _copy_to_parts(start: int, ranges: Ranges, *keys: NDArray[Any]) -> list[Columns]:
    """Each row for every part that can hold its key; at the last of them it may stand alone."""
    place, marks = ranks(keys, ranges.splitters[:-1])
    first, last = np.searchsorted(marks, place), np.searchsorted(marks, place, side="right")
    copies = last - first + 1
    rows = np.repeat(np.arange(len(place)), copies)
    part = np.arange(len(rows)) - np.repeat(np.cumsum(copies) - copies - first, copies)
    columns = [moving.gather(k, rows) for k in keys]
    return split_by(part, ranges.parts, [*columns, rows + start, part == last[rows]])


def _join_part(how: How, large: Columns, small: Columns) -> Columns:
    *large_keys, large_rows = large
    *small_keys, small_rows, alone = small
    first, second = joining.join(large_keys, small_keys, how)
    if how in ("right", "outer"):
        keep = first >= 0
        keep[~keep] = alone[second[~keep]]
        first, second = first[keep], second[keep]
    keys = _keys_of(large_keys, small_keys, first, second) if how == "outer" else ()
    return (*keys, _rows_at(large_rows, first), _rows_at(small_rows, second))


def _rows_at(rows: Ints, places: Ints) -> Ints:
    out = np.full(len(places), -1)
    found = places >= 0
    out[found] = rows[places[found]]
    return out


# --- order -----------------------------------------------------------------------------------------------------------


def _in_order(ex: Executor, columns: Sequence[Array], *, flipped: bool) -> Pairs:
    """Sort pairs by their keys, if these are kept, then by the left and right row (or `flipped`)."""
    *keys, left, right = columns
    table = [*keys, right, left] if flipped else [*keys, left, right]
    refs = ex.map_parts(2, _sorted_pair, *table) if len(left.rows) == 1 else _sorted_across(ex, table)
    first, second = (_column(ex, r) for r in refs)
    return (second, first) if flipped else (first, second)


def _sorted_across(ex: Executor, table: Sequence[Array]) -> tuple[Refs, ...]:
    ranges = ranges_of(ex, table, positions=False)
    return ex.map_parts(2, _sorted_pair_of, exchange_by_range(ex, ranges, table, joined, positions=False))


def _sorted_pair_of(columns: Columns) -> tuple[Ints, Ints]:
    return _sorted_pair(*columns)


def _sorted_pair(*columns: NDArray[Any]) -> tuple[Ints, Ints]:
    order = coargsort(columns)
    return moving.gather(columns[-2], order), moving.gather(columns[-1], order)


# --- what comes behind a join ----------------------------------------------------------------------------------------


def near(ex: Executor, first: Array, second: Array, width: int, *, ahead: bool) -> Array:
    """Whether the elements of two int64 arrays differ by at most `width`; `ahead`: and the second is not less."""
    first, second = align(ex, first, second)
    return array_of(ex.map(_near, first, second, width, ahead), first, np.dtype(np.bool_))


def _near(first: Ints, second: Ints, width: int, ahead: bool) -> NDArray[np.bool_]:
    behind = second < first
    # As unsigned numbers, which hold the distance of any two.
    apart = np.where(behind, first, second).view(np.uint64) - np.where(behind, second, first).view(np.uint64)
    close = (apart <= np.uint64(max(width, 0))) & (width >= 0)
    return close & ~behind if ahead else close


def first_rows(ex: Executor, x: Array, n: int) -> Array:
    """At most the first `n` elements of a 1-D array."""
    return take_slice(ex, x, [range(min(n, x.size))])
