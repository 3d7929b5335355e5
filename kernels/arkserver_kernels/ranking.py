"""Numbering keys among the distinct ones of their bucket, where keys of a bucket share their leading bits.

Each bucket has a hash table that the cache holds, so that only the distinct keys have to be sorted. A slot is the
number of a key plus 1, 0 where it is empty; the key itself is among the distinct ones. The arguments `negative`, `flip`
and `base` are those of `radix`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import bit_length, decode, encode, mixed
from arkserver_kernels.policy import inlined, kernel
from arkserver_kernels.radix import sort_words

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Slots = NDArray[np.uint32]
Buckets = NDArray[np.uint16]

ONE = np.uint64(1)


@inlined
def slot_of(key: np.uint64, slots: Slots, bits: int, distinct: U64) -> np.uint64:
    """Where among ``1 << bits`` slots a key is, or else the empty one where it belongs."""
    slot, mask = mixed(key) >> np.uint64(64 - bits), (ONE << np.uint64(bits)) - ONE
    while slots[slot] != 0 and distinct[np.uint64(slots[slot] - 1)] != key:
        slot = (slot + ONE) & mask
    return slot


@kernel("u8[] u4[] u8[] u8[] i8[]")
def number_words(words: U64, slots: Slots, distinct: U64, spare: U64, counts: I64) -> int:
    """Write the distinct words, ascending, and in the place of each word its number; returns how many there are.

    Words are numbered as they come; when the distinct ones are sorted, these numbers are replaced by ranks.
    """
    bits, count = bit_length(len(words) + len(words) // 2), 0
    slots[: 1 << bits] = 0
    for i in range(len(words)):
        key = words[i]
        slot = slot_of(key, slots, bits, distinct)
        if slots[slot] == 0:
            distinct[np.uint64(count)] = key
            count += 1
            slots[slot] = count
        words[i] = np.uint64(slots[slot] - 1)
    ordered, ranks = spare[len(words) : len(words) + count], spare
    ordered[:] = distinct[:count]
    sort_words(ordered, spare, 0, counts)
    for rank in range(count):
        ranks[np.uint64(slots[slot_of(ordered[rank], slots, bits, distinct)] - 1)] = np.uint64(rank)
    distinct[:count] = ordered
    for i in range(len(words)):
        words[i] = ranks[words[i]]
    return count


@kernel("u8[] i8[] i8 i8 i8 u4[] u8[] u8[] i8[] i8[]")
def number_buckets(
    words: U64, starts: I64, bucket: int, stop: int, large: int, slots: Slots, distinct: U64, spare: U64, counts: I64,
    found: I64,
) -> None:  # fmt: skip
    """`number_words` of the buckets that hold at most `large` words; `found` is how many distinct ones each has."""
    for b in range(bucket, stop):
        start, end = starts[b], starts[b + 1]
        if end - start <= large:
            found[b] = number_words(words[start:end], slots, distinct[start:end], spare, counts)


@kernel("u8[] u4[] u8[] i8[]")
def distinct_words(words: U64, slots: Slots, spare: U64, counts: I64) -> int:
    """Leave the distinct words, ascending, at the start; returns how many there are."""
    bits, count = bit_length(len(words) + len(words) // 2), 0
    slots[: 1 << bits] = 0
    for i in range(len(words)):
        key = words[i]
        slot = slot_of(key, slots, bits, words)
        if slots[slot] == 0:
            words[count] = key
            count += 1
            slots[slot] = count
    sort_words(words[:count], spare, 0, counts)
    return count


@kernel("u8[] i8[] i8 i8 i8 u4[] u8[] i8[] i8[]")
def leave_distinct(
    words: U64, starts: I64, bucket: int, stop: int, large: int, slots: Slots, spare: U64, counts: I64, found: I64
) -> None:  # fmt: skip
    """`distinct_words` of the buckets that hold at most `large` words; `found` is how many distinct ones each has."""
    for b in range(bucket, stop):
        if starts[b + 1] - starts[b] <= large:
            found[b] = distinct_words(words[starts[b] : starts[b + 1]], slots, spare, counts)


@kernel("u8[] i8[] i8[] i8 i8 u8 u8 u8 u8[]")
def pack_buckets(
    distinct: U64, starts: I64, firsts: I64, bucket: int, stop: int,
    negative: np.uint64, flip: np.uint64, base: np.uint64, out: U64,
) -> None:  # fmt: skip
    """Write the keys of the distinct words of each bucket from ``firsts[bucket]`` on."""
    for b in range(bucket, stop):
        for k in range(firsts[b + 1] - firsts[b]):
            out[firsts[b] + k] = decode(distinct[starts[b] + k] + base, negative, flip)


@kernel("u8[] u8 u8 u8 u8 u2[] i8[] u8[] i8[] i8[]")
def take_numbers(
    keys: U64, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64, buckets: Buckets,
    positions: I64, numbers: U64, firsts: I64, out: I64,
) -> None:  # fmt: skip
    """Invert `radix.scatter_codes`: the number at the next position of each key's bucket, and what is before it."""
    for i in range(len(keys)):
        bucket = np.uint64(buckets[(encode(keys[i], negative, flip) - base) >> shift])
        position = positions[bucket]
        out[i] = np.int64(numbers[np.uint64(position)]) + firsts[bucket]
        positions[bucket] = position + 1
