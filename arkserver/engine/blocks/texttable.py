"""Strings of one block as numbers, by a hash table.

The table grows with the different strings that are found, so that few of them stay in the cache. Where most strings
differ it is no help, and `numbered` says so.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from arkserver_kernels import text_table as kernels
from numpy.typing import NDArray

from arkserver.engine import buffers
from arkserver.engine.blocks import text
from arkserver.engine.blocks.moving import concatenate, gather
from arkserver.engine.blocks.views import Ints
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

Words = NDArray[np.uint64]

FEW = 4
"""Numbering is given up when more than one in so many strings is new."""

SMALLEST, GROWTH = 1 << 10, 4
"""Room of the first table, and how much more the next one has."""
CHUNK = 1 << 12
"""strings that are worth a thread"""


class Numbered(NamedTuple):
    """Strings as numbers."""

    codes: Ints
    """the number of each string; equal ones have the same"""
    firsts: Ints
    """the row where each number stood first"""


class _Table:
    """Hashes of one block, numbered as they come."""

    def __init__(self, upper: Words, lower: Words) -> None:
        self.upper, self.lower = upper, lower
        self.count = 0
        self._make(SMALLEST)

    def _make(self, room: int) -> None:
        """A table for `room` numbers is half full with them at most."""
        self.slots = np.zeros(4 << max(0, room - 1).bit_length(), np.uint64)
        self.firsts = np.empty(room, np.int64)

    def add(self, rows: Ints, most: int) -> Ints | None:
        """The numbers of the strings at `rows`; None when there are more than `most` different ones."""
        out, at = buffers.empty(len(rows), np.int64), 0
        while True:
            at, self.count = kernels.number(self.upper, self.lower, rows, at, self.count, self.slots, self.firsts, out)
            if at == len(rows):
                return out
            if self.count >= most:
                return None
            self._grow(min(most, GROWTH * len(self.firsts)))

    def _grow(self, room: int) -> None:
        slots, firsts = self.slots, self.firsts
        self._make(room)
        kernels.move(slots, self.slots)
        self.firsts[: len(firsts)] = firsts


def numbered(block: TextBlock) -> Numbered | None:
    """Numbers for the strings of a block; None when too many of them differ."""
    n = text.size(block)
    if n < SMALLEST:
        return None
    hashes, rows = text.hashes(block), np.arange(n)
    parts = threads().each_chunk(lambda a, b: _of_chunk(_Table(*hashes), rows[a:b]), n, CHUNK)
    tables, codes = [t for t, _ in parts], [c for _, c in parts if c is not None]
    if len(codes) < len(parts):
        return None
    shared, maps = tables[0], [np.arange(tables[0].count)]
    for table in tables[1:]:
        renumbered = shared.add(table.firsts[: table.count], n)
        assert renumbered is not None  # noqa: S101 - there is room for all
        maps.append(renumbered)
    return Numbered(_renumbered(codes, maps), shared.firsts[: shared.count])


def _of_chunk(table: _Table, rows: Ints) -> tuple[_Table, Ints | None]:
    return table, table.add(rows, max(SMALLEST, len(rows) // FEW))


def _renumbered(codes: list[Ints], maps: list[Ints]) -> Ints:
    if len(codes) == 1:
        return codes[0]
    return concatenate([codes[0], *threads().run(gather, maps[1:], codes[1:])])
