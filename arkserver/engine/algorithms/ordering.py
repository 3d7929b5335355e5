"""The permutation that sorts one key over several blocks, where a row can travel as one word (`blocks.words`).

A sample of the keys says whether that pays: it does when parts can be about equal without cutting a cell, and when
words tell nearly all keys apart. What they do not is looked up afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from math import isqrt
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import indexing
from arkserver.engine.algorithms.creating import arange
from arkserver.engine.blocks import moving, words
from arkserver.engine.blocks.orders import Range, joint_range, key_range, order_of
from arkserver.engine.blocks.views import raw
from arkserver.engine.blocks.words import Format, Part
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import array_of_unknown, rebalance
from arkserver.engine.values import Array, starts

Ints = NDArray[np.int64]
Codes = NDArray[np.uint64]

INT64 = np.dtype(np.int64)
# Keys sampled, in square roots of their number: where each key occurs twice, about half the square of it are pairs.
SAMPLED = 4
# Cells of about so many rows are sorted in the cache of a core. Writing to more places side by side than the most cells
# takes twice as long; parts are as even as there are several cells for each.
CELL_ROW_BITS, MOST_CELL_BITS, CELL_BITS_OF_PART = 17, 10, 6
# The largest part that is accepted, in shares.
UNEVEN = 1.25


def argsort_by_words(ex: Executor, x: Array) -> Array | None:
    """The stable int64 permutation that sorts a 1-D array of several blocks; None where words would not pay.

    Parameters
    ----------
    x : Array
        int64, uint64, float64 (in the order of their bits), uint8 or bool.
    """
    if not x.size:
        return None
    ranges, sample = _look(ex, x)
    if _in_order(ranges):
        return arange(ex, 0, x.size, 1, INT64)
    found, parts = joint_range(ranges), len(x.rows)
    fit = min(MOST_CELL_BITS, max(CELL_BITS_OF_PART + parts.bit_length(), x.size.bit_length() - CELL_ROW_BITS))
    form = Format.of(found, fit, x.size)
    edges = _edges(form, sample, parts)
    if edges is None or _ties(form, sample):
        return None
    dealt = (x, Each(starts(x.rows)), form, edges)
    if not form.dropped:
        return array_of_unknown(ex, ex.exchange(words.deal, dealt, words.merge, (form,), parts=parts), INT64)
    marked = ex.exchange(words.deal, dealt, words.merge_marked, (form,), parts=parts)
    sizes = ex.collect(_sizes, marked)
    refs = _settled(ex, x, marked, tuple(tied for _, tied in sizes))
    return rebalance(ex, Array(INT64, (x.size,), refs.values, tuple(n for n, _ in sizes)))


def _look(ex: Executor, x: Array) -> tuple[list[Range], Codes]:
    """The ranges of the keys of all blocks that have some, and the codes of a sample, ascending."""
    share = SAMPLED * (isqrt(x.size) + 1) / x.size
    seen = ex.collect(_look_at_block, Each(starts(x.rows)), x, share)
    return [r for r, _ in seen if r is not None], np.sort(np.concatenate([codes for _, codes in seen]))


def _look_at_block(start: int, x: NDArray[Any], share: float) -> tuple[Range | None, Codes]:
    if not len(x):
        return None, np.empty(0, np.uint64)
    order, bits = order_of(x.dtype), raw(x)
    places = np.random.default_rng(start).integers(0, len(x), int(np.ceil(share * len(x))))
    return key_range(bits, order), order.codes(moving.gather(bits, np.unique(places)))


def _in_order(ranges: Sequence[Range]) -> bool:
    """Whether the keys ascend, within the blocks and from one to the next."""
    return all(r.ascending for r in ranges) and all(a.most <= int(b.base) for a, b in pairwise(ranges))


def _edges(form: Format, sample: Codes, parts: int) -> Ints | None:
    """The cells at which parts begin, and the number of cells; None where one would be much larger than others."""
    cells = (sample - form.found.base) >> np.uint64(form.shift)
    before = np.append(0, np.cumsum(np.bincount(cells.astype(np.int64), minlength=form.cells)))
    wanted = np.arange(1, parts) * len(sample) / parts
    above = np.searchsorted(before, wanted)
    nearer_below = wanted - before[above - 1] < before[above] - wanted
    edges = np.array([0, *(above - nearer_below), form.cells])
    return edges if np.diff(before[edges]).max() <= UNEVEN * len(sample) / parts else None


def _ties(form: Format, sample: Codes) -> bool:
    """Whether sampled keys are alike in what a word has of them, though it has not all."""
    kept = (sample - form.found.base) >> np.uint64(form.dropped)
    return form.dropped > 0 and bool((kept[1:] == kept[:-1]).any())


def _sizes(part: Part) -> tuple[int, int]:
    return len(part.positions), len(part.tied)


def _settled(ex: Executor, x: Array, parts: Refs, tied: tuple[int, ...]) -> Refs:
    """The positions of all parts, with ties in order."""
    if not any(tied):
        return ex.map(_positions, parts)
    rows = Array(INT64, (sum(tied),), ex.map(words.tied_rows, parts).values, tied)
    return ex.map(words.settled, parts, rows, indexing.gather(ex, x, rows))


def _positions(part: Part) -> Ints:
    return part.positions
