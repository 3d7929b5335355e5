"""Dealing rows out to parts in their order, and taking them back. Elements are unsigned integers: only bits move."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import encode
from arkserver_kernels.policy import inlined, kernel

Array = NDArray[Any]
Parts = NDArray[np.uint16]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]

# So many bounds are compared with each key, a tile of keys in the cache at a time, faster than they are searched.
FEW, TILE = 128, 1 << 12
MOST = ~np.uint64(0)


@inlined
def count_less(
    keys: Array, negative: np.uint64, flip: np.uint64, b0: np.uint64, b1: np.uint64, b2: np.uint64, out: Parts
) -> None:  # fmt: skip
    """Add to each key's count how many of three bounds are less than its code; a loop of vector instructions."""
    for i in range(len(keys)):
        code = encode(np.uint64(keys[i]), negative, flip)
        out[i] += (b0 < code) + (b1 < code) + (b2 < code)


@kernel("T[] i8 i8 u8 u8 u8[] i8 u2[]", T="u1 u8")
def find_parts(
    keys: Array, start: int, stop: int, negative: np.uint64, flip: np.uint64, bounds: U64, base: int, out: Parts
) -> None:  # fmt: skip
    """``out[i] = base + (number of bounds that are less than the code of keys[i])`` for ``i`` in ``start .. stop - 1``.

    `bounds` ascend; see `bits.encode` for the codes.
    """
    n, size = len(bounds), 1
    if n <= FEW:
        for i in range(start, stop, TILE):
            tile = slice(i, min(i + TILE, stop))
            out[tile] = base
            for j in range(0, n, 3):
                b0, b1, b2 = bounds[j], bounds[min(j + 1, n - 1)], bounds[min(j + 2, n - 1)]
                count_less(
                    keys[tile], negative, flip, b0, b1 if j + 1 < n else MOST, b2 if j + 2 < n else MOST, out[tile]
                )
        return
    while size <= n:
        size *= 2
    filled = np.full(size - 1, MOST)
    filled[:n] = bounds
    for i in range(start, stop):
        code, place, step = encode(np.uint64(keys[i]), negative, flip), 0, size >> 1
        while step:
            place += step * int(filled[np.uint64(place + step - 1)] < code)
            step >>= 1
        out[i] = base + place


@kernel("T[] i8 i8 u8 u8 u8 u8 u8 u2[]", T="u1 u8")
def refine_parts(
    keys: Array, start: int, stop: int, negative: np.uint64, flip: np.uint64, base: np.uint64, most: np.uint64,
    shift: np.uint64, parts: Parts,
) -> None:  # fmt: skip
    """Add the cell of each key to its part: ``code - base``, at least 0 and at most `most`, without `shift` bits."""
    x, out = keys[start:stop], parts[start:stop]  # indexes from 0 on, or LLVM uses no vector instructions
    for i in range(len(x)):
        code = encode(np.uint64(x[i]), negative, flip)
        out[i] += np.uint16(min(max(code, base) - base, most) >> shift)


@kernel("u2[] i8 i8 i8[]")
def count_parts(parts: Parts, start: int, stop: int, counts: I64) -> None:
    """Add the number of rows of each part to `counts`."""
    for i in range(start, stop):
        counts[parts[i]] += 1


@kernel("T[] u2[] i8 i8 i8[] T[]", T="u1 u2 u4 u8")
def deal(x: Array, parts: Parts, start: int, stop: int, positions: I64, out: Array) -> None:
    """Write ``x[i]`` to the next position of its part."""
    for i in range(start, stop):
        part = parts[i]
        out[np.uint64(positions[part])] = x[i]
        positions[part] += 1


@kernel("i8[] u2[] i8 i8 i8[] i8[] T[]", T="u4 i8")
def deal_within(rows: I64, parts: Parts, start: int, stop: int, edges: I64, positions: I64, out: Array) -> None:
    """`deal` for rows that are counted from the first one of their part, which `edges` has."""
    for i in range(start, stop):
        part = np.uint64(parts[i])
        out[np.uint64(positions[part])] = rows[i] - edges[part]
        positions[part] += 1


@kernel("u2[] i8 i8 i8 i8[] i8[]")
def deal_places(parts: Parts, start: int, stop: int, first: int, positions: I64, out: I64) -> None:
    """Write ``first + i`` to the next position of the part of row ``i``."""
    for i in range(start, stop):
        part = parts[i]
        out[np.uint64(positions[part])] = first + i
        positions[part] += 1


@kernel("T[] u2[] i8 i8 i8 i8[] T[] i8[]", T="u1 u2 u4 u8")
def deal_with_places(
    x: Array, parts: Parts, start: int, stop: int, first: int, positions: I64, out: Array, places: I64
) -> None:  # fmt: skip
    """`deal` and `deal_places` in one pass."""
    for i in range(start, stop):
        part = np.uint64(parts[i])
        place = np.uint64(positions[part])
        out[place], places[place] = x[i], first + i
        positions[part] += 1


@kernel("T[] i8 u8 u8 u8 u8 u8 u8 i8[] u8[]", T="u8 u1")
def deal_words(
    keys: Array, first: int, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64,
    lead: np.uint64, kept: np.uint64, positions: I64, out: U64,
) -> None:  # fmt: skip
    """Write a word of each key to the next position of its cell, ``code >> shift``.

    A word has the `kept` bits of the code without its `lead` leading ones, and in the others the row's position, which
    counts from `first`.
    """
    for i in range(len(keys)):
        code = encode(np.uint64(keys[i]), negative, flip) - base
        cell = code >> shift
        position = positions[cell]
        out[np.uint64(position)] = ((code << lead) & kept) | np.uint64(first + i)
        positions[cell] = position + 1


@kernel("T[] u2[] i8 i8 i8[] T[]", T="u1 u2 u4 u8")
def take_back(dealt: Array, parts: Parts, start: int, stop: int, positions: I64, out: Array) -> None:
    """Invert `deal`: ``out[i]`` is what is at the next position of its part."""
    for i in range(start, stop):
        part = parts[i]
        out[i] = dealt[np.uint64(positions[part])]
        positions[part] += 1
