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
from arkserver.engine.blocks.moving import gather
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
    """Hashes as numbers, as they come."""

    def __init__(self) -> None:
        self.count = 0
        self._make(SMALLEST)

    def _make(self, room: int) -> None:
        """A table for `room` numbers is half full with them at most."""
        self.slots = np.zeros(4 << max(0, room - 1).bit_length(), np.uint64)
        self.firsts = np.empty(room, np.int64)

    def add(self, upper: Words, lower: Words, out: Ints, most: int) -> bool:
        """Write the numbers of hashes; False when there are more than `most` different ones."""
        at = 0
        while True:
            at, self.count = kernels.number(upper, lower, at, self.count, self.slots, self.firsts, out)
            if at == len(upper) or self.count >= most:
                return at == len(upper)
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
    upper, lower = text.hashes(block)
    codes, cuts = buffers.empty(n, np.int64), threads().chunks(n, CHUNK)
    tables = [_Table() for _ in cuts]

    def number(table: _Table, a: int, b: int) -> bool:
        return table.add(upper[a:b], lower[a:b], codes[a:b], max(SMALLEST, (b - a) // FEW))

    if not all(threads().run(number, tables, *zip(*cuts, strict=True))):
        return None
    firsts = tables[0].firsts[: tables[0].count]
    for table, (a, b) in zip(tables[1:], cuts[1:], strict=True):
        rows = table.firsts[: table.count] + a
        numbers, before = np.empty(len(rows), np.int64), tables[0].count
        tables[0].add(upper[rows], lower[rows], numbers, n)
        firsts = np.concatenate([firsts, rows[numbers >= before]])
        codes[a:b] = gather(numbers, codes[a:b])
    return Numbered(codes, firsts)
