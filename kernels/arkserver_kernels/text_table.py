"""Numbering strings by their 128-bit hashes, in a table that stays small while they repeat.

A slot has two words: the upper word of the hash (0 marks an empty slot), and the upper half of its lower word with the
string's number in the other half. So 96 bits of the hash stand for the string, and a look-up meets one line of memory.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

ONE, HALF, LOW = np.uint64(1), np.uint64(32), np.uint64(2**32 - 1)


@kernel("u8[] u8[] i8 i8 u8[] i8[] i8[]")
def number(upper: U64, lower: U64, at: int, count: int, table: U64, firsts: I64, out: I64) -> tuple[int, int]:
    """Number hashes from the one at `at` on, those that are new from `count` on.

    ``firsts[k]`` becomes the place where number k stood first. Stops when there is no room for another; returns where,
    and how many there are.
    """
    mask = np.uint64(len(table) - 1)
    for i in range(at, len(upper)):
        x, y = max(upper[i], ONE), lower[i] >> HALF
        slot = (x << ONE) & mask
        while table[slot] != 0 and (table[slot] != x or table[slot + ONE] >> HALF != y):
            slot = (slot + ONE + ONE) & mask
        if table[slot] == 0:
            if count == len(firsts):
                return i, count
            table[slot], table[slot + ONE] = x, (y << HALF) | np.uint64(count)
            firsts[count] = i
            count += 1
        out[i] = np.int64(table[slot + ONE] & LOW)
    return len(upper), count


@kernel("u8[] u8[]")
def move(old: U64, table: U64) -> None:
    """Put the numbers of a table into a larger one, which is empty."""
    mask = np.uint64(len(table) - 1)
    for i in range(0, len(old), 2):
        if old[i] != 0:
            slot = (old[i] << ONE) & mask
            while table[slot] != 0:
                slot = (slot + ONE + ONE) & mask
            table[slot], table[slot + ONE] = old[i], old[i + 1]
