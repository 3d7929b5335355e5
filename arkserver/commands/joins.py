"""Tables: joins, and rows of many columns at once."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.commands import projection
from arkserver.commands.arguments import SymbolTexts
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.sorting import same_length
from arkserver.engine import layout
from arkserver.engine.algorithms import indexing, joining
from arkserver.engine.algorithms import segments as runs
from arkserver.engine.algorithms.columns import compress_column, gather_column
from arkserver.engine.algorithms.grouping import Groups
from arkserver.engine.blocks.joining import How
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Column, Strings, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError

HOWS: dict[str, How] = {"inner": "inner", "left": "left", "right": "right", "outer": "outer"}


def _join_bytes(left: list[Column], right: list[Column], how: str = "inner") -> int:
    """Two words a pair, when every row has one partner, the groups of both sides, and what puts outer ones in order."""
    rows = left[0].size + right[0].size if left and right else 0
    return projection.WORD * rows * ((9 if how == "outer" else 5) + len(left))


@command("join", project=_join_bytes)
def join(ex: Executor, left: list[Column], right: list[Column], how: str = "inner") -> tuple[Array, ...]:
    """Pair the rows of two tables with equal keys: two arrays of row numbers, -1 for no partner, in pandas' order."""
    if how not in HOWS:
        raise ArgumentError(f"how is {how}; it must be one of {', '.join(HOWS)}")
    same_length(left)
    same_length(right)
    kinds = [[_kind(c) for c in side] for side in (left, right)]
    if kinds[0] != kinds[1] or "bigint" in kinds[0]:
        raise UnsupportedError(f"the keys must have the same dtypes, none of them bigint; they have {kinds}")
    return joining.join(ex, left, right, HOWS[how])


def _kind(column: Column) -> str:
    return "str" if isinstance(column, Strings) else dtype_name(column.dtype)


TRUE_DT, ABS_DT, POS_DT = 0, 1, 2


@command("joinEqWithDT", project=projection.times(6, "a1", "g2perm"))
def join_eq_with_dt(
    ex: Executor, a1: Array, g2seg: Array, g2keys: Array, g2perm: Array, t1: Array, t2: Array, dt: int, pred: int,
    res_limit: int,
) -> tuple[Array, Array]:  # fmt: skip
    """Pair rows with equal int64 keys whose times are close; the right side is given by its groups."""
    for x in (a1, g2seg, g2keys, g2perm, t1, t2):
        if dtype_name(x.dtype) != "int64" or x.ndim != 1:
            raise UnsupportedError(f"Error: joinEqWithDTMsg: Incompatible arguments: {dtype_name(x.dtype)}")
    for a, b, what in ((g2seg, g2keys, "ukeys and seg"), (a1, t1, "a1 and t1"), (g2perm, t2, "perm and t2")):
        if a.size != b.size:
            raise ArgumentError(f"Error: joinEqWithDTMsg: Incompatible arguments: {what} must be same size")
    if pred not in (TRUE_DT, ABS_DT, POS_DT) or res_limit < 0:
        raise ArgumentError(f"the predicate is {pred} and the limit {res_limit}; expected 0, 1 or 2 and at least 0")
    runs.check_segments(ex, g2seg, t2.size, whole=True)
    indexing.check_bounds(ex, g2perm, t2.size, "joinEqWithDTMsg")
    groups = Groups(g2perm, g2seg, g2seg)
    left, right = joining.join(ex, [a1], [runs.broadcast_to_rows(ex, g2keys, groups)], "inner")
    if pred != TRUE_DT:
        near = joining.near(ex, indexing.gather(ex, t1, left), indexing.gather(ex, t2, right), dt, ahead=pred == POS_DT)
        left, right = indexing.compress(ex, left, near), indexing.compress(ex, right, near)
    return joining.first_rows(ex, left, res_limit), joining.first_rows(ex, right, res_limit)


# --- rows of a table -------------------------------------------------------------------------------------------------

PLAIN = ("pdarray", "IPv4", "Fields", "Datetime", "BitVector", "Timedelta")
ROUTINE = "dataframeBatchIndexingMsg"


def _rows_bytes(columns: list[Column], idx: Array) -> int:
    """The rows of all columns, and what is under way for the largest of them: indexes, values, where strings begin."""
    found = [int(idx.size * (projection.WORD + c.nbytes / max(1, c.size))) for c in columns]
    return sum(found) + 4 * max(found, default=0)


@command("takeRows", project=_rows_bytes)
def take_rows(ex: Executor, columns: list[Column], idx: Array) -> tuple[Column, ...]:
    """The rows of several columns of one length at positions, or where a mask is true: arkserver's own."""
    size = same_length(columns, "columns")[0].size
    if idx.ndim == 1 and idx.dtype == np.bool_ and idx.size == size:
        return tuple(compress_column(ex, c, idx) for c in columns)
    if idx.ndim != 1 or idx.dtype not in (np.int64, np.uint64):
        index = f"{dtype_name(idx.dtype)} of shape {list(idx.shape)}"
        raise ArgumentError(
            f"rows are taken by int64 or uint64 positions, or by a mask of {size} bools, not by {index}"
        )
    indexing.check_bounds(ex, idx, size, "takeRows")
    return tuple(gather_column(ex, c, idx) for c in columns)


@command("dataframe_idx", distributed="gathers: the row numbers, which are those that a screen shows")
def rows_of_columns(ex: Executor, context: Context, idx_name: Array, columns: SymbolTexts) -> list[Any]:
    """The rows at some positions of many columns, each given as ``type+name+symbol`` or ``type+name+symbol+symbol``."""
    return [_rows_of(ex, context, idx_name, text) for text in columns]


def _rows_of(ex: Executor, context: Context, index: Array, described: str) -> tuple[Any, ...]:
    kind, _, rest = described.partition("+")
    if kind in ("Categorical", "SegArray"):
        name, *symbols = rest.rsplit("+", 2)
    else:
        name, *symbols = rest.rsplit("+", 1)
    values = [context.engine.value(s) for s in symbols]
    if kind == "Strings":
        return kind, name, _rows(ex, values[0], index)
    if kind == "Categorical":
        return "Strings", name, _rows(ex, values[1], _rows(ex, values[0], index))
    if kind == "SegArray":
        return kind, name, *_rows_of_segments(ex, values[0], values[1], index)
    if kind not in PLAIN:
        raise UnsupportedError(f"Error: {ROUTINE}: {kind} not implemented")
    return kind, name, _rows(ex, values[0], index)


def _rows(ex: Executor, column: Any, index: Array) -> Any:
    if not isinstance(column, Array | Strings):
        raise UnsupportedError(f"Error: {ROUTINE}: {type(column).__name__} not implemented")
    indexing.check_bounds(ex, index, column.size, ROUTINE)
    return gather_column(ex, column, index)


def _rows_of_segments(ex: Executor, segments: Array, values: Array, index: Array) -> tuple[Array, Array]:
    runs.check_segments(ex, segments, values.size)
    begins = layout.to_numpy(ex, _rows(ex, segments, index))
    lengths = layout.to_numpy(ex, _rows(ex, runs.sizes(ex, segments, values.size), index))
    ends = np.cumsum(lengths)
    places = np.repeat(begins - ends + lengths, lengths) + np.arange(lengths.sum())
    rows = indexing.gather(ex, values, layout.from_numpy(ex, places))
    return layout.from_numpy(ex, ends - lengths), rows
