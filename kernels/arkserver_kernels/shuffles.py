"""Random orders of positions, drawn from streams; and samples of segments."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import inlined, kernel
from arkserver_kernels.streams import advance, at, bounded_word, output, to_unit

I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

ONE, TWO = np.uint64(3), np.uint64(5)
"""increments of the two generators of a stream"""
GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@inlined
def swap(order: I64, i: Any, j: Any) -> None:
    """Exchange two elements."""
    order[i], order[j] = order[j], order[i]


@kernel("i8[] u8 i8")
def backward(order: I64, seed: np.uint64, position: int) -> None:
    """Fisher and Yates from the end: element i changes place with one of ``0 .. i``."""
    a, b = at(seed, position, ONE), at(seed, position, TWO)
    n = len(order)
    for k in range(n):
        i = n - 1 - k
        swap(order, i, np.int64(bounded_word(output(a), output(b), seed, position + k, np.uint64(i))))
        a, b = advance(a, ONE), advance(b, TWO)


@kernel("i8[] u8 i8")
def inside_out(order: I64, seed: np.uint64, position: int) -> None:
    """A random order of ``0 .. n - 1``: position i is put where one of ``0 .. i`` was, which moves to i."""
    a, b = at(seed, position, ONE), at(seed, position, TWO)
    for i in range(len(order)):
        j = np.int64(bounded_word(output(a), output(b), seed, position + i, np.uint64(i)))
        order[i] = order[j]
        order[j] = i
        a, b = advance(a, ONE), advance(b, TWO)


@inlined
def shuffle_range(order: I64, first: int, last: int, bound: int, seed: np.uint64) -> None:
    """Each element of ``first .. last`` changes place with one between it and `bound`, which is not inside."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    for i in range(first, last + 1):
        low, span = min(i, bound), np.uint64(abs(i - bound))
        swap(order, i, low + np.int64(bounded_word(output(a), output(b), seed, i - first, span)))
        a, b = advance(a, ONE), advance(b, TWO)


@kernel("i8[] i8 i8 u8")
def shuffle_chunk(order: I64, first: int, last: int, seed: np.uint64) -> None:
    """Fisher and Yates over a chunk."""
    shuffle_range(order, first, last, last, seed)


@kernel("i8[] i8 i8 i8 u8")
def merge_runs(order: I64, start: int, left: int, right: int, seed: np.uint64) -> None:
    """Merge two shuffled runs at random (A. Bacher and others, "MergeShuffle", 2015).

    Floats of the stream `seed` say from which run the next element comes; when one run is used up, what is left changes
    place with anything before it, by integers of the stream ``seed + 1``.
    """
    end, threshold = start + left + right - 1, left / (left + right)
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    i, j = start, start + left
    while i < end and i != j and j <= end:
        if not to_unit((output(a) << np.uint64(32)) | output(b)) < threshold:
            swap(order, i, j)
            j += 1
        a, b = advance(a, ONE), advance(b, TWO)
        i += 1
    shuffle_range(order, i, end, start, seed + np.uint64(1))


@inlined
def rotated(x: np.uint64, n: int) -> np.uint64:
    """`x` with its bits turned left."""
    turn = np.uint64(n & 63)
    return (x << turn) | (x >> ((np.uint64(64) - turn) & np.uint64(63)))


@inlined
def scrambled(x: np.uint64, tweak: np.uint64) -> np.uint64:
    """64 bits that depend on all bits of `x`."""
    x = (x ^ (GOLDEN ^ tweak)) * GOLDEN
    x ^= (x >> np.uint64(29)) ^ (x >> np.uint64(43))
    return rotated(x, 17) ^ (tweak * np.uint64(0xA5A5A5A5A5A5A5A5))


@inlined
def enciphered(x: np.uint64, half: np.uint64, mask: np.uint64, key: np.uint64, rounds: int) -> np.uint64:
    """A Feistel network over twice `half` bits: one to one whatever its round function does."""
    left, right = x >> half, x & mask
    for i in range(rounds):
        k = rotated(key ^ (GOLDEN * np.uint64(i + 1)), 7 * i + 13)
        left, right = right, (left ^ scrambled(k ^ right ^ rotated(k, i), np.uint64(i))) & mask
    return (right << half) | left


@kernel("i8 i8 u8 i8 i8[]")
def feistel(start: int, size: int, key: np.uint64, rounds: int, out: I64) -> None:
    """Where the positions ``start ..`` of `size` go; a cipher's value out of range is enciphered again."""
    bits = 1
    while (size - 1) >> bits > 0:
        bits += 1
    half = np.uint64((bits + 1) // 2)
    mask = (np.uint64(1) << half) - np.uint64(1)
    for i in range(len(out)):
        x = enciphered(np.uint64(start + i), half, mask, key, rounds)
        while x >= np.uint64(size):
            x = enciphered(x, half, mask, key, rounds)
        out[i] = x


@kernel("i8[] i8[] i8[] i8[] b1 u8 i8 i8[]")
def sample_segments(
    starts: I64, lengths: I64, counts: I64, places: I64, replace: bool, seed: np.uint64, position: int, out: I64
) -> None:
    """For each segment, ``counts[i]`` positions inside it, written from ``places[i]`` on.

    The draws of segment i begin at number ``position + places[i]`` of the stream.
    """
    for s in range(len(starts)):
        n, first = lengths[s], position + places[s]
        a, b = at(seed, first, ONE), at(seed, first, TWO)
        pool = np.arange(0 if replace else n)
        for k in range(counts[s]):
            span = np.uint64(n - 1 - (0 if replace else k))
            pick = np.int64(bounded_word(output(a), output(b), seed, first + k, span))
            if not replace:
                swap(pool, k, k + pick)
                pick = pool[k]
            out[places[s] + k] = starts[s] + pick
            a, b = advance(a, ONE), advance(b, TWO)


@kernel("f8[] i8[] i8[] i8[] i8[] b1 u8 i8 i8[]")
def sample_segments_weighted(
    weights: F64, starts: I64, lengths: I64, counts: I64, places: I64, replace: bool, seed: np.uint64, position: int,
    out: I64,
) -> None:  # fmt: skip
    """Like `sample_segments`, an element being as likely as its share of the segment's weight that is left."""
    for s in range(len(starts)):
        left = weights[starts[s] : starts[s] + lengths[s]].copy()
        first = position + places[s]
        a, b = at(seed, first, ONE), at(seed, first, TWO)
        for k in range(counts[s]):
            goal = to_unit((output(a) << np.uint64(32)) | output(b)) * left.sum()
            pick, running, last = 0, 0.0, 0
            while pick < len(left):
                if left[pick] > 0:
                    last, running = pick, running + left[pick]
                    if running >= goal:
                        break
                pick += 1
            # Rounding may leave the goal a little beyond the sum: then the last element that can be taken is.
            out[places[s] + k] = starts[s] + last
            if not replace:
                left[last] = 0.0
            a, b = advance(a, ONE), advance(b, TWO)
