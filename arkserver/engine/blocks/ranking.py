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
from arkserver.engine.blocks.orders import UNSIGNED, Order, Range, key_range
from arkserver.engine.blocks.views import Array, Ints
from arkserver.engine.threads import threads


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
    cut = cut_buckets(keys, order, found, digit_bits_for(len(keys)))
    words, distinct = buffers.empty_like(keys), buffers.empty_like(keys)
    radix.scatter(keys, words, order, found, replace(cut, positions=cut.positions.copy()))
    firsts = np.append(0, np.cumsum(_number(words, distinct, cut)))
    return _packed(distinct, order, found, cut, firsts), _taken(keys, words, order, found, cut, firsts)


def _number(words: Array, distinct: Array, cut: Cut) -> Ints:
    """Replace the words of each bucket by their numbers; the distinct ones of each, and how many these are."""
    counts = np.zeros(len(cut.starts) - 1, np.int64)
    sizes = np.diff(cut.starts)
    most = int(sizes[sizes <= radix.LARGE].max(initial=0))

    def number(bucket: int, stop: int) -> None:
        slots = np.empty(1 << (most + most // 2).bit_length(), np.uint32)
        spare = radix.spare_words(cut.starts)
        args = cut.starts, bucket, stop, radix.LARGE, slots
        ranking.number_buckets(words, *args, distinct, spare, radix.digit_counts(), counts)

    threads().run(number, *radix.bucket_ranges(cut.starts))
    for bucket in np.flatnonzero(sizes > radix.LARGE).tolist():
        start, stop = cut.starts[bucket : bucket + 2].tolist()
        part = words[start:stop]
        values, numbers = ranked(part, UNSIGNED, key_range(part, UNSIGNED))
        counts[bucket] = len(values)
        distinct[start : start + len(values)], part[:] = values, numbers.view(np.uint64)
    return counts


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
