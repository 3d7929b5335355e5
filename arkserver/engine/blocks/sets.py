"""Sets of one block: membership, distinct elements, and the operations on two sets.

Elements are told apart by their bits, so every nan is itself, and -0.0 is not 0.0; sorted results are in the order of
`sorting.sort`. Keys of a narrow range are bits of a bitmap; others are hashed or sorted.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from arkserver_kernels import sets

from arkserver.engine import buffers
from arkserver.engine.blocks import grouping, ranking
from arkserver.engine.blocks.moving import concatenate, gather
from arkserver.engine.blocks.orders import Order, Range, joint_range, key_range, likely_range, order_of
from arkserver.engine.blocks.radix import argsort_marked, restore, sort
from arkserver.engine.blocks.tables import empty_table, few_distinct, numbers_among
from arkserver.engine.blocks.views import Array, Bools, Ints, raw
from arkserver.engine.threads import threads

# Bits of a bitmap for each key, at most: it is then a quarter of the keys' own memory.
BITS_PER_KEY = 16


@dataclass(frozen=True, slots=True)
class Bitmap:
    """The set of the keys whose bits are set, by their codes in a range; an empty word is the last."""

    order: Order
    found: Range
    words: Array

    @property
    def code(self) -> tuple[np.uint64, np.uint64, np.uint64, np.uint64]:
        """How the kernels make a key's code."""
        return self.order.negative, self.order.flip, self.found.base, self.found.zeros


def _narrow(found: Range, keys: int) -> bool:
    return found.bits <= 16 or 1 << found.bits <= BITS_PER_KEY * keys


def _bitmap(keys: Array, order: Order, found: Range) -> Bitmap | None:
    """A bitmap of (raw) keys, each thread's own at first; None if the range does not hold all of them."""
    bitmap = Bitmap(order, found, np.empty(0, np.uint64))
    last = (found.most - int(found.base)) >> int(found.zeros)
    size = (last >> 6) + 2

    def mark(start: int, stop: int) -> Array | None:
        words = buffers.empty(size, np.uint64)
        words.fill(0)
        return words if sets.set_bits(keys[start:stop], *bitmap.code, np.uint64(last), words) else None

    parts = threads().each_share(mark, len(keys), max(size, 1 << 15))
    words = [part for part in parts if part is not None]
    if len(words) < len(parts):
        return None
    for part in words[1:]:
        _or_into(words[0], part)
    return replace(bitmap, words=words[0])


def _bitmaps(columns: Sequence[Array], order: Order, count: int, known: Range | None = None) -> list[Bitmap] | Range:
    """Bitmaps of columns of (raw) keys by one range, or that range if it is too wide for `count` keys.

    Unless a range is known, the likely one is tried first: a pass over the keys is saved, and as a rule little is lost
    where it does not hold all of them, since what a sample misses is rare or met early.
    """
    for found in _ranges(columns, order) if known is None else [known]:
        bitmaps = [_bitmap(keys, order, found) for keys in columns] if _narrow(found, count) else []
        made = [bitmap for bitmap in bitmaps if bitmap is not None]
        if len(made) == len(columns):
            return made
    return found


def _ranges(columns: Sequence[Array], order: Order) -> Iterator[Range]:
    for measure in (likely_range, key_range):
        yield joint_range([measure(keys, order) for keys in columns])


def _or_into(out: Array, part: Array) -> None:
    threads().each_chunk(lambda a, b: np.bitwise_or(out[a:b], part[a:b], out=out[a:b]), len(out))


def _members(bitmap: Bitmap, dtype: np.dtype[np.generic]) -> Array:
    """The keys of a bitmap, ascending."""
    words = bitmap.words
    chunks = threads().chunks(len(words))
    starts, stops = [a for a, _ in chunks], [b for _, b in chunks]
    ends = np.cumsum(threads().run(lambda a, b: sets.count_bits(words[a:b]), starts, stops))
    out = buffers.empty(int(ends[-1]), np.uint64)
    begins = [0, *ends[:-1].tolist()]
    threads().run(lambda a, b, k, end: sets.list_bits(words[a:b], a, out[k:end]), starts, stops, begins, ends.tolist())
    if bitmap.found.zeros:
        threads().each_chunk(lambda a, b: np.left_shift(out[a:b], bitmap.found.zeros, out=out[a:b]), len(out))
    restore(out, bitmap.order, bitmap.found)
    return out.view(dtype) if dtype.itemsize == 8 else out.astype(np.uint8).view(dtype)


def in1d(x: Array, test: Array) -> Bools:
    """Whether each element of a 1-D block is in another of its dtype."""
    out = buffers.empty(len(x), np.bool_)
    if not len(test):
        out.fill(False)
        return out
    order, keys, wanted = order_of(x.dtype), raw(x), raw(test)
    found = _bitmaps([wanted], order, len(x) + len(test))
    if not isinstance(found, Range):
        args = *found[0].code, found[0].words
        threads().each_chunk(lambda a, b: sets.test_bits(keys[a:b], *args, out[a:b]), len(x))
        return out
    table = empty_table(len(wanted))
    sets.insert(wanted, table, len(table))
    zero = bool((wanted == 0).any())
    threads().each_chunk(lambda a, b: sets.contains(keys[a:b], table, zero, out[a:b]), len(x))
    return out


