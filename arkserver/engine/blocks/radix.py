"""Radix sort of one block on bit patterns: stable, floats in the order of IEEE 754.

Floats ascend by their bits: nan with a sign bit, negative numbers, -0.0, 0.0, positive numbers, inf, nan. The words
being sorted are kept in the result's own memory, so a sort needs little beside its result (see
`arkserver_kernels.radix`): one more copy of the largest bucket, where many keys share their leading bits.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from arkserver_kernels import radix

from arkserver.engine import buffers
from arkserver.engine.blocks.cutting import Cut, cut_buckets, digit_bits_for
from arkserver.engine.blocks.moving import copy_into, gather, ramp
from arkserver.engine.blocks.orders import UNSIGNED, Order, Range, key_range, order_of
from arkserver.engine.blocks.views import Array, Bools, Ints, raw
from arkserver.engine.threads import threads

# A bucket of more words is cut again: its words and as many spare ones no longer fit the cache of a core.
LARGE = 1 << 17
# So many keys are sorted as one bucket, when one thread sorts them: a scatter of them would gain less than it takes.
WHOLE = 1 << 18
# Keys of fewer bits are counted, not moved.
COUNTED_BITS = 14
# A word has room for a row of so many bits beside the last bits of a code, whatever the code's leading digit.
ROW_BITS = 36
_NO_MARKS = np.empty(0, np.bool_)
NO_ROWS = np.empty(0, np.int64)


def sort(keys: Array) -> Array:
    """A sorted copy of a 1-D block of int64, uint64, float64, uint8 or bool."""
    if keys.dtype.itemsize == 1:
        return _count_sort(keys)
    out = buffers.empty_like(keys)
    if len(keys):
        _sort_into(raw(keys), out.view(np.uint64), order_of(keys.dtype), 0)
    return out


def argsort(keys: Array, rows: Ints = NO_ROWS) -> Ints:
    """The stable permutation that sorts a 1-D block of int64, uint64, float64, uint8 or bool.

    Where the keys come from other rows than 0, 1, ..., `rows` names these, ascending, and the result consists of them.
    """
    return _argsort(raw(keys), rows, order_of(keys.dtype), marks=False)[0]


def argsort_marked(keys: Array, order: Order | None = None, rows: Ints = NO_ROWS) -> tuple[Ints, Bools]:
    """`argsort`, and where in the sorted keys a run of equal ones begins."""
    return _argsort(raw(keys), rows, order or order_of(keys.dtype), marks=True)


def scatter(keys: Array, out: Array, order: Order, found: Range, cut: Cut) -> None:
    """Write each key's code into its bucket."""
    args = order.negative, order.flip, found.base, cut.shift, cut.buckets

    def scatter(positions: Ints, start: int, stop: int) -> None:
        radix.scatter_codes(keys[start:stop], *args, positions, out)

    threads().run(scatter, cut.positions, [a for a, _ in cut.chunks], [b for _, b in cut.chunks])


def _scatter_places(keys: Array, rows: Ints, out: Array, order: Order, found: Range, cut: Cut, room: int) -> None:
    """Write words into the buckets: a key's place (or row) in `room` bits, and above it what fits of its code."""
    args = order.negative, order.flip, found.base, cut.shift, cut.buckets
    word = word_of(cut.digit, room)

    def scatter(positions: Ints, start: int, stop: int) -> None:
        if len(rows):
            radix.scatter_row_words(keys[start:stop], rows[start:stop], *args, *word, positions, out)
        else:
            radix.scatter_words(keys, start, stop, *args, *word, positions, out)

    threads().run(scatter, cut.positions, [a for a, _ in cut.chunks], [b for _, b in cut.chunks])


def word_of(digit: int, room: int) -> tuple[np.uint64, np.uint64]:
    """How far a code is shifted for a word without the bits from `digit` on, and which bits of it are kept there."""
    return np.uint64(min(64 - digit, 63)), ~np.uint64((1 << room) - 1)


def _is_whole(keys: Array) -> bool:
    """Whether keys are sorted as one bucket: they are not worth a scatter to several, nor a second thread."""
    return len(keys) <= WHOLE and len(threads().chunks(len(keys))) == 1


def bucket_ranges(starts: Ints) -> tuple[Ints, Ints]:
    """Cut the buckets into ranges of about equal size, more than threads, so that none waits long for another."""
    n = int(starts[-1])
    pieces = 1 if n < 1 << 15 else 8 * threads().count
    cuts = np.unique(np.searchsorted(starts, np.linspace(0, n, pieces + 1)))
    cuts[0], cuts[-1] = 0, len(starts) - 1
    return cuts[:-1], cuts[1:]


def _large_buckets(starts: Ints, large: int) -> list[tuple[int, int]]:
    return [(int(a), int(b)) for a, b in pairwise(starts) if b - a > large] if starts[-1] > large else []


def spare_words(starts: Ints, large: int) -> Array:
    sizes = np.diff(starts)
    return buffers.empty(2 * int(sizes[sizes <= large].max(initial=0)), np.uint64)


