"""The distinct keys of one block and the number of each key among them, by buckets that fit the cache.

Keys go into buckets by their leading bits, as for a sort; in each of them they are hashed, and only the distinct ones
are sorted. The numbers go back to the rows as the keys came from them.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from arkserver_kernels import ranking

from arkserver.engine import buffers
from arkserver.engine.blocks import radix
from arkserver.engine.blocks.cutting import Cut, cut_buckets, digit_bits_for
from arkserver.engine.blocks.grouping import unique_sorted
from arkserver.engine.blocks.moving import copy_into
from arkserver.engine.blocks.orders import UNSIGNED, Order, Range, key_range
from arkserver.engine.blocks.tables import FEW, few_distinct, numbers_among
from arkserver.engine.blocks.views import Array, Ints
from arkserver.engine.threads import threads

# Rows a key from which on its sorting costs more than to hash them all.
WORTH_HASHING = 5
# Numbers are read from fewer buckets at a time than keys are written to, as long as these have so few words each.
RANKED_BITS, RANKED_WORDS = 9, 1 << 16


def ranked(keys: Array, order: Order, found: Range) -> tuple[Array, Ints]:
    """The distinct keys, ascending, and each key's number among them.

    Parameters
    ----------
    keys : ndarray of uint64
        The bits of at least one key.
    order : Order
    found : Range
        That of the keys.
    """
    if not found.bits:
        return keys[:1].copy(), np.zeros(len(keys), np.int64)
    digit_bits = digit_bits_for(len(keys))
    if len(keys) <= RANKED_WORDS << RANKED_BITS:
        digit_bits = min(digit_bits, RANKED_BITS)
    cut = cut_buckets(keys, order, found, digit_bits)
    words, distinct = buffers.empty_like(keys), buffers.empty_like(keys)
    radix.scatter(keys, words, order, found, replace(cut, positions=cut.positions.copy()))
    firsts = np.append(0, np.cumsum(_number(words, distinct, cut)))
    return _packed(distinct, order, found, cut, firsts), _taken(keys, words, order, found, cut, firsts)


def distinct(keys: Array, order: Order, found: Range) -> Array:
    """`ranked` without the numbers, for which the keys need not be kept beside their words."""
    if not found.bits:
        return keys[:1].copy()
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)))
    words = buffers.empty_like(keys)
    radix.scatter(keys, words, order, found, cut)
    if not _repeat(words, cut):
        radix.sort_buckets(words, order, found, cut)
        return unique_sorted(words)
    firsts = np.append(0, np.cumsum(_leave_distinct(words, cut)))
    return _packed(words, order, found, cut, firsts)


def _repeat(words: Array, cut: Cut) -> bool:
    """Whether hashing saves more sorting than it takes, as a bucket of the middle size tells."""
    sizes = np.diff(cut.starts)
    bucket = int(np.argsort(sizes)[len(sizes) - np.count_nonzero(sizes) // 2 - 1])
    part = words[cut.starts[bucket] : cut.starts[bucket + 1]][: radix.LARGE]
    return WORTH_HASHING * len(np.unique(part)) <= len(part)


def _leave_distinct(words: Array, cut: Cut) -> Ints:
    """Leave the distinct words of each bucket at its start, ascending; how many these are."""
    counts = np.zeros(len(cut.starts) - 1, np.int64)

    def leave(bucket: int, stop: int) -> None:
        args = cut.starts, bucket, stop, radix.LARGE, _slots(cut)
        ranking.leave_distinct(words, *args, radix.spare_words(cut.starts, radix.LARGE), radix.digit_counts(), counts)

    threads().run(leave, *radix.bucket_ranges(cut.starts))
    for bucket, start, stop in _large_buckets(cut):
        values = _distinct_words(words[start:stop], len(words))
        counts[bucket] = len(values)
        words[start : start + len(values)] = values
    return counts


def _few(words: Array, rows: int) -> Array | None:
    """`few_distinct` of one bucket, where that has said of all `rows` rows that their distinct words are not few.

    It is not asked again of a bucket that has all rows but so few that most of the distinct words must be in it: of
    skewed words it hashes many before it gives up.
    """
    return few_distinct(words) if rows - len(words) > FEW // 2 else None


def _distinct_words(words: Array, rows: int) -> Array:
    few = _few(words, rows)
    return few if few is not None else distinct(words, UNSIGNED, key_range(words, UNSIGNED))


def _slots(cut: Cut) -> Array:
    """Room for the hash table of any bucket that is not large."""
    sizes = np.diff(cut.starts)
    most = int(sizes[sizes <= radix.LARGE].max(initial=0))
    return np.empty(1 << (most + most // 2).bit_length(), np.uint32)


def _large_buckets(cut: Cut) -> list[tuple[int, int, int]]:
    """Number, start and end of each bucket that no cache holds."""
    large = np.flatnonzero(np.diff(cut.starts) > radix.LARGE)
    return [(b, *cut.starts[b : b + 2].tolist()) for b in large.tolist()]


def _number(words: Array, distinct: Array, cut: Cut) -> Ints:
    """Replace the words of each bucket by their numbers; the distinct ones of each, and how many these are."""
    counts = np.zeros(len(cut.starts) - 1, np.int64)

    def number(bucket: int, stop: int) -> None:
        spare = radix.spare_words(cut.starts, radix.LARGE)
        args = cut.starts, bucket, stop, radix.LARGE, _slots(cut)
        ranking.number_buckets(words, *args, distinct, spare, radix.digit_counts(), counts)

    threads().run(number, *radix.bucket_ranges(cut.starts))
    for bucket, start, stop in _large_buckets(cut):
        values, numbers = _ranked_words(words[start:stop], len(words))
        counts[bucket] = len(values)
        distinct[start : start + len(values)] = values
        copy_into(words[start:stop], numbers.view(np.uint64))
    return counts


def _ranked_words(words: Array, rows: int) -> tuple[Array, Ints]:
    few = _few(words, rows)
    return (few, numbers_among(few, words)) if few is not None else ranked(words, UNSIGNED, key_range(words, UNSIGNED))


def _packed(distinct: Array, order: Order, found: Range, cut: Cut, firsts: Ints) -> Array:
    out = buffers.empty(int(firsts[-1]), np.uint64)
    code = order.negative, order.flip, found.base

    def pack(bucket: int, stop: int) -> None:
        ranking.pack_buckets(distinct, cut.starts, firsts, bucket, stop, *code, out)

    threads().run(pack, *radix.bucket_ranges(cut.starts))
    return out


def _taken(keys: Array, numbers: Array, order: Order, found: Range, cut: Cut, firsts: Ints) -> Ints:
    out = buffers.empty(len(keys), np.int64)
    args = order.negative, order.flip, found.base, cut.shift, cut.buckets

    def take(positions: Ints, start: int, stop: int) -> None:
        ranking.take_numbers(keys[start:stop], *args, positions, numbers, firsts, out[start:stop])

    threads().run(take, cut.positions, *zip(*cut.chunks, strict=True))
    return out
