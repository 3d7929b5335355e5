"""Radix sort of 64-bit words: one scatter by the leading bits into buckets that fit the cache, then each bucket.

A key becomes a word: its code and, for a permutation, below that the key's position. Words of one bucket share the
leading bits of their codes, so these need no room in the word. Where code and position do not fit 64 bits, the code's
last bits give way and are looked up where words tie (`leave_tied_places`).

The arguments `negative`, `flip` (see `bits.encode`) and `base` code a key as ``encode(x) - base``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import bit_length, decode, encode
from arkserver_kernels.policy import inlined, kernel

I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Keys = NDArray[Any]
Buckets = NDArray[np.uint16]

ONE = np.uint64(1)
SMALL = 24


@kernel("T[] i8 i8 u8 u8 u8[]", T="u8 u1")
def key_range(x: Keys, start: int, stop: int, negative: np.uint64, flip: np.uint64, out: U64) -> None:
    """Write minimum, maximum, the bits in which keys differ, and whether a key is less / not less than its predecessor.

    The predecessor of the first key of a chunk is the last of the chunk before.
    """
    first = encode(np.uint64(x[start]), negative, flip)
    least, most, differ, falls = first, first, np.uint64(0), 0
    after = max(start, 1)
    keys, befores = x[after:stop], x[after - 1 : stop - 1]  # indexes from 0 on, or LLVM uses no vector instructions
    for i in range(len(keys)):
        key = encode(np.uint64(keys[i]), negative, flip)
        least = min(least, key)
        most = max(most, key)
        differ |= key ^ first
        falls += int(key < encode(np.uint64(befores[i]), negative, flip))
    out[0], out[1], out[2] = least, most, differ
    out[3], out[4], out[5] = np.uint64(falls > 0), np.uint64(falls < len(keys)), first


@kernel("T[] u8 u8 u8 u8 i8[]", T="u8 u1")
def count_cells(
    keys: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64, counts: I64
) -> None:  # fmt: skip
    """Add to `counts` how many codes are in each cell, ``code >> shift``."""
    for i in range(len(keys)):
        counts[(encode(np.uint64(keys[i]), negative, flip) - base) >> shift] += 1


@kernel("T[] u8 u8 u8 u8 u2[] i8[] u8[]", T="u8 u1")
def scatter_codes(
    keys: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64, buckets: Buckets,
    positions: I64, out: U64,
) -> None:  # fmt: skip
    """Write each key's code to the next position of its bucket, ``buckets[code >> shift]``."""
    for i in range(len(keys)):
        code = encode(np.uint64(keys[i]), negative, flip) - base
        bucket = np.uint64(buckets[code >> shift])
        position = positions[bucket]
        out[np.uint64(position)] = code
        positions[bucket] = position + 1


@kernel("T[] i8 i8 u8 u8 u8 u8 u2[] u8 u8 i8[] u8[]", T="u8 u1")
def scatter_words(
    x: Keys, start: int, stop: int, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64,
    buckets: Buckets, lead: np.uint64, kept: np.uint64, positions: I64, out: U64,
) -> None:  # fmt: skip
    """`scatter_codes` of words: the `kept` bits of a code without its `lead` leading ones, and the place in the others.

    What is constant in the loop has just room in the processor's registers; with one more it takes twice as long.
    """
    for i in range(start, stop):
        code = encode(np.uint64(x[np.uint64(i)]), negative, flip) - base
        bucket = np.uint64(buckets[code >> shift])
        position = positions[bucket]
        out[np.uint64(position)] = ((code << lead) & kept) | np.uint64(i)
        positions[bucket] = position + 1


@kernel("T[] i8[] u8 u8 u8 u8 u2[] u8 u8 i8[] u8[]", T="u8 u1")
def scatter_row_words(
    x: Keys, rows: I64, negative: np.uint64, flip: np.uint64, base: np.uint64, shift: np.uint64,
    buckets: Buckets, lead: np.uint64, kept: np.uint64, positions: I64, out: U64,
) -> None:  # fmt: skip
    """`scatter_words` with the row that each key comes from in the place's stead."""
    for i in range(len(x)):
        code = encode(np.uint64(x[i]), negative, flip) - base
        bucket = np.uint64(buckets[code >> shift])
        position = positions[bucket]
        out[np.uint64(position)] = ((code << lead) & kept) | np.uint64(rows[i])
        positions[bucket] = position + 1


@kernel("T[] i8[] u8 u8 u8 u8 u8 u8[]", T="u8 u1")
def write_words(
    x: Keys, rows: I64, negative: np.uint64, flip: np.uint64, base: np.uint64, lead: np.uint64, kept: np.uint64,
    out: U64,
) -> None:  # fmt: skip
    """`scatter_row_words`, or `scatter_words` when there are no rows, into one bucket."""
    for i in range(len(x)):
        code = encode(np.uint64(x[i]), negative, flip) - base
        out[i] = ((code << lead) & kept) | np.uint64(rows[i] if len(rows) > 0 else i)


