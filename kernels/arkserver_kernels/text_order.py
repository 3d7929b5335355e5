"""Order of strings: their bytes as words, and binary search. String i is ``data[starts[i]:starts[i] + lengths[i]]``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, reversed_bytes, word_at
from arkserver_kernels.policy import inlined, kernel

Bytes = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


@kernel("u1[] i8[] i8[] u8[]")
def integers(data: Bytes, starts: I64, lengths: I64, out: U64) -> None:
    """At most 8 bytes of each string as one big-endian integer."""
    base, size = address_of(data), len(data)
    for i in range(len(starts)):
        n = lengths[i]
        word = reversed_bytes(word_at(base, starts[i], n, size))
        out[i] = word >> np.uint64(64 - 8 * n) if n > 0 else np.uint64(0)


@kernel("u1[] i8[] i8[] i8 u8[]")
def words(data: Bytes, starts: I64, lengths: I64, skip: int, out: U64) -> None:
    """The 8 bytes from byte `skip` on, zeros behind the end: these compare as the strings do where none has a NUL."""
    base, size = address_of(data), len(data)
    for i in range(len(starts)):
        out[i] = reversed_bytes(word_at(base, starts[i] + skip, lengths[i] - skip, size))


@inlined
def compare(a: int, i: int, n: int, size_a: int, b: int, j: int, m: int, size_b: int) -> int:
    """Less than, equal to or greater than 0, as the first string is before, the same as or behind the second."""
    for k in range(0, min(n, m), 8):
        x = reversed_bytes(word_at(a, i + k, min(n, m) - k, size_a))
        y = reversed_bytes(word_at(b, j + k, min(n, m) - k, size_b))
        if x != y:
            return 1 if x > y else -1
    return n - m


@kernel("u1[] i8[] u1[] i8[] i8[]")
def between(data: Bytes, offsets: I64, ordered: Bytes, ordered_offsets: I64, out: I64) -> None:
    """Twice the number of `ordered` (distinct) strings before each string, and one more where it equals the next."""
    n, base, size = len(ordered_offsets) - 1, address_of(data), len(data)
    known, known_size = address_of(ordered), len(ordered)
    for i in range(len(out)):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        low, high, equal = 0, n, 0
        while low < high and equal == 0:
            middle = (low + high) >> 1
            begin = ordered_offsets[middle]
            n_known = ordered_offsets[middle + 1] - begin
            sign = compare(base, start, length, size, known, begin, n_known, known_size)
            if sign > 0:
                low = middle + 1
            elif sign < 0:
                high = middle
            else:
                low, equal = middle, 1
        out[i] = 2 * low + equal
