"""Radix sort of one block on bit patterns: stable, floats in the order of IEEE 754.

Floats ascend by their bits: nan with a sign bit, negative numbers, -0.0, 0.0, positive numbers, inf, nan. The words
being sorted are kept in the result's own memory, so a sort needs little beside its result (see
`arkserver_kernels.radix`): one more copy of the largest bucket, where many keys share their leading bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from arkserver_kernels import radix

from arkserver.engine import buffers
from arkserver.engine.blocks.moving import copy_into, ramp
from arkserver.engine.blocks.views import Array, Bools, Ints, raw
from arkserver.engine.threads import threads

# A bucket of more words is cut again: its words and as many spare ones no longer fit the cache of a core.
LARGE = 1 << 17
# Writing to more buckets than this at a time is slow: their lines and pages no longer fit the first-level caches.
DIGIT_BITS = 10
# Digits of more than LARGE keys are cut by further bits in a second count, unless there are too many such digits.
CELL_BITS, MOST_CROWDED = 6, 64
# Keys of fewer bits are counted, not moved.
COUNTED_BITS = 14
_NO_MARKS = np.empty(0, np.bool_)
_SIGN, _REST = np.uint64(1 << 63), np.uint64((1 << 63) - 1)


@dataclass(frozen=True, slots=True)
class Order:
    """How keys' bits become codes in unsigned order; see `arkserver_kernels.bits.encode`."""

    negative: np.uint64
    flip: np.uint64

    def code(self, bits: Any) -> int:
        """The code of one key."""
        value = int(bits)
        return value ^ int(self.flip) ^ (int(self.negative) if value >> 63 else 0)


UNSIGNED = Order(np.uint64(0), np.uint64(0))
SIGNED = Order(np.uint64(0), _SIGN)
FLOAT = Order(_REST, _SIGN)


def order_of(dtype: np.dtype[np.generic]) -> Order:
    """The order in which keys of a dtype sort."""
    return {"i": SIGNED, "f": FLOAT}.get(dtype.kind, UNSIGNED)


@dataclass(frozen=True, slots=True)
class Range:
    """What one pass over the keys tells: codes, ``encode(key) - base``, have `bits` bits above `zeros` zero bits."""

    base: np.uint64
    most: int
    zeros: np.uint64
    bits: int
    ascending: bool
    """No key is less than its predecessor."""
    descending: bool
    """Every key is less than its predecessor."""

    def above(self, low: int) -> Range:
        """The same keys seen as words whose bits below `low` do not count (but must be kept)."""
        base = int(self.base) >> low << low
        return Range(np.uint64(base), self.most, np.uint64(0), (self.most - base).bit_length(), False, False)


def key_range(keys: Array, order: Order) -> Range:
    """Measure the keys (the bits of at least one)."""
    chunks = threads().pieces(len(keys))
    found = np.empty((len(chunks), 6), np.uint64)

    def measure(row: Array, start: int, stop: int) -> None:
        radix.key_range(keys, start, stop, order.negative, order.flip, row)

    threads().run(measure, found, [a for a, _ in chunks], [b for _, b in chunks])
    least, most = int(found[:, 0].min()), int(found[:, 1].max())
    differ = int(np.bitwise_or.reduce(found[:, 2])) | int(np.bitwise_or.reduce(found[:, 5] ^ found[0, 5]))
    zeros = (differ & -differ).bit_length() - 1 if differ else 0
    bits = ((most - least) >> zeros).bit_length()
    return Range(np.uint64(least), most, np.uint64(zeros), bits, not found[:, 3].any(), not found[:, 4].any())


def sort(keys: Array) -> Array:
    """A sorted copy of a 1-D block of int64, uint64, float64, uint8 or bool."""
    if keys.dtype.itemsize == 1:
        return _count_sort(keys)
    out = buffers.empty_like(keys)
    if len(keys):
        _sort_into(raw(keys), out.view(np.uint64), order_of(keys.dtype), 0)
    return out


def argsort(keys: Array) -> Ints:
    """The stable permutation that sorts a 1-D block of int64, uint64, float64, uint8 or bool."""
    return _argsort(raw(keys), order_of(keys.dtype), marks=False)[0]


