"""Kernels of set membership: bitmaps over narrow ranges of keys, hash tables over wide ones, merges of sorted sets.

Keys are 64-bit words (or bytes) in the codes of `bits.encode`; the arguments `negative`, `flip`, `base`, `zeros` are
those of `radix`. A hash table is a power of two of words, 0 for an empty slot; key 0 is kept apart by its users.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import encode, mixed, ones
from arkserver_kernels.policy import inlined, kernel

Keys = NDArray[Any]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Mask = NDArray[np.bool_]

ONE, SIX, LOW6 = np.uint64(1), np.uint64(6), np.uint64(63)
TILE = 1 << 10


@inlined
def turned(apart: np.uint64, zeros: np.uint64, back: np.uint64) -> np.uint64:
    """A code without its `zeros` last bits, which are turned to the front: if they are not zero, it is a large one."""
    return (apart >> zeros) | (apart << back)


@kernel("T[] u8 u8 u8 u8 u8 u8[]", T="u8 u1")
def set_bits(
    x: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, zeros: np.uint64, last: np.uint64, bitmap: U64
) -> bool:  # fmt: skip
    """Set the bit of each key's code; gives up (False) at a key whose code is none of ``0 .. last``.

    Codes are made a tile at a time, so that more of the writes wait for the memory together.
    """
    codes, back = np.empty(TILE, np.uint64), (np.uint64(64) - zeros) & LOW6
    for start in range(0, len(x), TILE):
        tile, most = x[start : start + TILE], np.uint64(0)
        for i in range(len(tile)):
            codes[i] = turned(encode(np.uint64(tile[i]), negative, flip) - base, zeros, back)
            most = max(most, codes[i])
        if most > last:
            return False
        for i in range(len(tile)):
            bitmap[codes[i] >> SIX] |= ONE << (codes[i] & LOW6)
    return True


@kernel("T[] u8 u8 u8 u8 u8[] b1[]", T="u8 u1")
def test_bits(
    x: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, zeros: np.uint64, bitmap: U64, out: Mask
) -> None:  # fmt: skip
    """Whether the bit of each key's code is set; the last word of the bitmap has none.

    There is no branch for keys that are not among the codes, which comes half of the time as a surprise: all large
    codes meet the last word. Codes are made a tile at a time, by vector instructions.
    """
    codes, back = np.empty(TILE, np.uint64), (np.uint64(64) - zeros) & LOW6
    beyond = np.uint64(len(bitmap) - 1) << SIX
    for start in range(0, len(x), TILE):
        tile, found = x[start : start + TILE], out[start : start + TILE]
        for i in range(len(tile)):
            codes[i] = min(turned(encode(np.uint64(tile[i]), negative, flip) - base, zeros, back), beyond)
        for i in range(len(tile)):
            found[i] = (bitmap[codes[i] >> SIX] >> (codes[i] & LOW6)) & ONE != 0


@kernel("u8[]")
def count_bits(bitmap: U64) -> int:
    """How many bits are set."""
    total = np.uint64(0)
    for i in range(len(bitmap)):
        total += ones(bitmap[i])
    return int(total)


@kernel("u8[] i8 u8[]")
def list_bits(bitmap: U64, start: int, out: U64) -> None:
    """Write the codes whose bits are set in words that begin at word `start` of the bitmap."""
    k = 0
    for i in range(len(bitmap)):
        word = bitmap[i]
        while word != 0:
            lowest = word & (~word + ONE)
            out[k] = (np.uint64(start + i) << SIX) | ones(lowest - ONE)
            word ^= lowest
            k += 1


@kernel("u8[] i8[]")
def rank_bits(bitmap: U64, out: I64) -> None:
    """Write how many bits are set before each word."""
    total: Any = np.int64(0)
    for i in range(len(bitmap)):
        out[i] = total
        total += np.int64(ones(bitmap[i]))


@kernel("T[] u8 u8 u8 u8 u8[] i8[] i8[]", T="u8 u1")
def ranks_of(
    x: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, zeros: np.uint64, bitmap: U64, ranks: I64, out: I64
) -> None:  # fmt: skip
    """How many codes less than each key's are set."""
    for i in range(len(x)):
        code = (encode(np.uint64(x[i]), negative, flip) - base) >> zeros
        word = code >> SIX
        out[i] = ranks[word] + np.int64(ones(bitmap[word] & ((ONE << (code & LOW6)) - ONE)))


