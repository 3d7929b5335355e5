"""Order of one block: sorts by one key or several, merges, searches, k extremes.

Floats ascend by their bits: nan with a sign bit, negative numbers, -0.0, 0.0, positive numbers, inf, nan.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from arkserver_kernels import ordered

from arkserver.engine import buffers
from arkserver.engine.blocks.cutting import cut_buckets, digit_bits_for
from arkserver.engine.blocks.moving import compress, gather, nonzero, scatter
from arkserver.engine.blocks.orders import UNSIGNED, Order, Range, key_range, order_of
from arkserver.engine.blocks.radix import NO_ROWS, argsort, argsort_marked, sort
from arkserver.engine.blocks.views import Array, Bools, Ints, plain, raw
from arkserver.engine.threads import threads

__all__ = [
    "argsort", "argtop", "between", "coargsort", "coargsort_marked", "counts_between", "is_sorted", "members", "merge",
    "merge_permutation", "packed", "searchsorted", "sort", "top",
]  # fmt: skip

# Rows that tie by a first key are ordered by the next one in so many parts, none of them too small.
PARTS, SMALLEST_PART = 8, 1 << 16


def coargsort(keys: Sequence[Array], rows: Ints = NO_ROWS) -> Ints:
    """The stable permutation that sorts by several keys of equal length, the first most significant; see `argsort`."""
    if len(keys) == 1:
        return argsort(keys[0], rows)
    return coargsort_marked(keys, [order_of(k.dtype) for k in keys], rows)[0]


def coargsort_marked(keys: Sequence[Array], orders: Sequence[Order], rows: Ints = NO_ROWS) -> tuple[Ints, Bools]:
    """The stable permutation by several keys, and where in that order a run of equal keys begins.

    Keys that fit one word together by their ranges are sorted as one; a further word is looked at only where the words
    before it tie.
    """
    if len(keys) == 1:
        return argsort_marked(keys[0], orders[0], rows)
    first, *rest = _pack([raw(k) for k in keys], orders)
    if not rest:
        return argsort_marked(*first(), rows)
    permutation, new = argsort_marked(*first())
    for word in rest:
        if new.all():
            break
        _refine(permutation, new, *word())
    return gather(rows, permutation) if len(rows) else permutation, new


def _pack(keys: Sequence[Array], orders: Sequence[Order]) -> list[Callable[[], tuple[Array, Order]]]:
    """Makers of the words that hold the keys, as many keys a word as have room by their ranges."""
    if not len(keys[0]):
        return [lambda: (keys[0], UNSIGNED)]
    ranges = [key_range(k, o) for k, o in zip(keys, orders, strict=True)]
    words: list[list[int]] = [[]]
    for i, found in enumerate(ranges):
        if sum(ranges[j].bits for j in words[-1]) + found.bits > 64:
            words.append([])
        words[-1].append(i)

    def make(members: list[int]) -> tuple[Array, Order]:
        if len(members) == 1:
            return keys[members[0]], orders[members[0]]
        mine = [(keys[i], orders[i], ranges[i]) for i in members]
        return packed([k for k, _, _ in mine], [o for _, o, _ in mine], [r for _, _, r in mine]), UNSIGNED

    return [partial(make, members) for members in words]


def packed(keys: Sequence[Array], orders: Sequence[Order], ranges: Sequence[Range]) -> Array:
    """One word a row, in the order of several keys, whose ranges need at most 64 bits together."""
    out = buffers.empty(len(keys[0]), np.uint64)

    def chunk(start: int, stop: int) -> None:
        out[start:stop] = 0
        for key, order, found in zip(keys, orders, ranges, strict=True):
            width = np.uint64(min(found.bits, 63))
            args = order.negative, order.flip, found.base, found.zeros, width
            ordered.pack(raw(key[start:stop]), *args, out[start:stop])

    threads().each_chunk(chunk, len(out))
    return out


def _refine(permutation: Ints, new: Bools, word: Array, order: Order) -> None:
    """Order the runs that tie so far by a further word, in place; a part of the rows at a time, to save memory."""
    start, n = 0, len(permutation)
    while start < n:
        stop = _end_of_part(new, start, max(SMALLEST_PART, n // PARTS))
        _refine_part(permutation[start:stop], new[start:stop], word, order)
        start = stop


def _end_of_part(new: Bools, start: int, size: int) -> int:
    """Where the last run that begins at most `size` rows behind `start` begins, or else the next one, or the end."""
    if len(new) - start <= size:
        return len(new)
    near = new[start + 1 : start + size + 1][::-1]
    if near.any():
        return start + len(near) - int(near.argmax())
    rest = new[start + size + 1 :]
    return start + size + 1 + int(rest.argmax()) if rest.any() else len(new)


def _refine_part(permutation: Ints, new: Bools, word: Array, order: Order) -> None:
    if new.all():
        return
    if not new[1:].any():
        inner, new[:] = argsort_marked(gather(word, permutation), order)
        permutation[:] = gather(permutation, inner)
        return
    places, runs = runs_of_ties(new)
    members = gather(permutation, places)
    inner, marks = by_run_and_word(runs, gather(word, members), order)
    scatter(permutation, places, gather(members, inner))
    scatter(new, places, marks)


def runs_of_ties(new: Bools) -> tuple[Ints, Array]:
    """The rows that are in a run of several, and the number (uint64) of the run of each; runs begin where `new` is."""
    tied = ~new
    tied[:-1] |= ~new[1:]
    return nonzero(tied), np.cumsum(compress(new, tied), dtype=np.uint64)


def by_run_and_word(runs: Array, word: Array, order: Order) -> tuple[Ints, Bools]:
    """The stable permutation by ascending run numbers and a word, and where a pair of these differs from the last."""
    found = key_range(raw(word), order)
    if int(runs[-1]).bit_length() + found.bits <= 64:
        return coargsort_marked([runs, word], [UNSIGNED, order])
    by_word = argsort_marked(word, order)[0]
    permutation = gather(by_word, argsort(gather(runs, by_word)))
    runs, word = gather(runs, permutation), gather(word, permutation)
    new = np.ones(len(runs), np.bool_)
    new[1:] = (runs[1:] != runs[:-1]) | (word[1:] != word[:-1])
    return permutation, new


def merge(a: Array, b: Array) -> Array:
    """The sorted elements of two sorted 1-D blocks of one dtype."""
    out = buffers.empty(len(a) + len(b), a.dtype)
    order, moved = order_of(a.dtype), raw(out)

    def chunk(i: int, i_stop: int, j: int, j_stop: int) -> None:
        part = moved[i + j : i_stop + j_stop]
        ordered.merge(raw(a[i:i_stop]), raw(b[j:j_stop]), order.negative, order.flip, part)

    threads().run(chunk, *_merge_chunks(a, b))
    return out


def merge_permutation(a: Array, b: Array) -> Ints:
    """The stable permutation that sorts the concatenation of two sorted 1-D blocks of one dtype."""
    out = buffers.empty(len(a) + len(b), np.int64)
    order = order_of(a.dtype)

    def chunk(i: int, i_stop: int, j: int, j_stop: int) -> None:
        part = out[i + j : i_stop + j_stop]
        ordered.merge_places(raw(a[i:i_stop]), raw(b[j:j_stop]), i, len(a) + j, order.negative, order.flip, part)

    threads().run(chunk, *_merge_chunks(a, b))
    return out


def _merge_chunks(a: Array, b: Array) -> tuple[Sequence[int], ...]:
    """Cut both blocks at values of the longer one, so that each pair of pieces merges by itself."""
    order = order_of(a.dtype)
    swapped = len(b) > len(a)
    longer, other = (b, a) if swapped else (a, b)
    cuts = [start for start, _ in threads().chunks(len(longer))][1:]
    bisect = bisect_right if swapped else bisect_left
    bits, wanted = raw(other), [order.code(raw(longer)[c]) for c in cuts]
    met = [bisect(range(len(other)), code, key=lambda i: order.code(bits[i])) for code in wanted]
    mine, theirs = [0, *cuts, len(longer)], [0, *met, len(other)]
    i, j = (theirs, mine) if swapped else (mine, theirs)
    return i[:-1], i[1:], j[:-1], j[1:]


def searchsorted(ordered_values: Array, values: Array, side: str = "left") -> Ints:
    """Where each value belongs in a sorted 1-D block of the same dtype, as `numpy.searchsorted`; any rank."""
    out = buffers.empty(values.shape, np.int64)
    keys, flat, places = plain(ordered_values), plain(values).reshape(-1), out.reshape(-1)
    threads().each_chunk(lambda a, b: ordered.search(keys, flat[a:b], side == "right", places[a:b]), flat.size, 1 << 12)
    return out


def is_sorted(x: Array) -> bool:
    """Whether a 1-D block ascends (not so where a nan has a neighbour)."""
    x = plain(x)
    return all(threads().each_chunk(lambda a, b: ordered.is_sorted(x[max(a - 1, 0) : b]), len(x)))


def top(x: Array, k: int, *, largest: bool) -> Array:
    """The `k` least (or greatest) elements of a 1-D block, ascending."""
    return gather(x, argtop(x, k, largest=largest))


def argtop(x: Array, k: int, *, largest: bool) -> Ints:
    """The indexes of the `k` least (or greatest) elements of a 1-D block, their values ascending."""
    order = order_of(x.dtype)
    if largest:
        order = Order(order.negative, ~order.flip)
    found = _least(raw(x), min(k, len(x)), order)
    return found[::-1].copy() if largest else found


def _least(keys: Array, k: int, order: Order) -> Ints:
    """The indexes of the `k` least keys: those below a limit that a count of leading digits gives, sorted."""
    if k <= 0:
        return np.empty(0, np.int64)
    found = key_range(keys, order)
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)))
    bucket = int(np.searchsorted(cut.starts, k))
    if cut.starts[bucket] > len(keys) // 2 or len(keys) < 1 << 14:
        return argsort_marked(keys, order)[0][:k]
    cell = int(np.searchsorted(cut.buckets, bucket))
    limit = min(found.most, int(found.base) + (cell << int(cut.shift)) - 1)
    places = nonzero(between(keys, order, 0, limit))
    return gather(places, _least(gather(keys, places), k, order))


# --- ranges of codes (see `orders.Order`), both ends included ---------------------------------------------------------


def between(keys: Array, order: Order, low: int, high: int) -> Bools:
    """Whether the codes of keys (their bits) are in a range."""
    marks = buffers.empty(len(keys), np.bool_)
    code = order.negative, order.flip, np.uint64(low), np.uint64(high - low)
    threads().each_chunk(lambda a, b: ordered.mark_between(keys, a, b, *code, marks), len(keys))
    return marks


def members(x: Array, low: int, high: int) -> Array:
    """The elements of a 1-D block whose codes are in a range."""
    return compress(x, between(raw(x), order_of(x.dtype), low, high))


def counts_between(x: Array, low: int, high: int, shift: int) -> Ints:
    """How many elements of a 1-D block have each value of ``(code - low) >> shift``, of those with codes in a range."""
    order, keys = order_of(x.dtype), raw(x)
    code = order.negative, order.flip, np.uint64(low), np.uint64(high - low), np.uint64(shift)

    def count(start: int, stop: int) -> Ints:
        counts = np.zeros(((high - low) >> shift) + 1, np.int64)
        ordered.count_between(keys[start:stop], *code, counts)
        return counts

    counts: Ints = np.add.reduce(threads().each_chunk(count, len(keys)))
    return counts
