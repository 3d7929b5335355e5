"""Rows as words: below the leading bits of a key's code is the row's position, so that one column travels.

Rows are dealt to cells, which are ranges of codes of one width: what all codes of a cell share needs no room in a word.
Codes that are too long even so lose their last bits, and where words tie by what is left, the keys are looked up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from operator import itemgetter
from typing import NamedTuple

import numpy as np
from arkserver_kernels import dealing

from arkserver.engine import buffers
from arkserver.engine.blocks import radix
from arkserver.engine.blocks.cutting import cut_by_digits
from arkserver.engine.blocks.moving import copy, gather, scatter
from arkserver.engine.blocks.orders import Range, order_of
from arkserver.engine.blocks.sorting import by_run_and_word, runs_of_ties
from arkserver.engine.blocks.views import Array, Bools, Ints, raw
from arkserver.engine.threads import threads

Piece = tuple[Ints, Array]
"""Where the cells of one part begin, and their end; the words."""


@dataclass(frozen=True, slots=True)
class Format:
    """What the words of an array hold."""

    found: Range
    """of all keys"""
    shift: int
    """the bits of a code, less the range's base, that one cell has"""
    room: int
    """the bits of a position"""

    @classmethod
    def of(cls, found: Range, cell_bits: int, rows: int) -> Format:
        """Words for so many rows, with at most ``1 << cell_bits`` cells."""
        return cls(found, max(0, (found.most - int(found.base)).bit_length() - cell_bits), (rows - 1).bit_length())

    @property
    def cells(self) -> int:
        """How many there are."""
        return ((self.found.most - int(self.found.base)) >> self.shift) + 1

    @property
    def dropped(self) -> int:
        """The last bits of a code that no word holds."""
        return max(0, self.shift + self.room - 64)


class Part(NamedTuple):
    """Rows in order, as far as their words tell."""

    positions: Ints
    tied: Ints
    """which of them tie with a neighbour"""
    runs: Array
    """the number (uint64) of the run of ties that each of these is in"""


def deal(keys: Array, start: int, words: Format, edges: Ints) -> list[Piece]:
    """Deal the rows of a block to parts.

    Parameters
    ----------
    keys : ndarray
        1-D, int64, uint64, float64 (in the order of their bits), uint8 or bool; in the range of the format.
    start : int
        The position of the first row.
    edges : ndarray of int64
        The cells at which the parts begin, and the number of cells.
    """
    order, bits, out = order_of(keys.dtype), raw(keys), buffers.empty(len(keys), np.uint64)
    cut = cut_by_digits(bits, order, words.found, words.shift)
    code = order.negative, order.flip, words.found.base, cut.shift, *radix.word_of(words.shift, words.room)

    def write(positions: Ints, a: int, b: int) -> None:
        dealing.deal_words(bits[a:b], start + a, *code, positions, out)

    threads().run(write, cut.positions, [a for a, _ in cut.chunks], [b for _, b in cut.chunks])
    starts = cut.starts
    return [(starts[a : b + 1] - starts[a], out[starts[a] : starts[b]]) for a, b in pairwise(edges.tolist())]


def merge(pieces: Sequence[Piece], words: Format) -> Ints:
    """The positions of a part's rows in order; the pieces come in the order of their positions."""
    return merge_marked(pieces, words).positions


def merge_marked(pieces: Sequence[Piece], words: Format) -> Part:
    """`merge` for words that do not hold all of a code."""
    ends = np.cumsum(sum(np.diff(starts) for starts, _ in pieces)).tolist()
    out = buffers.empty(sum(len(rows) for _, rows in pieces), np.int64)

    def finish(cell: int, start: int, stop: int) -> Bools:
        at = start
        for starts, rows in pieces:
            given = rows[starts[cell] : starts[cell + 1]]
            out[at : at + len(given)] = given
            at += len(given)
        mine = out[start:stop].view(np.uint64)
        radix.sort_words(mine, words.room)
        return radix.leave_places(mine, words.room, marked=words.dropped > 0)

    cells = [(i, a, b) for i, (a, b) in enumerate(pairwise((0, *ends))) if a < b]
    large = [(a, finish(i, a, b)) for i, a, b in cells if b - a > radix.LARGE]
    small = [c for c in cells if c[2] - c[1] <= radix.LARGE]
    marks = [*large, *zip((a for _, a, _ in small), threads().run(finish, *zip(*small, strict=True)), strict=True)]
    return Part(out, *_ties(sorted((m for m in marks if len(m[1])), key=itemgetter(0))))


def _ties(marks: list[tuple[int, Bools]]) -> tuple[Ints, Array]:
    """The rows that tie and their runs, of cells that begin at some rows and have such marks."""
    places, runs, count = [np.empty(0, np.int64)], [np.empty(0, np.uint64)], np.uint64(0)
    for start, new in marks:
        tied, run = runs_of_ties(new)
        places.append(tied + start)
        runs.append(run + count)
        count = runs[-1][-1]
    return np.concatenate(places), np.concatenate(runs)


def tied_rows(part: Part) -> Ints:
    """The positions of the rows that tie, those of a run ascending."""
    rows = gather(part.positions, part.tied)
    return rows[np.lexsort((rows, part.runs))]


def settled(part: Part, rows: Ints, keys: Array) -> Ints:
    """The positions of a part, of which those at ties are brought in order in place: to do so twice changes nothing.

    Parameters
    ----------
    rows : ndarray of int64
        What `tied_rows` found.
    keys : ndarray
        The keys of these rows.
    """
    if not len(rows):
        return part.positions
    order, _ = by_run_and_word(part.runs, keys, order_of(keys.dtype))
    out = part.positions if part.positions.flags.writeable else copy(part.positions)
    scatter(out, part.tied, gather(rows, order))
    return out
