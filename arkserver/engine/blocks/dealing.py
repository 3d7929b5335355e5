"""Rows of one block dealt out to parts, each part in the order of its rows: what an exchange sends where."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import pairwise

import numpy as np
from arkserver_kernels import dealing

from arkserver.engine import buffers
from arkserver.engine.blocks.orders import SIGNED, Order, order_of
from arkserver.engine.blocks.views import Array, Ints, has_bits, plain, raw
from arkserver.engine.threads import threads

# Ranges of so many rows are written without misses of the last cache or of the page table's, and there are about
# so many at most: rows are dealt to as many places side by side.
NEAR_BITS, RANGE_BITS = 20, 8
# Keys are dealt to about so many cells at most: in fewer, which have more rows, more of these tie by what a word has of
# their codes, and with more of them a deal takes three times as long. Cells of fewer rows are not worth the calls.
CELL_BITS, CELL_ROW_BITS = 9, 17


@dataclass(frozen=True, slots=True)
class Cells:
    """Ranges of codes (see `orders.Order`) of one width; what is before the first or behind the last belongs to it."""

    base: int
    most: int
    """codes less `base` up to which cells are told apart"""
    shift: int
    """the bits of a code, less `base`, that one cell has"""

    @classmethod
    def between(cls, ends: Array, rows: int) -> Cells:
        """Cells from the first to the last of two keys, for so many rows."""
        order = order_of(ends.dtype)
        low, high = (order.code(bits) for bits in raw(ends))
        bits = min(CELL_BITS, (rows >> CELL_ROW_BITS).bit_length())
        return cls(low, high - low, max(0, (high - low).bit_length() - bits)) if bits else cls(low, 0, 0)

    @property
    def count(self) -> int:
        """How many there are."""
        return (self.most >> self.shift) + 1

    def of(self, code: int) -> int:
        """The cell of a code."""
        return min(max(code - self.base, 0), self.most) >> self.shift


@dataclass(frozen=True, slots=True)
class Deal:
    """Which part each row goes to."""

    parts: Array
    """uint16, the part of each row"""
    edges: Ints
    """where each part begins among the rows that are dealt, and their number"""
    positions: Ints
    """where each chunk (row) writes the rows of each part (column)"""
    chunks: Sequence[tuple[int, int]]

    def pieces(self, x: Array) -> list[Array]:
        """The elements of a 1-D block, or the rows of another, of each part."""
        return self.cut(self.dealt(x))

    def places(self, first: int = 0) -> list[Ints]:
        """The positions of the rows of each part, of which the first one is `first`."""
        return self.cut(self.order(first))

    def pieces_within(self, rows: Ints, edges: Ints, dtype: type[np.int64 | np.uint32]) -> list[Array]:
        """`pieces` of rows, each counted from a first row for its part, which `edges` has."""
        rows, out = plain(rows), buffers.empty(len(rows), dtype)
        self._run(lambda a, b, at: dealing.deal_within(rows, self.parts, a, b, edges, at, out))
        return self.cut(out)

    def pieces_and_places(self, x: Array, first: int) -> tuple[list[Array], list[Ints]]:
        """`pieces` of a block and `places`."""
        if x.ndim > 1 or not has_bits(x):
            return self.pieces(x), self.places(first)
        bits, out, places = raw(x), buffers.empty(len(x), x.dtype), buffers.empty(len(x), np.int64)
        moved = raw(out)
        self._run(lambda a, b, at: dealing.deal_with_places(bits, self.parts, a, b, first, at, moved, places))
        return self.cut(out), self.cut(places)

    def cut(self, dealt: Array) -> list[Array]:
        """Rows in the order in which they are dealt, by part."""
        return [dealt[a:b] for a, b in pairwise(self.edges.tolist())]

    def dealt(self, x: Array) -> Array:
        """The rows of a block, one part after the other."""
        if x.ndim > 1 or not has_bits(x):
            return x[self.order()]
        bits, out = raw(x), buffers.empty(len(x), x.dtype)
        moved = raw(out)
        self._run(lambda a, b, positions: dealing.deal(bits, self.parts, a, b, positions, moved))
        return out

    def order(self, first: int = 0) -> Ints:
        """The positions of the rows, one part after the other."""
        out = buffers.empty(len(self.parts), np.int64)
        self._run(lambda a, b, positions: dealing.deal_places(self.parts, a, b, first, positions, out))
        return out

    def back(self, dealt: Array) -> Array:
        """Rows that are one part after the other, in the order in which they were before."""
        out = buffers.empty(dealt.shape, dealt.dtype)
        if dealt.ndim > 1 or not has_bits(dealt):
            out[self.order()] = dealt
            return out
        bits, moved = raw(dealt), raw(out)
        self._run(lambda a, b, positions: dealing.take_back(bits, self.parts, a, b, positions, moved))
        return out

    def _run(self, step: Callable[[int, int, Ints], None]) -> None:
        threads().run(step, *zip(*self.chunks, strict=True), self.positions.copy())


def deal_to(parts: Array, count: int) -> Deal:
    """Deal rows to the parts ``0 .. count - 1`` that they name.

    Parameters
    ----------
    parts : ndarray of uint16
    """
    chunks = threads().chunks(len(parts))
    counts = np.zeros((len(chunks), count), np.int64)
    threads().run(lambda a, b, row: dealing.count_parts(parts, a, b, row), *zip(*chunks, strict=True), counts)
    ends = np.cumsum(counts.T.ravel())
    positions = np.ascontiguousarray((ends - counts.T.ravel()).reshape(count, len(chunks)).T)
    return Deal(parts, np.append(positions[0], len(parts)), positions, chunks)


def deal_near(edges: Ints, rows: Ints) -> tuple[Deal, Ints, list[tuple[int, ...]]]:
    """Deal rows to the blocks that hold them, those of a block by ranges of it that a cache holds.

    Who writes what came from everywhere does so range by range.

    Parameters
    ----------
    edges : ndarray of int64
        Where the blocks begin among all rows, and their number.
    rows : ndarray of int64
        In range.

    Returns
    -------
    Deal
        Its pieces are those of the blocks; its parts are the ranges.
    ndarray of int64
        For each range the first row of its block.
    list of tuple of int
        For each block where its ranges but the first begin in the piece.
    """
    rows, last = plain(rows), int(edges[-1])
    shift = max(NEAR_BITS, last.bit_length() - RANGE_BITS)
    cells = Cells(SIGNED.code(0), last, shift)
    deal, firsts, ranges = _deal_by_cells(rows, owners(edges, rows), edges >> shift, cells)
    return deal, np.repeat(edges[:-1], np.diff(firsts)), ranges


def deal_between(
    keys: Array, bounds: Array, places: Ints, start: int, count: int, cells: Cells
) -> tuple[Deal, list[tuple[int, ...]]]:  # fmt: skip
    """Deal keys to the parts ``0 .. count - 1`` that `parts_between` names, those of a part by ranges of codes.

    Parameters
    ----------
    cells : Cells
        Their ranges, of which a part has at least a share of one; keys with equal bits are in one of them.

    Returns
    -------
    Deal
        Its pieces are those of the parts; its parts are the ranges of each.
    list of tuple of int
        For each part where its ranges but the first begin in the piece.
    """
    order = order_of(keys.dtype)
    inner = [cells.of(order.code(bits)) for bits in raw(bounds)]
    edges = np.array([0, *inner, *[cells.count - 1] * (count - len(inner))])
    deal, _, ranges = _deal_by_cells(keys, parts_between(keys, bounds, places, start), edges, cells)
    return deal, ranges


def _deal_by_cells(
    keys: Array, parts: Array, edges: Ints, cells: Cells
) -> tuple[Deal, Ints, list[tuple[int, ...]]]:  # fmt: skip
    """Deal keys to ascending parts, each by cells: the deal of the parts, the first range of each, where these begin.

    Parameters
    ----------
    parts : ndarray of uint16
        Changed.
    edges : ndarray of int64
        The cell in which each part begins, and that of the end.
    """
    # The number of a key's part and that of its cell both ascend; so does their sum, which is dealt by.
    firsts = edges + np.arange(len(edges))
    if cells.count > 1:
        bits, order = raw(keys), order_of(keys.dtype)
        args = order.negative, order.flip, np.uint64(cells.base), np.uint64(cells.most), np.uint64(cells.shift), parts
        threads().each_chunk(lambda a, b: dealing.refine_parts(bits, a, b, *args), len(bits))
    deal = deal_to(parts, int(firsts[-1]))
    ranges = [tuple((deal.edges[a + 1 : b] - deal.edges[a]).tolist()) for a, b in pairwise(firsts.tolist())]
    return replace(deal, edges=deal.edges[firsts]), firsts, ranges


def parts_between(keys: Array, bounds: Array, places: Ints, start: int) -> Array:
    """The part of each row: how many bounds are at most its key and, where they are equal, its position.

    Parameters
    ----------
    keys : ndarray
        1-D, int64, uint64, float64 (in the order of their bits), uint8 or bool.
    bounds : ndarray
        Of the dtype of the keys, ascending.
    places : ndarray of int64
        Positions of the bounds; they ascend where bounds are equal.
    start : int
        Position of the first row.

    Returns
    -------
    ndarray of uint16
    """
    order = order_of(keys.dtype)
    limits = [order.code(bits) for bits in raw(bounds)]
    out = buffers.empty(len(keys), np.uint16)
    bits = raw(keys)
    cuts = [0, *np.unique(np.clip(places - start, 0, len(keys))).tolist(), len(keys)]
    for a, b in pairwise(cuts):
        # Here a row is behind a bound of its own key, or before it, whichever the row: codes alone decide.
        least = [code - (place <= start + a) for code, place in zip(limits, places.tolist(), strict=True)]
        base = sum(code < 0 for code in least)
        above = np.array(sorted(least)[base:], np.uint64)
        chunks = threads().chunks(b - a)
        find = partial(_find, bits[a:b], out[a:b], order, above, base)
        threads().run(find, *zip(*chunks, strict=True))
    return out


def _find(bits: Array, out: Array, order: Order, above: Array, base: int, start: int, stop: int) -> None:
    dealing.find_parts(bits, start, stop, order.negative, order.flip, above, base, out)


def owners(edges: Ints, rows: Ints) -> Array:
    """The block (uint16) that holds each row, for blocks that begin at `edges`, of which the last is the end."""
    inner = edges[1:-1]
    return parts_between(rows, inner, np.full(len(inner), -1), 0)