@kernel("u8[] u8[] i8")
def insert(x: U64, table: U64, limit: int) -> int:
    """Add keys to a table; returns how many were new, or -1 as soon as that is more than `limit`."""
    mask, shift = np.uint64(len(table) - 1), np.uint64(64) - ones(np.uint64(len(table) - 1))
    count = 0
    for i in range(len(x)):
        key = x[i]
        slot = mixed(key) >> shift
        while table[slot] != key and table[slot] != 0:
            slot = (slot + ONE) & mask
        if table[slot] != key:
            table[slot] = key
            count += 1
            if count > limit:
                return -1
    return count


@kernel("u8[] u8[] b1 b1[]")
def contains(x: U64, table: U64, zero: bool, out: Mask) -> None:
    """Whether the table has each key; `zero` says whether key 0 is meant to be in it."""
    mask, shift = np.uint64(len(table) - 1), np.uint64(64) - ones(np.uint64(len(table) - 1))
    for i in range(len(x)):
        key = x[i]
        slot = mixed(key) >> shift
        while table[slot] != key and table[slot] != 0:
            slot = (slot + ONE) & mask
        out[i] = table[slot] == key and (key != 0 or zero)


@kernel("u8[] u8[]")
def insert_numbered(x: U64, table: U64) -> None:
    """Add distinct keys to a table of pairs: the key, and its number in `x` plus 1 (0: an empty slot)."""
    mask, shift = np.uint64(len(table) // 2 - 1), np.uint64(64) - ones(np.uint64(len(table) // 2 - 1))
    for i in range(len(x)):
        slot = mixed(x[i]) >> shift
        while table[slot << ONE | ONE] != 0:
            slot = (slot + ONE) & mask
        table[slot << ONE], table[slot << ONE | ONE] = x[i], np.uint64(i + 1)


@kernel("u8[] u8[] i8[]")
def numbers_of(x: U64, table: U64, out: I64) -> None:
    """The number of each key in a table of `insert_numbered`; -1 where it has none."""
    mask, shift = np.uint64(len(table) // 2 - 1), np.uint64(64) - ones(np.uint64(len(table) // 2 - 1))
    for i in range(len(x)):
        key = x[i]
        slot = mixed(key) >> shift
        while table[slot << ONE] != key and table[slot << ONE | ONE] != 0:
            slot = (slot + ONE) & mask
        out[i] = np.int64(table[slot << ONE | ONE]) - 1


@kernel("T[] T[] u8 u8 b1 b1 b1 T[]", T="u8 u1")
def combine(
    a: Keys, b: Keys, negative: np.uint64, flip: np.uint64, only_a: bool, both: bool, only_b: bool, out: Keys
) -> int:  # fmt: skip
    """Merge two sorted sets, keeping what only `a`, both, or only `b` have; returns how many keys were kept."""
    i = j = k = 0
    while i < len(a) or j < len(b):
        left = encode(np.uint64(a[i]), negative, flip) if i < len(a) else np.uint64(0)
        right = encode(np.uint64(b[j]), negative, flip) if j < len(b) else np.uint64(0)
        take_a = i < len(a) and (j == len(b) or left <= right)
        take_b = j < len(b) and (i == len(a) or right <= left)
        if (both and take_a and take_b) or (only_a and take_a and not take_b) or (only_b and take_b and not take_a):
            out[k] = a[i] if take_a else b[j]
            k += 1
        i += int(take_a)
        j += int(take_b)
    return k
