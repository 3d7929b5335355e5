"""Movement of elements by index or mask. Elements are unsigned integers of their item size: bits are only moved."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, element_at, stream_word
from arkserver_kernels.policy import kernel

Array = NDArray[Any]
I64 = NDArray[np.int64]
Mask = NDArray[np.bool_]


@kernel("T[] i8[] T[]", T="u1 u2 u4 u8 b1")
def gather(x: Array, index: I64, out: Array) -> None:
    """``out = x[index]`` for indexes in range."""
    for i in range(len(index)):
        out[i] = x[np.uint64(index[i])]


@kernel("i8[] i8[] i8 i8[] T[]", T="u1 u2 u4 u8")
def gather_across(edges: I64, bases: I64, shift: int, index: I64, out: Array) -> None:
    """`gather` from several arrays; of ``1 << shift`` rows at most one begins an array, ``edges[row >> shift]``.

    `bases` has two addresses for each: where row 0 would be if all rows lay as those before that row do, and as those
    from it on do.
    """
    size = out.itemsize
    for i in range(len(index)):
        row = index[i]
        part = np.uint64(row) >> np.uint64(shift)
        base = bases[np.uint64(2) * part + np.uint64(row >= edges[part])]
        out[i] = element_at(base + size * row, out[i])


@kernel("T[] I[] T[] i8 i8", T="u1 u2 u4 u8", I="i8 u4")
def scatter(out: Array, index: Array, values: Array, low: int, high: int) -> None:
    """``out[index] = values`` in order, for the indexes in ``low .. high - 1``; the others belong to other threads.

    Free of branches, which could not be predicted: an index of another thread writes ``out[low]`` once more as it is.
    """
    first = out[low]
    for i in range(len(index)):
        place, value = np.int64(index[i]), values[i]
        mine = (place >= low) & (place < high)
        first = value if place == low else first
        out[np.uint64(place if mine else low)] = value if mine else first


@kernel("T[] I[] T", T="u1 u2 u4 u8", I="i8 u4")
def scatter_scalar(out: Array, index: Array, value: Any) -> None:
    """``out[index] = value`` for indexes in range."""
    for i in range(len(index)):
        out[np.uint64(index[i])] = value


@kernel("T[] b1[] T[]", T="u1 u2 u4 u8")
def compress(x: Array, mask: Mask, out: Array) -> None:
    """``out = x[mask]``, `out` being as long as the mask has ones; so every write, wanted or not, is inside it."""
    i = k = np.uint64(0)
    n = np.uint64(len(out))
    while k < n:
        out[k] = x[i]
        k += np.uint64(mask[i])
        i += np.uint64(1)


@kernel("u8[] u8 u8")
def ramp(out: NDArray[np.uint64], start: np.uint64, step: np.uint64) -> None:
    """``out[i] = start + i * step``."""
    target = address_of(out)
    for i in range(len(out)):
        stream_word(target + 8 * i, start)
        start += step


@kernel("b1[] T[] T[] T[]", T="u1 u8")
def select(mask: Mask, a: Array, b: Array, out: Array) -> None:
    """``out = where(mask, a, b)``; both are loaded, so that no branch has to guess a random mask."""
    for i in range(len(out)):
        one, other = a[i], b[i]
        out[i] = one if mask[i] else other


@kernel("b1[] i8 i8[]")
def nonzero(mask: Mask, start: int, out: I64) -> None:
    """``out = nonzero(mask) + start``, `out` being as long as the mask has ones."""
    i = k = np.uint64(0)
    n = np.uint64(len(out))
    while k < n:
        out[k] = start + np.int64(i)
        k += np.uint64(mask[i])
        i += np.uint64(1)


@kernel("i8[] i8[]")
def minmax(x: I64, out: I64) -> None:
    """``out = min(x), max(x)`` of at least one element."""
    least = most = x[0]
    for i in range(len(x)):
        least = min(least, x[i])
        most = max(most, x[i])
    out[0], out[1] = least, most