@kernel("T[] u8 u8 u8 u8[]", T="u8 u1")
def write_codes(keys: Keys, negative: np.uint64, flip: np.uint64, base: np.uint64, out: U64) -> None:
    """`scatter_codes` into one bucket."""
    for i in range(len(keys)):
        out[i] = encode(np.uint64(keys[i]), negative, flip) - base


@kernel("i8[] u8 u8 u8 u8 i8 i8 u8[]")
def fill_runs(
    starts: I64, negative: np.uint64, flip: np.uint64, base: np.uint64, zeros: np.uint64, digit: int, stop: int,
    out: U64,
) -> None:  # fmt: skip
    """Write the keys of codes ``digit .. stop - 1``, each from its start to the next code's."""
    for d in range(digit, stop):
        key = decode((np.uint64(d) << zeros) + base, negative, flip)
        out[starts[d] : starts[d + 1]] = key


@kernel("u8[] u8[] i8 i8 i8[]")
def two_passes(a: U64, b: U64, low: int, high: int, counts: I64) -> None:
    """Sort `a` stably by its bits ``low .. high - 1`` (at most 22) in two passes through `b`."""
    n, width = len(a), (high - low + 1) // 2
    size = 1 << width
    mask, low0, low1 = np.uint64(size - 1), np.uint64(low), np.uint64(low + width)
    mask1 = np.uint64((1 << (high - low - width)) - 1)
    first, second = counts[:size], counts[size : 2 * size]
    counts[: 2 * size] = 0
    for i in range(n):
        first[(a[i] >> low0) & mask] += 1
        second[(a[i] >> low1) & mask1] += 1
    total0 = total1 = 0
    for d in range(size):
        first[d], total0 = total0, total0 + first[d]
        second[d], total1 = total1, total1 + second[d]
    for i in range(n):
        d0 = (a[i] >> low0) & mask
        position = first[d0]  # loaded once: as far as LLVM knows, `b` could overlap it
        b[np.uint64(position)] = a[i]
        first[d0] = position + 1
    for i in range(n):
        d1 = (b[i] >> low1) & mask1
        position = second[d1]
        a[np.uint64(position)] = b[i]
        second[d1] = position + 1


@kernel("u8[] i8")
def insertion(a: U64, budget: int) -> bool:
    """Sort `a` by insertion; gives up (False) after `budget` moves, having lost nothing and kept ties in order."""
    greatest = np.uint64(0)
    for i in range(len(a)):
        word, j = a[i], i - 1
        if word >= greatest:
            greatest = word
            continue
        while j >= 0 and a[j] > word:
            a[j + 1] = a[j]
            j -= 1
        a[j + 1] = word
        budget -= i - 1 - j
        if budget < 0:
            return False
    return True


@kernel("u8[] u8[] i8 i8[]")
def sort_words(a: U64, b: U64, low: int, counts: I64) -> None:
    """Sort `a`, whose bits below `low` ascend already where the others tie, through `b`.

    The leading bits in which they differ tell most words of a bucket apart; insertion finishes, and when it has too
    much to do, all bits.
    """
    n = len(a)
    if n <= SMALL:
        insertion(a, n * n)
        return
    differ = np.uint64(0)
    for i in range(n):
        differ |= a[i] ^ a[0]
    high = low
    while high < 64 and differ >> np.uint64(high) != 0:
        high += 1
    used = min(high - low, bit_length(n) + 3, 22)
    if used > 0:
        two_passes(a, b, high - used, high, counts)
    if used < high - low and not insertion(a, 2 * n):
        for bit in range(low, high, 16):
            two_passes(a, b, bit, min(bit + 16, high), counts)


@kernel("u8[] u8 u8 u8")
def restore_keys(words: U64, negative: np.uint64, flip: np.uint64, base: np.uint64) -> None:
    """Turn codes back into keys, in place."""
    for i in range(len(words)):
        words[i] = decode(words[i] + base, negative, flip)


@kernel("u8[] i8[] i8 i8 i8 i8 u8 u8 u8 u8[] i8[]")
def sort_key_buckets(
    words: U64, starts: I64, bucket: int, stop: int, large: int, low: int,
    negative: np.uint64, flip: np.uint64, base: np.uint64, spare: U64, counts: I64,
) -> None:  # fmt: skip
    """Sort the buckets ``bucket .. stop - 1`` that hold at most `large` words, and turn their words into keys."""
    for b in range(bucket, stop):
        size = starts[b + 1] - starts[b]
        if 0 < size <= large:
            part = words[starts[b] : starts[b + 1]]
            sort_words(part, spare, low, counts)
            restore_keys(part, negative, flip, base)