def argsort_marked(keys: Array, order: Order | None = None) -> tuple[Ints, Bools]:
    """`argsort`, and where in the sorted keys a run of equal ones begins."""
    return _argsort(raw(keys), order or order_of(keys.dtype), marks=True)


@dataclass(frozen=True, slots=True)
class Cut:
    """Keys in buckets by their codes' leading bits: where each bucket starts, and from where each chunk writes."""

    digit: int
    """The shift that leaves the leading digit of a code; a bucket has codes of one digit only."""
    shift: np.uint64
    """The shift that leaves the index into `buckets`."""
    buckets: Array
    starts: Ints
    positions: Ints
    chunks: list[tuple[int, int]]


def cut_buckets(keys: Array, order: Order, found: Range, digit_bits: int, low: int = 0) -> Cut:
    """Count the keys by their leading `digit_bits` bits, but none below bit `low`; cut crowded digits further."""
    end = found.bits + int(found.zeros)
    digit = max(end - digit_bits, low, int(found.zeros))
    cut = _count(keys, order, found, digit, digit, np.arange(1 << max(end - digit, 1), dtype=np.uint16))
    crowded = np.diff(cut.starts) > LARGE
    shift = max(digit - CELL_BITS, low, int(found.zeros))
    if shift == digit or not 0 < crowded.sum() <= MOST_CROWDED:
        return cut
    cells = 1 << (digit - shift)
    firsts = np.cumsum(np.where(crowded, cells, 1)) - np.where(crowded, cells, 1)
    buckets = firsts[:, None] + np.where(crowded[:, None], np.arange(cells), 0)
    return _count(keys, order, found, digit, shift, buckets.ravel().astype(np.uint16))


def count_codes(codes: Array, shift: int, buckets: int) -> Cut:
    """Count words by ``code >> shift``, which is known to be less than `buckets`."""
    found = Range(np.uint64(0), 0, np.uint64(0), 64, False, False)
    return _count(codes, UNSIGNED, found, shift, shift, np.arange(buckets, dtype=np.uint16))


def _count(keys: Array, order: Order, found: Range, digit: int, shift: int, buckets: Array) -> Cut:
    chunks, size = threads().pieces(len(keys)), int(buckets[-1]) + 1
    counts = np.zeros((len(chunks), size), np.int64)
    args = order.negative, order.flip, found.base, np.uint64(shift), buckets

    def count(row: Ints, start: int, stop: int) -> None:
        radix.count_buckets(keys, start, stop, *args, row)

    threads().run(count, counts, [a for a, _ in chunks], [b for _, b in chunks])
    ends = np.cumsum(counts.T.ravel())
    positions = np.ascontiguousarray((ends - counts.T.ravel()).reshape(size, len(chunks)).T)
    return Cut(digit, np.uint64(shift), buckets, np.append(positions[0], len(keys)), positions, chunks)


def _scatter(keys: Array, out: Array, order: Order, found: Range, cut: Cut, lead: int, places: int) -> None:
    args = order.negative, order.flip, found.base, cut.shift, cut.buckets, np.uint64(lead), np.uint64(places)

    def scatter(positions: Ints, start: int, stop: int) -> None:
        radix.scatter_words(keys, start, stop, *args, positions, out)

    threads().run(scatter, cut.positions, [a for a, _ in cut.chunks], [b for _, b in cut.chunks])


def digit_bits_for(n: int) -> int:
    """How many leading bits to cut `n` keys by."""
    return min(DIGIT_BITS, max(1, n.bit_length() - 9))


def _bucket_ranges(starts: Ints) -> tuple[Ints, Ints]:
    """Cut the buckets into ranges of about equal size, more than threads, so that none waits long for another."""
    n = int(starts[-1])
    pieces = 1 if n < 1 << 15 else 8 * threads().count
    cuts = np.unique(np.searchsorted(starts, np.linspace(0, n, pieces + 1)))
    cuts[0], cuts[-1] = 0, len(starts) - 1
    return cuts[:-1], cuts[1:]


def _large_buckets(starts: Ints) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in pairwise(starts) if b - a > LARGE] if starts[-1] > LARGE else []


def _spare(starts: Ints) -> Array:
    sizes = np.diff(starts)
    return buffers.empty(2 * int(sizes[sizes <= LARGE].max(initial=0)), np.uint64)


def _counts() -> Ints:
    return np.empty(1 << 12, np.int64)


