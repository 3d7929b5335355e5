"""Order of strings: their bytes as words, and binary search. String i is ``data[starts[i]:starts[i] + lengths[i]]``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import inlined, kernel

Bytes = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


@kernel("u1[] i8[] i8[] u8[]")
def integers(data: Bytes, starts: I64, lengths: I64, out: U64) -> None:
    """At most 8 bytes of each string as one big-endian integer."""
    for i in range(len(starts)):
        value = np.uint64(0)
        for j in range(lengths[i]):
            value = (value << np.uint64(8)) | np.uint64(data[np.uint64(starts[i] + j)])
        out[i] = value


@kernel("u1[] i8[] i8[] i8 u8[]")
def words(data: Bytes, starts: I64, lengths: I64, skip: int, out: U64) -> None:
    """The 8 bytes from byte `skip` on, zeros behind the end: these compare as the strings do where none has a NUL."""
    for i in range(len(starts)):
        value = np.uint64(0)
        for j in range(skip, skip + 8):
            byte = data[np.uint64(starts[i] + j)] if j < lengths[i] else np.uint8(0)
            value = (value << np.uint64(8)) | np.uint64(byte)
        out[i] = value


@inlined
def compare(a: Bytes, i: int, n: int, b: Bytes, j: int, m: int) -> int:
    """Less than, equal to or greater than 0, as the first string is before, the same as or behind the second."""
    for k in range(min(n, m)):
        x, y = a[np.uint64(i + k)], b[np.uint64(j + k)]
        if x != y:
            return 1 if x > y else -1
    return n - m


@kernel("u1[] i8[] u1[] i8[] i8[]")
def between(data: Bytes, offsets: I64, ordered: Bytes, ordered_offsets: I64, out: I64) -> None:
    """Twice the number of `ordered` (distinct) strings before each string, and one more where it equals the next."""
    n = len(ordered_offsets) - 1
    for i in range(len(out)):
        start, length = offsets[i], offsets[i + 1] - offsets[i]
        low, high, equal = 0, n, 0
        while low < high and equal == 0:
            middle = (low + high) >> 1
            begin = ordered_offsets[middle]
            sign = compare(data, start, length, ordered, begin, ordered_offsets[middle + 1] - begin)
            if sign > 0:
                low = middle + 1
            elif sign < 0:
                high = middle
            else:
                low, equal = middle, 1
        out[i] = 2 * low + equal
