"""Joining two tables: the server pairs the rows, the columns are gathered by the pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client.arrays import Array
from arkserver.client.strings import Strings

if TYPE_CHECKING:
    from arkserver.client.frame import DataFrame
    from arkserver.client.groupby import Column

HOWS = ("inner", "left", "right", "outer")

Names = str | Sequence[str] | None


@dataclass(frozen=True, slots=True)
class Keys:
    """The columns that must be equal."""

    left: tuple[str, ...]
    right: tuple[str, ...]

    @property
    def shared(self) -> tuple[str, ...]:
        """Those that have the same name on both sides; they appear once in the result."""
        return tuple(a for a, b in zip(self.left, self.right, strict=True) if a == b)


def keys(left: DataFrame, right: DataFrame, on: Names, left_on: Names, right_on: Names) -> Keys:
    """The keys that a caller names.

    Raises
    ------
    ValueError
        If they are named in no way, in both ways, or in different numbers.
    """
    if on is not None and (left_on is not None or right_on is not None):
        raise ValueError("give the keys either by on= or by left_on= and right_on=")
    if on is None and left_on is None and right_on is None:
        on = [n for n in left.columns if n in right]
    found = Keys(_tuple(on or left_on), _tuple(on or right_on))
    if not found.left or len(found.left) != len(found.right):
        raise ValueError(f"the keys {list(found.left)} and {list(found.right)} cannot be joined")
    return found


def _tuple(names: Names) -> tuple[str, ...]:
    if names is None:
        return ()
    return (names,) if isinstance(names, str) else tuple(names)


def merge(left: DataFrame, right: DataFrame, on: Keys, how: str, suffixes: tuple[str, str]) -> dict[str, Column]:
    """The columns of the joined table.

    Raises
    ------
    ValueError
        For a kind of join that is not known.
    """
    if how not in HOWS:
        raise ValueError(f"how is {how!r}; it must be one of {', '.join(HOWS)}")
    pairs = [_alike(left[a], right[b]) for a, b in zip(on.left, on.right, strict=True)]
    rows_left, rows_right = left.session.create_many(
        "join", left=[a for a, _ in pairs], right=[b for _, b in pairs], how=how
    )
    of_left = Rows(rows_left, missing=how in ("right", "outer") and _any_missing(rows_left))
    of_right = Rows(rows_right, missing=how in ("left", "outer") and _any_missing(rows_right))
    columns: dict[str, Column] = {}
    for name in left.columns:
        if name in on.shared:
            key = on.left.index(name)
            columns[name] = _either(*pairs[key], of_left, of_right)
        else:
            columns[_name(name, right, on, suffixes[0])] = gather(left[name], of_left)
    for name in right.columns:
        if name not in on.shared:
            columns[_name(name, left, on, suffixes[1])] = gather(right[name], of_right)
    return columns


def _name(name: str, other: DataFrame, on: Keys, suffix: str) -> str:
    return name + suffix if name in other and name not in on.shared else name


def _alike(a: Any, b: Any) -> tuple[Any, Any]:
    """Two keys in their common dtype."""
    if isinstance(a, Strings) or isinstance(b, Strings):
        if isinstance(a, Strings) and isinstance(b, Strings):
            return a, b
        raise ValueError(f"keys of {a.dtype_name} and {b.dtype_name} cannot be joined")
    dtype = np.result_type(a.dtype, b.dtype)
    dtype = np.dtype(np.int64) if dtype == np.uint8 else dtype
    return a.astype(dtype), b.astype(dtype)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows of one of the tables, one for each row of the result."""

    numbers: Array
    missing: bool
    """whether some are -1, for no row"""


def _either(a: Any, b: Any, of_a: Rows, of_b: Rows) -> Column:
    """The key from the left, or where there is no row, from the right."""
    if not of_a.missing:
        return a[of_a.numbers]
    both = a.concatenate(b) if isinstance(a, Strings) else a.session.xp.concat([a, b])
    return both[a.session.xp.where(of_a.numbers >= 0, of_a.numbers, of_b.numbers + a.size)]


def gather(column: Column, of_table: Rows) -> Column:
    """The values of the rows; where there is none, nan or the empty text."""
    rows = of_table.numbers
    if not of_table.missing:
        return column[rows]
    session = column.session
    if isinstance(column, Strings):
        padded: Column = column.concatenate(session.array([""]))
    else:
        padded = session.xp.concat([column.astype("float64"), session.array([np.nan])])
    return padded[session.xp.where(rows >= 0, rows, column.size)]


def _any_missing(rows: Array) -> bool:
    return bool(rows.size) and int(rows.min()) < 0
