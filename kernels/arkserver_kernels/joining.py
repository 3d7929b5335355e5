"""Kernels that expand the matches of a join into pairs of rows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import mixed, ones
from arkserver_kernels.policy import inlined, kernel
from arkserver_kernels.sets import numbers_of

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Rows = NDArray[Any]

ONE = np.uint64(1)
# Rows that are looked up together, each step in a loop of its own: the fewer instructions a look-up has, the more of
# them wait for the memory at a time (one loop took 6 to 18 ns a row, so it is 3 to 6).
TILE = 1024


@kernel("i8[] i8[] b1")
def count_pairs(group: I64, lengths: I64, outer: bool) -> int:
    """How many pairs the rows give: as many as their group is long; one without a group (-1) if `outer`."""
    total = 0
    for i in range(len(group)):
        total += int(lengths[group[i]]) if group[i] >= 0 else int(outer)
    return total


@kernel("i8[] i8[] i8[] i8[] b1 i8 i8[] i8[]")
def write_pairs(
    group: I64, starts: I64, lengths: I64, members: I64, outer: bool, first: int, left: I64, right: I64
) -> None:  # fmt: skip
    """Pair each row, counted from `first`, with the members of its group, or with -1 if it has none and `outer`."""
    k = 0
    for i in range(len(group)):
        g = group[i]
        if g >= 0:
            for j in range(starts[g], starts[g] + lengths[g]):
                left[k], right[k] = first + i, members[j]
                k += 1
        elif outer:
            left[k], right[k] = first + i, -1
            k += 1


@kernel("u8[] u8 u8 u8 u8 i8[] i8[]")
def look_up(
    keys: U64, flip: np.uint64, base: np.uint64, last: np.uint64, zeros: np.uint64, table: I64, out: I64
) -> None:  # fmt: skip
    """The table's entry for each key's code, -1 for keys beyond code `last`."""
    for i in range(len(keys)):
        apart = (keys[i] ^ flip) - base
        code = apart >> zeros
        inside = (code <= last) & (code << zeros == apart)
        out[i] = table[code] if inside else -1


@kernel("u8[] u8 u8 u8 T[]", T="i4 i8")
def enter_rows(keys: U64, flip: np.uint64, base: np.uint64, zeros: np.uint64, table: Rows) -> bool:
    """Write each key's row to its code's entry of a table of -1; False as soon as a key comes again."""
    for i in range(len(keys)):
        code = ((keys[i] ^ flip) - base) >> zeros
        if table[code] >= 0:
            return False
        table[code] = i
    return True


@inlined
def write_found(found: I64, count: int, outer: bool, first: int, left: I64, right: I64, k: np.uint64) -> np.uint64:
    """Pair the rows from `first` on with what was found for them (-1: nothing, kept if `outer`); returns the next k."""
    for i in range(count):
        row = found[i]
        left[k], right[k] = first + i, row
        k += np.uint64((row >= 0) | outer)
    return k


@kernel("u8 u8 u8 T[] u8[] b1 i8 i8[] i8[]", T="i4 i8")
def match_rows(
    flip: np.uint64, base: np.uint64, zeros: np.uint64, table: Rows, keys: U64, outer: bool, first: int,
    left: I64, right: I64,
) -> int:  # fmt: skip
    """Pair each row, counted from `first`, with the row that the table has for its key, or with -1 if `outer`.

    The last entry of the table, -1, is for all codes beyond it. Returns how many pairs were written; the arrays have
    room for one a key.
    """
    k, beyond = np.uint64(0), np.uint64(len(table) - 1)
    codes, found = np.empty(TILE, np.uint64), np.empty(TILE, np.int64)
    for start in range(0, len(keys), TILE):
        tile = keys[start : start + TILE]
        for i in range(len(tile)):
            apart = (tile[i] ^ flip) - base
            code = min(apart >> zeros, beyond)
            codes[i] = code if code << zeros == apart else beyond
        for i in range(len(tile)):
            found[i] = table[codes[i]]
        k = write_found(found, len(tile), outer, first + start, left, right, k)
    return int(k)


@kernel("u8[] u8[]")
def hash_rows(keys: U64, table: U64) -> bool:
    """Enter keys beside their rows plus 1 (0: an empty slot) into a table; False as soon as a key comes again."""
    mask = np.uint64(len(table) // 2 - 1)
    shift = np.uint64(64) - ones(mask)
    for i in range(len(keys)):
        key = keys[i]
        slot = mixed(key) >> shift
        while table[slot << ONE] != key and table[slot << ONE | ONE] != 0:
            slot = (slot + ONE) & mask
        if table[slot << ONE | ONE] != 0:
            return False
        table[slot << ONE], table[slot << ONE | ONE] = key, np.uint64(i + 1)
    return True


@kernel("u8[] u8[] b1 i8 i8[] i8[]")
def match_hashed_rows(table: U64, keys: U64, outer: bool, first: int, left: I64, right: I64) -> int:
    """`match_rows` with a table of `hash_rows`."""
    k, found = np.uint64(0), np.empty(TILE, np.int64)
    for start in range(0, len(keys), TILE):
        tile = keys[start : start + TILE]
        numbers_of(tile, table, found)
        k = write_found(found, len(tile), outer, first + start, left, right, k)
    return int(k)