@kernel("u8[] i8 b1[]")
def leave_places(words: U64, room: int, new: NDArray[np.bool_]) -> None:
    """Turn the sorted words of one bucket into positions, and mark (if `new` has room) where a run of keys begins."""
    shift, later = np.uint64(room), words[1:]
    places = (ONE << shift) - ONE
    if len(new) > 0:
        new[0], marks = True, new[1:]
        for i in range(len(later)):
            marks[i] = (later[i] ^ words[i]) >> shift != 0
    for i in range(len(words)):
        words[i] &= places


@inlined
def leave_run(words: U64, start: int, stop: int, shift: np.uint64, new: NDArray[np.bool_]) -> None:
    """Turn one run of words into positions, and mark where a run of keys begins."""
    before = words[start] >> shift
    for i in range(start, stop):
        prefix = words[i] >> shift
        if len(new) > 0:
            new[i] = i == start or prefix != before
        before = prefix
        words[i] &= (ONE << shift) - ONE


@inlined
def place_of(row: np.uint64, rows: I64) -> np.uint64:
    """Where a row is among `rows`, which ascend; the row itself where there are none."""
    low, count = 0, len(rows)
    if count == 0:
        return row
    while count > 1:
        half = count >> 1
        low += half if np.uint64(rows[low + half]) <= row else 0
        count -= half
    return np.uint64(low)


@kernel("T[] i8[] u8[] u8 u8 u8 i8 i8 b1[] u8[] i8[]", T="u8 u1")
def leave_tied_places(
    x: Keys, rows: I64, words: U64, negative: np.uint64, flip: np.uint64, base: np.uint64, drop: int,
    room: int, new: NDArray[np.bool_], spare: U64, counts: I64,
) -> None:  # fmt: skip
    """`leave_places` where words tie because the last `drop` bits of the keys were cut off: these order them.

    The keys of all ties are looked up first (into the upper half of `spare`), so that the memory's delays overlap.
    """
    n, shift = len(words), np.uint64(room)
    places, cut, ends = (ONE << shift) - ONE, (ONE << np.uint64(drop)) - ONE, spare[len(words) : 2 * len(words)]
    for i in range(n):
        prefix = words[i] >> shift
        if words[max(i - 1, 0)] >> shift == prefix or words[min(i + 1, n - 1)] >> shift == prefix:
            place = place_of(words[i] & places, rows)
            ends[i] = (encode(np.uint64(x[place]), negative, flip) - base) & cut
    start = 0
    while start < n:
        end, prefix, differ = start + 1, words[start] >> shift, np.uint64(0)
        if end == n or words[end] >> shift != prefix:  # nearly all, unless most keys have equals
            words[start] &= places
            if len(new) > 0:
                new[start] = True
            start = end
            continue
        while end < n and words[end] >> shift == prefix:
            differ |= ends[end] ^ ends[start]
            end += 1
        if differ != 0:
            for i in range(start, end):
                words[i] = (ends[i] << shift) | (words[i] & places)
            sort_words(words[start:end], spare, room, counts)
        leave_run(words, start, end, shift, new)
        start = end


@kernel("u8[] i8")
def count_ties(words: U64, room: int) -> int:
    """How many of the sorted words are, without their last `room` bits, equal to the one before."""
    ties, shift, later = 0, np.uint64(room), words[1:]
    for i in range(len(later)):
        ties += (later[i] ^ words[i]) >> shift == 0
    return ties


@kernel("T[] i8[] u8[] u8 u8 u8 i8 i8 b1[] u8[] i8[]", T="u8 u1")
def finish_places(
    x: Keys, rows: I64, words: U64, negative: np.uint64, flip: np.uint64, base: np.uint64, drop: int, room: int,
    new: NDArray[np.bool_], spare: U64, counts: I64,
) -> None:  # fmt: skip
    """Leave the positions of one bucket's sorted words."""
    if drop > 0 and count_ties(words, room) > 0:
        leave_tied_places(x, rows, words, negative, flip, base, drop, room, new, spare, counts)
    else:
        leave_places(words, room, new)


@kernel("T[] i8[] u8[] i8[] i8 i8 i8 u8 u8 u8 i8 i8 b1[] u8[] i8[]", T="u8 u1")
def sort_place_buckets(
    x: Keys, rows: I64, words: U64, starts: I64, bucket: int, stop: int, large: int,
    negative: np.uint64, flip: np.uint64, base: np.uint64, drop: int, room: int, new: NDArray[np.bool_],
    spare: U64, counts: I64,
) -> None:  # fmt: skip
    """Sort the buckets ``bucket .. stop - 1`` that hold at most `large` words, and leave the keys' positions."""
    for b in range(bucket, stop):
        size = starts[b + 1] - starts[b]
        if 0 < size <= large:
            part, marks = words[starts[b] : starts[b + 1]], new[starts[b] : starts[b + 1]]
            sort_words(part, spare, room, counts)
            finish_places(x, rows, part, negative, flip, base, drop, room, marks, spare, counts)
