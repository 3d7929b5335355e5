"""Groups by the number of each row's group: no order of the rows is made, as long as no reduction needs one.

Over several blocks each block reduces its rows to a state of all groups; states travel, not rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import indexing, sorting
from arkserver.engine.algorithms.aggregates import aggregate_groups
from arkserver.engine.algorithms.columns import gather_column
from arkserver.engine.algorithms.grouping import group
from arkserver.engine.algorithms.groupkeys import comparable, group_columns
from arkserver.engine.algorithms.segments import group_numbers, result_dtype
from arkserver.engine.blocks import coded, numbering, textorder
from arkserver.engine.executor import Executor, Refs
from arkserver.engine.layout import align, even_rows
from arkserver.engine.values import BIGINT, Array, Column, Strings, starts
from arkserver.errors import ArgumentError

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]


class Numbered(NamedTuple):
    """Groups in the ascending order of their keys: int64 arrays."""

    codes: Array
    """the number of each row's group"""
    firsts: Array
    """the first row of each group"""


def number(ex: Executor, columns: Sequence[Column]) -> Numbered:
    """Number the groups of equal keys; nan equals nan and comes last, -0.0 equals 0.0, strings are ordered bytewise.

    Parameters
    ----------
    columns : sequence of Array or Strings
        1-D, of equal length: int64, uint64, float64, uint8, bool or strings; the first is most significant.
    """
    first = columns[0]
    if isinstance(first, Strings) and len(first.rows) == len(columns) == 1:
        return _of_one_block(ex, ex.map_parts(2, textorder.number, first), first.size)
    ordered = [comparable(ex, c) if isinstance(c, Array) else _ordinals(ex, c) for c in columns]
    keys = group_columns(ex, ordered)
    found = (
        _of_one_block(ex, ex.map_parts(2, _number, *keys), keys[0].size)
        if len(keys[0].rows) == 1
        else _of_blocks(ex, keys)
    )
    natural = len(keys) == len(columns) and not any(isinstance(c, Strings) for c in ordered)
    return found if natural else _in_order(ex, found, ordered)


def keys_of(ex: Executor, columns: Sequence[Column], found: Numbered) -> list[Column]:
    """The key of each group, a column for each of the columns that were grouped by."""
    return [gather_column(ex, c, found.firsts) for c in columns]


def _ordinals(ex: Executor, column: Strings) -> Column:
    """Integers that compare as the strings of one block do; those of several blocks stay strings."""
    if len(column.rows) > 1:
        return column
    return Array(INT64, column.shape, ex.map(textorder.ordinals, column).values, column.rows)


def _of_one_block(ex: Executor, refs: tuple[Refs, ...], n: int) -> Numbered:
    codes, firsts = refs
    (groups,) = ex.collect(len, firsts)
    return Numbered(Array(INT64, (n,), codes.values, (n,)), Array(INT64, (groups,), firsts.values, (groups,)))


def _number(*keys: NDArray[Any]) -> tuple[Ints, Ints]:
    return numbering.number(keys)


def _of_blocks(ex: Executor, keys: Sequence[Array]) -> Numbered:
    groups = group(ex, keys)
    return Numbered(group_numbers(ex, groups), groups.firsts)


def _in_order(ex: Executor, found: Numbered, columns: Sequence[Column]) -> Numbered:
    """Number the groups anew, by the order of their keys."""
    order = sorting.coargsort(ex, [gather_column(ex, c, found.firsts) for c in columns])
    ranks = sorting.argsort(ex, order)
    return Numbered(indexing.gather(ex, ranks, found.codes), indexing.gather(ex, found.firsts, order))


def reduce(
    ex: Executor, op: str, values: Array, codes: Array, groups: int, *, skip_nan: bool = True, ddof: int = 1
) -> Array:  # fmt: skip
    """Reduce 1-D values by the groups of their rows; see `blocks.coded.reduce_codes`.

    Raises
    ------
    ArgumentError
        When a group has no rows, and the rows had to be sorted.
    """
    values, codes = align(ex, values, codes)
    dtype, args = result_dtype(op, values.dtype), (op, values, codes, groups, skip_nan)
    if len(codes.rows) == 1 and values.dtype != BIGINT:
        return Array(dtype, (groups,), ex.map(coded.reduce_codes, *args, ddof).values, (groups,))
    rows = even_rows(groups, len(codes.rows))
    if op not in coded.ADDING or values.dtype == BIGINT or groups * len(rows) > codes.size:
        return _sorted_and_reduced(ex, op, values, codes, groups, skip_nan, ddof)
    refs = ex.exchange(_states, (*args, rows), _merged, (op, skip_nan, ddof), parts=len(rows))
    return Array(dtype, (groups,), refs.values, rows)


def _states(op: str, values: NDArray[Any], codes: Ints, groups: int, skip: bool, rows: Sequence[int]) -> list[Any]:
    """The state that a block has of the groups, cut for the blocks of the result."""
    state = coded.state_of(op, values, codes, groups, skip)
    return [state[a:b] for a, b in pairwise((*starts(tuple(rows)), groups))]


def _merged(states: Sequence[NDArray[Any]], op: str, skip: bool, ddof: int) -> NDArray[Any]:
    whole = states[0].copy()
    for state in states[1:]:
        coded.merge(op, whole, np.ascontiguousarray(state), skip)
    return coded.finish(op, whole, ddof)


def _sorted_and_reduced(
    ex: Executor, op: str, values: Array, codes: Array, groups: int, skip: bool, ddof: int
) -> Array:  # fmt: skip
    found = group(ex, [codes])
    if found.segments.size != groups:
        raise ArgumentError(f"{found.segments.size} of {groups} groups have rows; all must have some for {op}")
    return aggregate_groups(ex, op, values, found, skip_nan=skip, ddof=ddof)