def digit_counts() -> Ints:
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
    if _is_whole(keys):
        radix.write_codes(keys, order.negative, order.flip, found.base, out)
        _sort_key_buckets(out, order, found, np.array([0, len(keys)]), WHOLE, low)
        return
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)), low)
    scatter(keys, out, order, found, cut)
    sort_buckets(out, order, found, cut, low, keys if spent else None)


def sort_buckets(words: Array, order: Order, found: Range, cut: Cut, low: int = 0, room: Array | None = None) -> None:
    """Sort the codes of each bucket and turn them back into keys; large buckets by way of `room` for all, if given."""
    _sort_key_buckets(words, order, found, cut.starts, LARGE, low)
    for start, stop in _large_buckets(cut.starts, LARGE):
        part = words[start:stop]
        _sort_slice(part, low, buffers.empty(stop - start, np.uint64) if room is None else room[start:stop])
        restore(part, order, found)


def _sort_key_buckets(words: Array, order: Order, found: Range, starts: Ints, large: int, low: int) -> None:
    """`sort_buckets` that hold at most `large` words."""
    code = order.negative, order.flip, found.base

    def finish(bucket: int, stop: int) -> None:
        args = words, starts, bucket, stop, large, low
        radix.sort_key_buckets(*args, *code, spare_words(starts, large), digit_counts())

    threads().run(finish, *bucket_ranges(starts))


def sort_words(words: Array, low: int) -> None:
    """Sort the words of one bucket, in place; bits below `low` ascend already where the others tie."""
    spare = buffers.empty(len(words), np.uint64)
    if len(words) > LARGE:
        _sort_slice(words, low, spare)
    else:
        radix.sort_words(words, spare, low, digit_counts())


def leave_places(words: Array, room: int, *, marked: bool) -> Bools:
    """Leave the places in the `room` last bits of sorted words; if `marked` and any tied, where a run of them began."""
    new = np.empty(len(words) if marked and radix.count_ties(words, room) else 0, np.bool_)
    radix.leave_places(words, room, new)
    return new


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
    threads().run(lambda a, b: radix.fill_runs(starts, *args, a, b, out), *bucket_ranges(starts))


def _count_sort(keys: Array) -> Array:
    counts = sum(threads().each_chunk(lambda a, b: np.bincount(raw(keys[a:b]), minlength=256), len(keys)))
    return np.repeat(np.arange(256, dtype=np.uint8), counts).view(keys.dtype)


def _argsort(keys: Array, rows: Ints, order: Order, *, marks: bool) -> tuple[Ints, Bools]:
    n = len(keys)
    out, new = buffers.empty(n, np.int64), buffers.empty(n, np.bool_) if marks else _NO_MARKS
    fit = len(rows) == 0 or int(rows[-1]) >> ROW_BITS == 0
    if n:
        _argsort_into(keys, rows if fit else NO_ROWS, out.view(np.uint64), new, order)
    return out if fit else gather(rows, out), new


def _argsort_into(keys: Array, rows: Ints, out: Array, new: Bools, order: Order) -> None:
    found = key_range(keys, order)
    if found.ascending or found.descending:
        _ascend(keys, rows, out, new, reverse=not found.ascending)
        return
    room = (int(rows[-1]) if len(rows) else len(keys) - 1).bit_length()
    if _is_whole(keys):
        digit, starts, large = found.bits + int(found.zeros), np.array([0, len(keys)]), WHOLE
        radix.write_words(keys, rows, order.negative, order.flip, found.base, *word_of(digit, room), out)
    else:
        cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)))
        digit, starts, large = cut.digit, cut.starts, LARGE
        _scatter_places(keys, rows, out, order, found, cut, room)
    drop = max(0, digit + room - 64)
    code = order.negative, order.flip, found.base, drop if drop > found.zeros else 0, room

    def finish(bucket: int, stop: int) -> None:
        args = keys, rows, out, starts, bucket, stop, large
        radix.sort_place_buckets(*args, *code, new, spare_words(starts, large), digit_counts())

    threads().run(finish, *bucket_ranges(starts))
    for start, stop in _large_buckets(starts, large):
        _sort_slice(out[start:stop], room, buffers.empty(stop - start, np.uint64))
        spare = buffers.empty(2 * (stop - start) if drop else 0, np.uint64)
        radix.finish_places(keys, rows, out[start:stop], *code, new[start:stop], spare, digit_counts())


def _ascend(keys: Array, rows: Ints, out: Array, new: Bools, *, reverse: bool) -> None:
    """Write the permutation of keys that are in order already, or in strictly reversed order."""
    n = len(keys)

    def chunk(start: int, stop: int) -> None:
        if len(rows):
            out[start:stop] = rows[n - stop : n - start][::-1] if reverse else rows[start:stop]
        else:
            ramp(out[start:stop], n - 1 - start if reverse else start, -1 if reverse else 1)
        if len(new) and reverse:
            new[start:stop] = True
        elif len(new):
            new[max(start, 1) : stop] = keys[max(start, 1) : stop] != keys[max(start, 1) - 1 : stop - 1]

    threads().each_chunk(chunk, n)
    new[:1] = True
