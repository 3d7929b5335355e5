"""Grouping: the stable order by the keys, where each group starts in it, and the first row of each group.

The order of the groups is that of protocol reference 9.4 (`groupkeys`): numbers ascend, the first key most significant;
floats by their bits as unsigned numbers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.groupkeys import group_columns
from arkserver.engine.algorithms.ranges import Columns, exchange_by_range, joined, ranges_of
from arkserver.engine.blocks import grouping, moving, sorting, textorder
from arkserver.engine.blocks.codes import codes
from arkserver.engine.blocks.grouping import group_order
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import array_of, rebalance
from arkserver.engine.values import Array, Column, Strings, TextBlock, starts

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]
Row = tuple[Any, ...]


class Groups(NamedTuple):
    """What grouping gives: int64 arrays."""

    permutation: Array
    """the stable order by the keys"""
    segments: Array
    """where in it each group starts"""
    firsts: Array
    """the first row of each group"""


def group(ex: Executor, columns: Sequence[Column]) -> Groups:
    """Group by one key or several.

    Parameters
    ----------
    columns : sequence of Array or Strings
        1-D, of equal length: int64, uint64, float64, uint8, bool or strings.
    """
    first = columns[0]
    if isinstance(first, Strings) and len(first.rows) == len(columns) == 1:
        return _of_one_block(ex, ex.map_parts(3, _group_texts, first), first.size)
    keys = group_columns(ex, columns)
    if len(keys[0].rows) == 1:
        return _of_one_block(ex, ex.map_parts(3, _group_block, *keys), keys[0].size)
    ranges = ranges_of(ex, keys, positions=True)
    return _finish(ex, exchange_by_range(ex, ranges, keys, _merge_marked))


def group_sorted(ex: Executor, columns: Sequence[Column]) -> Groups:
    """The groups of keys whose equal rows are neighbours already: the permutation is the identity."""
    keys = group_columns(ex, columns)
    return _finish(ex, ex.map(_mark_runs, Each(starts(keys[0].rows)), *keys))


def as_codes(ex: Executor, x: Array) -> Array:
    """Keys whose groups are in the order in which `x` sorts."""
    return array_of(ex.map(codes, x), x, codes(np.empty(0, x.dtype)).dtype)


def _group_block(*keys: NDArray[Any]) -> tuple[Ints, Ints, Ints]:
    permutation, segments = grouping.group(keys)
    return permutation, segments, moving.gather(permutation, segments)


def _group_texts(block: TextBlock) -> tuple[Ints, Ints, Ints]:
    permutation, segments = textorder.group(block)
    return permutation, segments, moving.gather(permutation, segments)


def _of_one_block(ex: Executor, refs: tuple[Refs, ...], n: int) -> Groups:
    (groups,) = ex.collect(len, refs[1])
    sizes = (n, groups, groups)
    return Groups(*(Array(INT64, (m,), r.values, (m,)) for r, m in zip(refs, sizes, strict=True)))


# A block of rows in group order: their positions, marks where a key differs from the one before, first and last key.
Marked = tuple[Ints, NDArray[np.bool_], Row, Row]


def _merge_marked(pieces: Sequence[Columns]) -> Marked:
    *keys, positions = joined(pieces)
    order, new = sorting.coargsort_marked(keys, [group_order(k.dtype) for k in keys], positions)
    ends = np.searchsorted(positions, order[[0, -1]] if len(order) else order)
    first, last = (tuple(k[ends[i : i + 1]].tolist() for k in keys) for i in (0, 1))
    return order, new, first, last


def _mark_runs(start: int, *keys: NDArray[Any]) -> Marked:
    n = len(keys[0])
    new = np.zeros(n, np.bool_)
    for k in keys:
        new[grouping.segment_starts(k)] = True
    first, last = (tuple(k[i : i + 1].tolist() for k in keys) for i in (0, max(n - 1, 0)))
    return np.arange(start, start + n), new, first, last


def _finish(ex: Executor, marked: Refs) -> Groups:
    """Count the segments over the blocks: the first run of a block may continue the last one before it."""
    edges = ex.collect(_edges, marked)
    rows = tuple(n for n, *_ in edges)
    continued, before = [], None
    for n, _, first, last in edges:
        continued.append(n > 0 and first == before)
        before = last if n else before
    starting = tuple(new - c for (_, new, _, _), c in zip(edges, continued, strict=True))
    permutation, *of_groups = ex.map_parts(3, _place_segments, marked, Each(starts(rows)), Each(continued))
    segments, firsts = (Array(INT64, (sum(starting),), refs.values, starting) for refs in of_groups)
    return Groups(Array(INT64, (sum(rows),), permutation.values, rows), rebalance(ex, segments), rebalance(ex, firsts))


def _edges(marked: Marked) -> tuple[int, int, Row, Row]:
    """Rows of a block, marks in it, first and last key."""
    positions, new, first, last = marked
    return len(positions), int(np.count_nonzero(new)), first, last


def _place_segments(marked: Marked, start: int, continued: bool) -> tuple[Ints, Ints, Ints]:
    positions, new, _, _ = marked
    segments = moving.nonzero(new)[int(continued) :]
    return positions, segments + start, moving.gather(positions, segments)
