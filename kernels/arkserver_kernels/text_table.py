"""A hash table of strings: numbering the different ones, and looking strings up.

A slot has two words: the hash (never 0; 0 marks an empty slot), and the row where the string stood first and its
number, 32 bits each. String i is ``data[offsets[i]:offsets[i + 1]]``.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, same_bytes, word_at
from arkserver_kernels.policy import kernel

Bytes = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

ONE, HALF, LOW = np.uint64(1), np.uint64(32), np.uint64(2**32 - 1)
FACTOR = np.uint64(0x9E3779B97F4A7C15)
"""2^64 over the golden ratio: products with it spread over the upper bits"""


@kernel("i8[] u1[] u8[]")
def hash_strings(offsets: I64, data: Bytes, out: U64) -> None:
    """A hash of each string, never 0. Apart from the look-up, whose memory the processor then fetches ahead."""
    base, size = address_of(data), len(data)
    for i in range(len(out)):
        start = offsets[i]
        n = offsets[i + 1] - start
        x = np.uint64(n) * FACTOR
        for at in range(0, n, 8):
            x = (x ^ word_at(base, start + at, n - at, size)) * FACTOR
            x ^= x >> HALF
        out[i] = x | ONE


@kernel("i8[] u1[] u8[] i8[] i8 i8 u8[] i8[] i8[]")
def number(
    offsets: I64, data: Bytes, hashes: U64, rows: I64, at: int, count: int, table: U64, firsts: I64, out: I64
) -> tuple[int, int]:
    """Number the strings of some rows from ``rows[at]`` on, those that are new from `count` on.

    ``firsts[k]`` becomes the row where string k stood first. Stops when there is no room for another string; returns
    where, and how many strings there are.
    """
    mask, base, size = np.uint64(len(table) - 1), address_of(data), len(data)
    for i in range(at, len(rows)):
        at_row = rows[i]
        start = offsets[at_row]
        n = offsets[at_row + 1] - start
        x = hashes[at_row]
        slot = x & mask & ~ONE
        while table[slot] != 0:
            if table[slot] == x:
                row = np.int64(table[slot + ONE] >> HALF)
                first = offsets[row]
                if offsets[row + 1] - first == n and same_bytes(base, start, size, base, first, size, n):
                    break
            slot = (slot + ONE + ONE) & mask
        if table[slot] == 0:
            if count == len(firsts):
                return i, count
            table[slot], table[slot + ONE] = x, (np.uint64(at_row) << HALF) | np.uint64(count)
            firsts[count] = at_row
            count += 1
        out[i] = np.int64(table[slot + ONE] & LOW)
    return len(rows), count


@kernel("u8[] u8[]")
def move(old: U64, table: U64) -> None:
    """Put the strings of a table into a larger one, which is empty."""
    mask = np.uint64(len(table) - 1)
    for i in range(0, len(old), 2):
        if old[i] != 0:
            slot = old[i] & mask & ~ONE
            while table[slot] != 0:
                slot = (slot + ONE + ONE) & mask
            table[slot], table[slot + ONE] = old[i], old[i + 1]


@kernel("i8[] u1[] u8[] i8[] u1[] u8[] b1[]")
def contains(
    offsets: I64, data: Bytes, hashes: U64, known_offsets: I64, known: Bytes, table: U64, out: NDArray[np.bool_]
) -> None:
    """Whether strings are in a table of others."""
    mask, base, size = np.uint64(len(table) - 1), address_of(data), len(data)
    known_base, known_size = address_of(known), len(known)
    for i in range(len(out)):
        start = offsets[i]
        n = offsets[i + 1] - start
        x = hashes[i]
        slot = x & mask & ~ONE
        while table[slot] != 0:
            if table[slot] == x:
                row = np.int64(table[slot + ONE] >> HALF)
                first = known_offsets[row]
                same_length = known_offsets[row + 1] - first == n
                if same_length and same_bytes(base, start, size, known_base, first, known_size, n):
                    break
            slot = (slot + ONE + ONE) & mask
        out[i] = table[slot] != 0