def unique(x: Array) -> Array:
    """The distinct elements of a 1-D block, ascending."""
    if not len(x):
        return x.copy()
    order, keys = order_of(x.dtype), raw(x)
    found = _bitmaps([keys], order, len(x))
    if not isinstance(found, Range):
        return _members(found[0], x.dtype)
    if found.ascending or found.descending:
        return grouping.unique_sorted(sort(x))
    few = few_distinct(x)
    return few if few is not None else ranking.distinct(keys, order, found).view(x.dtype)


def unique_counts(x: Array) -> tuple[Array, Ints]:
    """The distinct elements of a 1-D block, ascending, and how often each occurs."""
    values = sort(x)
    starts = grouping.segment_starts(values)
    return gather(values, starts), grouping.segment_lengths(starts, len(x))


def unique_inverse(x: Array, known: Range | None = None) -> tuple[Array, Ints]:
    """The distinct elements of a 1-D block, ascending, and the number of each element among them.

    `known` is a range that holds them, where there is no need to measure one.
    """
    if not len(x):
        return x.copy(), np.empty(0, np.int64)
    order, keys = order_of(x.dtype), raw(x)
    found = _bitmaps([keys], order, len(x), known)
    if not isinstance(found, Range):
        bitmap, out = found[0], buffers.empty(len(x), np.int64)
        ranks = buffers.empty(len(bitmap.words), np.int64)
        sets.rank_bits(bitmap.words, ranks)
        args = *bitmap.code, bitmap.words, ranks
        threads().each_chunk(lambda a, b: sets.ranks_of(keys[a:b], *args, out[a:b]), len(x))
        return _members(bitmap, x.dtype), out
    if found.ascending or found.descending:
        permutation, new = argsort_marked(x)
        starts = np.flatnonzero(new)
        return gather(x, gather(permutation, starts)), grouping.codes_of_groups(permutation, starts)
    few = few_distinct(x)
    if few is not None:
        return few, numbers_among(raw(few), keys)
    distinct, numbers = ranking.ranked(keys, order, found)
    return distinct.view(x.dtype), numbers


def intersect(a: Array, b: Array) -> Array:
    """The distinct elements that both 1-D blocks (of one dtype) have, ascending."""
    return _combine(a, b, np.bitwise_and, (False, True, False))


def union(a: Array, b: Array) -> Array:
    """The distinct elements that a block or the other has, ascending."""
    return _combine(a, b, np.bitwise_or, (True, True, True))


def difference(a: Array, b: Array) -> Array:
    """The distinct elements that `a` has and `b` has not, ascending."""
    return _combine(a, b, lambda x, y, out: np.bitwise_and(x, ~y, out=out), (True, False, False))


def symmetric_difference(a: Array, b: Array) -> Array:
    """The distinct elements that only one of the blocks has, ascending."""
    return _combine(a, b, np.bitwise_xor, (True, False, True))


def _combine(a: Array, b: Array, of_bits: Callable[..., Any], keep: tuple[bool, bool, bool]) -> Array:
    if len(a) and len(b):
        found = _bitmaps([raw(a), raw(b)], order_of(a.dtype), len(a) + len(b))
        if not isinstance(found, Range):
            words, others = found[0].words, found[1].words
            threads().each_chunk(lambda i, j: of_bits(words[i:j], others[i:j], out=words[i:j]), len(words))
            return _members(found[0], a.dtype)
    return _combine_sorted(unique(a), unique(b), keep)


def _combine_sorted(a: Array, b: Array, keep: tuple[bool, bool, bool]) -> Array:
    """Merge pieces that begin at the same key, side by side."""
    order, left, right = order_of(a.dtype), raw(a), raw(b)
    longer, other = (left, right) if len(a) >= len(b) else (right, left)
    cuts = [start for start, _ in threads().chunks(len(longer))][1:]
    wanted = [order.code(longer[c]) for c in cuts]
    met = [bisect_left(range(len(other)), w, key=lambda i: order.code(other[i])) for w in wanted]
    mine, theirs = [0, *cuts, len(longer)], [0, *met, len(other)]

    def merge(mine: tuple[int, int], theirs: tuple[int, int]) -> Array:
        i, j = (mine, theirs) if longer is left else (theirs, mine)
        out = buffers.empty(i[1] - i[0] + j[1] - j[0], left.dtype)
        return out[: sets.combine(left[slice(*i)], right[slice(*j)], order.negative, order.flip, *keep, out)]

    return concatenate(threads().run(merge, pairwise(mine), pairwise(theirs))).view(a.dtype)