def _sort_into(keys: Array, out: Array, order: Order, low: int, *, spent: bool = False) -> None:
    """Sort `keys` into `out`; bits below `low` ascend already where the others tie; `keys` may be `spent` on it."""
    found = key_range(keys, order)
    if found.ascending:
        copy_into(out, keys)
        return
    if found.descending:
        copy_into(out, keys[::-1])
        return
    if low:
        found = found.above(low)
    elif found.bits <= COUNTED_BITS:
        _write_runs(out, order, found, cut_buckets(keys, order, found, found.bits).starts)
        return
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)), low)
    _scatter(keys, out, order, found, cut, 0, 0)
    code = order.negative, order.flip, found.base

    def finish(bucket: int, stop: int) -> None:
        args = out, cut.starts, bucket, stop, LARGE, low
        radix.sort_key_buckets(*args, *code, _spare(cut.starts), _counts())

    threads().run(finish, *_bucket_ranges(cut.starts))
    for start, stop in _large_buckets(cut.starts):
        _sort_slice(out[start:stop], low, keys[start:stop] if spent else buffers.empty(stop - start, np.uint64))
        restore(out[start:stop], order, found)


def restore(words: Array, order: Order, found: Range) -> None:
    """Turn codes back into keys, in place."""
    args = order.negative, order.flip, found.base
    threads().each_chunk(lambda a, b: radix.restore_keys(words[a:b], *args), len(words))


def _sort_slice(words: Array, low: int, room: Array) -> None:
    """Sort words in place by way of a copy in `room`."""
    copy_into(room, words)
    _sort_into(room, words, UNSIGNED, low, spent=True)


def _write_runs(out: Array, order: Order, found: Range, starts: Ints) -> None:
    args = order.negative, order.flip, found.base, found.zeros
    threads().run(lambda a, b: radix.fill_runs(starts, *args, a, b, out), *_bucket_ranges(starts))


def _count_sort(keys: Array) -> Array:
    counts = sum(threads().each_chunk(lambda a, b: np.bincount(raw(keys[a:b]), minlength=256), len(keys)))
    return np.repeat(np.arange(256, dtype=np.uint8), counts).view(keys.dtype)


def _argsort(keys: Array, order: Order, *, marks: bool) -> tuple[Ints, Bools]:
    n = len(keys)
    out, new = buffers.empty(n, np.int64), buffers.empty(n, np.bool_) if marks else _NO_MARKS
    if n:
        _argsort_into(keys, out.view(np.uint64), new, order)
    return out, new


def _argsort_into(keys: Array, out: Array, new: Bools, order: Order) -> None:
    found = key_range(keys, order)
    if found.ascending or found.descending:
        _ascend(keys, out, new, reverse=not found.ascending)
        return
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)))
    room = (len(keys) - 1).bit_length()
    _scatter(keys, out, order, found, cut, min(64 - cut.digit, 63), (1 << room) - 1)
    drop = max(0, cut.digit + room - 64)
    code = order.negative, order.flip, found.base, drop if drop > found.zeros else 0, room

    def finish(bucket: int, stop: int) -> None:
        args = keys, out, cut.starts, bucket, stop, LARGE
        radix.sort_place_buckets(*args, *code, new, _spare(cut.starts), _counts())

    threads().run(finish, *_bucket_ranges(cut.starts))
    for start, stop in _large_buckets(cut.starts):
        _sort_slice(out[start:stop], room, buffers.empty(stop - start, np.uint64))
        spare = buffers.empty(2 * (stop - start) if drop else 0, np.uint64)
        radix.finish_places(keys, out[start:stop], *code, new[start:stop], spare, _counts())


def _ascend(keys: Array, out: Array, new: Bools, *, reverse: bool) -> None:
    """Write the permutation of keys that are in order already, or in strictly reversed order."""
    n = len(keys)

    def chunk(start: int, stop: int) -> None:
        ramp(out[start:stop], n - 1 - start if reverse else start, -1 if reverse else 1)
        if len(new) and reverse:
            new[start:stop] = True
        elif len(new):
            new[max(start, 1) : stop] = keys[max(start, 1) : stop] != keys[max(start, 1) - 1 : stop - 1]

    threads().each_chunk(chunk, n)
    new[:1] = True
