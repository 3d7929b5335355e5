"""Strings as ranges of bytes: copying, comparing, hashing. String i is ``data[starts[i]:starts[i] + lengths[i]]``."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, copy_word, prefetch, reversed_bytes, same_bytes, word_at
from arkserver_kernels.policy import inlined, kernel

Bytes = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Bools = NDArray[np.bool_]

AHEAD = 16
"""Rows between the one whose memory is asked for and the one that is read: strings may lie anywhere."""


@kernel("i8[] i8[] i8[] i8[]")
def bounds_of(offsets: I64, index: I64, starts: I64, lengths: I64) -> None:
    """Where the strings at some positions start, and their lengths."""
    base, n = address_of(offsets), len(index)
    for i in range(n):
        prefetch(base + 8 * index[min(i + AHEAD, n - 1)])
        at = np.uint64(index[i])
        starts[i] = offsets[at]
        lengths[i] = offsets[at + np.uint64(1)] - offsets[at]


@kernel("u1[] i8[] i8[] u1[] i8[]")
def copy_ranges(data: Bytes, starts: I64, lengths: I64, out: Bytes, places: I64) -> None:
    """Copy range i of `data` to ``out[places[i]:]``; the last word of a long one overlaps the one before."""
    base, target, last = address_of(data), address_of(out), len(starts) - 1
    for i in range(len(starts)):
        prefetch(base + starts[min(i + AHEAD, last)])
        a, b, n = base + starts[i], target + places[i], lengths[i]
        if n >= 8:
            for j in range(0, n - 7, 8):
                copy_word(b + j, a + j)
            copy_word(b + n - 8, a + n - 8)
        else:
            for j in range(n):
                out[np.uint64(places[i] + j)] = data[np.uint64(starts[i] + j)]


@kernel("i8[] u1[] i8[] u1[] b1[]")
def equal(left: I64, left_data: Bytes, right: I64, right_data: Bytes, out: Bools) -> None:
    """Whether strings are equal one by one; `left` and `right` are offsets, one longer than `out`."""
    a, a_size, b, b_size = address_of(left_data), len(left_data), address_of(right_data), len(right_data)
    for i in range(len(out)):
        n = left[i + 1] - left[i]
        out[i] = right[i + 1] - right[i] == n and same_bytes(a, left[i], a_size, b, right[i], b_size, n)


@kernel("i8[] u1[] u1[] b1[]")
def equal_to(offsets: I64, data: Bytes, literal: Bytes, out: Bools) -> None:
    """Whether strings equal one literal."""
    n, base, wanted = len(literal), address_of(data), address_of(literal)
    for i in range(len(out)):
        out[i] = offsets[i + 1] - offsets[i] == n and same_bytes(base, offsets[i], len(data), wanted, 0, n, n)


@inlined
def rotated(x: np.uint64, n: int) -> np.uint64:
    """`x` with its bits turned left by `n`."""
    return (x << np.uint64(n)) | (x >> np.uint64(64 - n))


@inlined
def sip_round(
    a: np.uint64, b: np.uint64, c: np.uint64, d: np.uint64
) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
    """One round of SipHash over its four words."""
    a += b
    c += d
    b = rotated(b, 13) ^ a
    d = rotated(d, 16) ^ c
    a = rotated(a, 32)
    c += b
    a += d
    b = rotated(b, 17) ^ c
    d = rotated(d, 21) ^ a
    c = rotated(c, 32)
    return a, b, c, d


@inlined
def siphash(base: int, start: int, length: int, size: int, padding: int) -> tuple[np.uint64, np.uint64]:
    """SipHash-2-4 with 128 bits, key 00 01 .. 0f, of a range of the `size` bytes at an address; `padding` zeros follow.

    J.-P. Aumasson and D. J. Bernstein, "SipHash: a fast short-input PRF" (2012). Each half of the digest is read as a
    big-endian number, the first half being the upper word.
    """
    key0, key1 = np.uint64(0x0706050403020100), np.uint64(0x0F0E0D0C0B0A0908)
    a, b = np.uint64(0x736F6D6570736575) ^ key0, np.uint64(0x646F72616E646F6D) ^ key1 ^ np.uint64(0xEE)
    c, d = np.uint64(0x6C7967656E657261) ^ key0, np.uint64(0x7465646279746573) ^ key1
    total = length + padding
    for at in range(0, total + 1, 8):
        word = word_at(base, start + at, length - at, size)
        if at + 8 > total:
            word |= np.uint64(total & 0xFF) << np.uint64(56)
        d ^= word
        for _ in range(2):
            a, b, c, d = sip_round(a, b, c, d)
        a ^= word
    c ^= np.uint64(0xEE)
    for _ in range(4):
        a, b, c, d = sip_round(a, b, c, d)
    first = a ^ b ^ c ^ d
    b ^= np.uint64(0xDD)
    for _ in range(4):
        a, b, c, d = sip_round(a, b, c, d)
    return reversed_bytes(first), reversed_bytes(a ^ b ^ c ^ d)


@kernel("u1[] i8[] i8[] i8 u8[] u8[]")
def hash_ranges(data: Bytes, starts: I64, lengths: I64, padding: int, upper: U64, lower: U64) -> None:
    """128-bit hashes of ranges of bytes, each followed by `padding` zero bytes."""
    base, size = address_of(data), len(data)
    for i in range(len(upper)):
        upper[i], lower[i] = siphash(base, starts[i], lengths[i], size, padding)


@kernel("u8[] u8[]")
def hash_words64(words: U64, out: U64) -> None:
    """SipHash-2-4 with 64 bits, key 00 01 .. 0f, of the 8 little-endian bytes of words; read as big-endian numbers."""
    key0, key1 = np.uint64(0x0706050403020100), np.uint64(0x0F0E0D0C0B0A0908)
    for i in range(len(out)):
        a, b = np.uint64(0x736F6D6570736575) ^ key0, np.uint64(0x646F72616E646F6D) ^ key1
        c, d = np.uint64(0x6C7967656E657261) ^ key0, np.uint64(0x7465646279746573) ^ key1
        for word in (words[i], np.uint64(8) << np.uint64(56)):
            d ^= word
            for _ in range(2):
                a, b, c, d = sip_round(a, b, c, d)
            a ^= word
        c ^= np.uint64(0xFF)
        for _ in range(4):
            a, b, c, d = sip_round(a, b, c, d)
        out[i] = reversed_bytes(a ^ b ^ c ^ d)
