"""Keys in buckets by their codes' leading bits: counted, so that each chunk knows where it writes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from arkserver_kernels import radix

from arkserver.engine.blocks.orders import UNSIGNED, Order, Range
from arkserver.engine.blocks.views import Array, Ints
from arkserver.engine.threads import threads

# Writing to more buckets than this at a time is slow: their lines and pages no longer fit the first-level caches.
DIGIT_BITS = 10
# Uneven digits are cut into cells by so many further bits, as a sample of the keys asks for; there are at least 8 keys
# a cell, since each takes some words for counts.
CELL_BITS, SAMPLE = (0, 2, 4, 6, 8), 1 << 13
# Keys of a bucket that is no larger fit the cache of a core, with as many spare words.
FULL = 1 << 15


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
    """Cut the keys into at least ``1 << digit_bits`` buckets by their leading bits, but by none below bit `low`.

    Where digits would be uneven, a bucket is a few cells, or one, of a digit.
    """
    floor = max(low, int(found.zeros))
    digit = max(found.bits + int(found.zeros) - digit_bits, floor)
    shift = max(digit - _cell_bits(keys, order, found, digit, digit_bits), floor)
    if shift == digit:
        return cut_by_digits(keys, order, found, digit)
    counts = _count_cells(keys, order, found, shift)
    sizes = counts.sum(axis=0)
    new = np.diff((np.cumsum(sizes) - sizes) >> (len(keys).bit_length() - digit_bits), prepend=0) > 0
    new[:: 1 << (digit - shift)] = True
    counts = np.add.reduceat(counts, np.flatnonzero(new), axis=1)
    return _cut(digit, shift, (np.cumsum(new) - 1).astype(np.uint16), counts)


def count_codes(codes: Array, shift: int, buckets: int) -> Cut:
    """Count words by ``code >> shift``, which is known to be less than `buckets`."""
    found = Range(np.uint64(0), (buckets << shift) - 1, np.uint64(0), 64, False, False)
    return cut_by_digits(codes, UNSIGNED, found, shift)


def _cell_bits(keys: Array, order: Order, found: Range, digit: int, digit_bits: int) -> int:
    """How many bits below `digit` tell the keys apart so that no cell has many more than its share of them."""
    n = len(keys)
    if n <= FULL:
        return 0
    sample = order.codes(keys[:: max(1, n // SAMPLE)]) - found.base
    enough = max(FULL, 4 * n >> digit_bits) * len(sample) // n

    def even(bits: int) -> bool:
        return bool(np.unique_counts(sample >> np.uint64(max(digit - bits, 0))).counts.max() <= enough)

    most = max(0, (n >> 3).bit_length() - 1 - digit_bits)
    choices = [bits for bits in CELL_BITS if bits <= most]
    return next((bits for bits in choices if even(bits)), choices[-1])


def cut_by_digits(keys: Array, order: Order, found: Range, digit: int) -> Cut:
    """Cut the keys into buckets by the bits of their codes above `digit`."""
    counts = _count_cells(keys, order, found, digit)
    return _cut(digit, digit, np.arange(counts.shape[1], dtype=np.uint16), counts)


def _count_cells(keys: Array, order: Order, found: Range, shift: int) -> Array:
    """How many keys of each chunk (a row each) are in each cell, ``code >> shift``."""
    chunks = threads().pieces(len(keys))
    counts = np.zeros((len(chunks), ((found.most - int(found.base)) >> shift) + 1), np.int64)
    args = order.negative, order.flip, found.base, np.uint64(shift)
    rows = [a for a, _ in chunks], [b for _, b in chunks]
    threads().run(lambda row, a, b: radix.count_cells(keys[a:b], *args, row), counts, *rows)
    return counts


def _cut(digit: int, shift: int, buckets: Array, counts: Array) -> Cut:
    """The cut for counts of each bucket, a row for each chunk."""
    ends = np.cumsum(counts.T.ravel())
    positions = np.ascontiguousarray((ends - counts.T.ravel()).reshape(counts.T.shape).T)
    chunks = threads().pieces(int(ends[-1]))
    return Cut(digit, np.uint64(shift), buckets, np.append(positions[0], ends[-1]), positions, chunks)


def digit_bits_for(n: int) -> int:
    """How many leading bits to cut `n` keys by."""
    return min(DIGIT_BITS, max(1, n.bit_length() - 9))
