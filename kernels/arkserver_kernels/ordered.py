"""Kernels over sorted arrays: search, merge, order check; and packing several keys into one word."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import encode, less
from arkserver_kernels.policy import kernel

Array = NDArray[Any]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]


@kernel("T[] T[] b1 i8[]", T="i8 u8 f8 u1 b1")
def search(ordered: Array, values: Array, right: bool, out: I64) -> None:
    """Write where each value belongs in `ordered`: before its equals, or behind them; nan is behind all numbers."""
    n = len(ordered)
    for i in range(len(values)):
        value, low, size = values[i], 0, n
        while size > 0:
            half = size >> 1
            middle = ordered[np.uint64(low + half)]
            behind = not less(value, middle) if right else less(middle, value)
            low = low + half + 1 if behind else low
            size = size - half - 1 if behind else half
        out[i] = low


@kernel("T[]", T="i8 u8 f8 u1 b1")
def is_sorted(x: Array) -> bool:
    """Whether no element is greater than, or not comparable with, its successor."""
    for i in range(1, len(x)):
        if not x[i - 1] <= x[i]:
            return False
    return True


@kernel("T[] T[] u8 u8 T[]", T="u8 u1")
def merge(a: Array, b: Array, negative: np.uint64, flip: np.uint64, out: Array) -> None:
    """Merge sorted keys (their bits, see `bits.encode`), those of `a` first where they are equal."""
    i = j = 0
    for k in range(len(out)):
        from_a = j == len(b) or (
            i < len(a)
            and encode(np.uint64(a[i]), negative, flip) <= encode(np.uint64(b[j]), negative, flip)
        )  # fmt: skip
        if from_a:
            out[k] = a[i]
            i += 1
        else:
            out[k] = b[j]
            j += 1


@kernel("T[] T[] i8 i8 u8 u8 i8[]", T="u8 u1")
def merge_places(a: Array, b: Array, i0: int, j0: int, negative: np.uint64, flip: np.uint64, out: I64) -> None:
    """Write the places, `i0` and `j0` onwards, of the keys of `a` and `b` in merged order."""
    i = j = 0
    for k in range(len(out)):
        from_a = j == len(b) or (
            i < len(a)
            and encode(np.uint64(a[i]), negative, flip) <= encode(np.uint64(b[j]), negative, flip)
        )  # fmt: skip
        if from_a:
            out[k] = i0 + i
            i += 1
        else:
            out[k] = j0 + j
            j += 1


@kernel("T[] u8 u8 u8 u8 u8 u8[]", T="u8 u1")
def pack(
    keys: Array, negative: np.uint64, flip: np.uint64, base: np.uint64, zeros: np.uint64, width: np.uint64, out: U64
) -> None:  # fmt: skip
    """Shift the words by `width` (at most 63) bits and put the keys' codes below."""
    for i in range(len(keys)):
        code = (encode(np.uint64(keys[i]), negative, flip) - base) >> zeros
        out[i] = (out[i] << width) | code


@kernel("T[] i8 i8 u8 u8 u8 u8 b1[]", T="u8 u1")
def mark_between(
    keys: Array, start: int, stop: int, negative: np.uint64, flip: np.uint64, low: np.uint64, width: np.uint64,
    out: NDArray[np.bool_],
) -> None:  # fmt: skip
    """Mark the keys whose codes are in ``low .. low + width``."""
    for i in range(start, stop):
        out[i] = encode(np.uint64(keys[i]), negative, flip) - low <= width


@kernel("T[] u8 u8 u8 u8 u8 i8[]", T="u8 u1")
def count_between(
    keys: Array, negative: np.uint64, flip: np.uint64, low: np.uint64, width: np.uint64, shift: np.uint64, counts: I64
) -> None:  # fmt: skip
    """Count the keys whose codes are in ``low .. low + width`` by ``(code - low) >> shift``."""
    for i in range(len(keys)):
        apart = encode(np.uint64(keys[i]), negative, flip) - low
        if apart <= width:
            counts[apart >> shift] += 1
