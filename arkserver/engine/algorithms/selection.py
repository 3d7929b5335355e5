"""Elements by their places in the sorted order, without sorting: counts of leading digits tell where they lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import sorting
from arkserver.engine.blocks.orders import key_range, order_of
from arkserver.engine.blocks.views import raw
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array

Ints = NDArray[np.int64]

# So few elements are brought here and sorted.
FEW = 1 << 14
# Leading bits of the codes by which elements are counted at a time.
DIGIT_BITS = 12


@dataclass(frozen=True, slots=True)
class _Span:
    """A range of codes, in which the elements at some ranks lie."""

    low: int
    high: int
    before: int
    """elements below it"""
    size: int
    """elements in it"""
    ranks: Ints


def at_ranks(ex: Executor, x: Array, ranks: Ints) -> NDArray[Any]:
    """``sort(x)[ranks]``, here; worth it for a few ranks.

    Parameters
    ----------
    x : Array
        1-D: int64, uint64, float64, uint8 or bool; at least one element.
    ranks : ndarray of int64
        In ``0 .. size - 1``.
    """
    found: dict[int, Any] = {}
    low, high = zip(*(b for b in ex.collect(_bounds, x) if b is not None), strict=True)
    spans = [_Span(min(low), max(high), 0, x.size, np.unique(ranks))]
    while spans:
        span = spans.pop()
        if span.size <= FEW or span.low == span.high:
            found.update(zip(span.ranks.tolist(), _sorted_here(ex, x, span), strict=True))
        else:
            spans += _narrowed(ex, x, span)
    return np.array([found[r] for r in ranks.tolist()], x.dtype)


def _bounds(block: NDArray[Any]) -> tuple[int, int] | None:
    if not len(block):
        return None
    found = key_range(raw(block), order_of(block.dtype))
    return int(found.base), found.most


def _sorted_here(ex: Executor, x: Array, span: _Span) -> NDArray[Any]:
    few = np.concatenate(ex.collect(_members, x, span.low, span.high))
    places = np.minimum(span.ranks - span.before, len(few) - 1)  # equal elements may be more than are brought here
    return np.asarray(sorting.sort(few)[places])


def _members(block: NDArray[Any], low: int, high: int) -> NDArray[Any]:
    return sorting.members(block, low, high)[:FEW]


def _narrowed(ex: Executor, x: Array, span: _Span) -> list[_Span]:
    """The ranges of one digit in which the ranks lie."""
    shift = max(0, (span.high - span.low).bit_length() - DIGIT_BITS)
    counts = np.add.reduce(ex.collect(sorting.counts_between, x, span.low, span.high, shift))
    ends = np.cumsum(counts)
    digits = np.searchsorted(ends, span.ranks - span.before, side="right")
    return [
        _Span(
            span.low + (d << shift),
            min(span.high, span.low + ((d + 1) << shift) - 1),
            span.before + int(ends[d] - counts[d]),
            int(counts[d]),
            span.ranks[digits == d],
        )
        for d in np.unique(digits).tolist()
    ]
