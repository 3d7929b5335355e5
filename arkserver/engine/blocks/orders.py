"""The order in which the bits of keys sort, and what of their bits tells them apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from arkserver_kernels import radix

from arkserver.engine.blocks.views import Array
from arkserver.engine.threads import threads

# Keys that are looked at for a likely range, and the part of this range by which it grows at each end: about as far lie
# the greatest of so many evenly spread keys from all others in one of 10^7 samples.
SAMPLE, MARGIN = 1 << 13, 1 << 9
MOST = (1 << 64) - 1

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

    def codes(self, keys: Array) -> Array:
        """The codes of many keys."""
        bits = keys.astype(np.uint64)
        coded: Array = bits ^ self.flip ^ (bits >> np.uint64(63)) * self.negative
        return coded


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


def likely_range(keys: Array, order: Order) -> Range:
    """A range that most likely holds all keys (the bits of at least one): that of a sample, and a little more."""
    codes = order.codes(keys[:: max(1, len(keys) // SAMPLE)])
    least, most, differ = int(codes.min()), int(codes.max()), int(np.bitwise_or.reduce(codes ^ codes[0]))
    zeros = (differ & -differ).bit_length() - 1 if differ else 0
    further = ((most - least) // MARGIN >> zeros) + 1 << zeros
    base = max(least - further, least % (1 << zeros))
    most = min(most + further, MOST - (MOST - most) % (1 << zeros))
    return Range(np.uint64(base), most, np.uint64(zeros), ((most - base) >> zeros).bit_length(), False, False)


def joint_range(ranges: Sequence[Range]) -> Range:
    """The range of the keys of several blocks together."""
    if len(ranges) == 1:
        return ranges[0]
    least, most = min(int(r.base) for r in ranges), max(r.most for r in ranges)
    return Range(np.uint64(least), most, np.uint64(0), (most - least).bit_length(), False, False)


def words_of(bits: int) -> Range:
    """The range of unsigned words of so many bits, which nothing is known of."""
    return Range(np.uint64(0), (1 << bits) - 1, np.uint64(0), bits, False, False)
