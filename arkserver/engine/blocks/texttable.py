"""Strings of one block as numbers, or as members of a set, by a hash table.

The table grows with the different strings that are found, so that few of them stay in the cache. Where most strings
differ, numbers by a table are no help, and `numbered` says so.
"""

from __future__ import annotations

import secrets
from typing import NamedTuple

import numpy as np
from arkserver_kernels import text_table as kernels

from arkserver.engine import buffers
from arkserver.engine.blocks import text
from arkserver.engine.blocks.moving import gather
from arkserver.engine.blocks.tables import empty_table
from arkserver.engine.blocks.views import Bools, Ints, plain
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

FEW = 4
"""Numbering is given up when more than one in so many strings is new."""

SMALLEST, GROWTH = 1 << 10, 4
"""Room of the first table, and how much more the next one has."""
CHUNK = 1 << 12
"""strings that are worth a thread"""

SECRET = np.frombuffer(secrets.token_bytes(32), np.uint64).copy()
"""what hashes of this process are keyed by"""


class Numbered(NamedTuple):
    """Strings as numbers."""

    codes: Ints
    """the number of each string; equal ones have the same"""
    firsts: Ints
    """the row where each number stood first"""


class _Table:
    """The different strings of a block, as they come; at most `most`, and `room` with those of other tables."""

    def __init__(self, block: TextBlock, most: int, room: int) -> None:
        self.data, self.offsets = plain(block.data), plain(block.offsets)
        self.count, self.most = 0, most
        self.records = buffers.empty(4 * room, np.uint64)
        self.slots = empty_table(min(most, SMALLEST))

    def add(self, row: int, stop: int, out: Ints) -> bool:
        """Write the numbers of the strings ``row .. stop - 1``; False when there are too many different ones."""
        room = min(self.most, SMALLEST)
        while True:
            records = self.records[: 4 * room]
            row, self.count = kernels.number(
                self.data, self.offsets, SECRET, row, stop, self.count, self.slots, records, out
            )
            if row == stop or room == self.most:
                return row == stop
            room = min(self.most, GROWTH * room)
            self._make_slots(room)

    def _make_slots(self, room: int) -> None:
        slots, self.slots = self.slots, empty_table(room)
        kernels.move(slots, self.slots)

    def merge(self, others: list[_Table]) -> list[Ints]:
        """Take what other tables of the same block have, and tell which numbers theirs have become."""
        self._make_slots(self.count + sum(t.count for t in others))
        return [self._take(other) for other in others]

    def _take(self, other: _Table) -> Ints:
        numbers = np.empty(other.count, np.int64)
        self.count = kernels.merge(other.slots, other.records, self.count, self.slots, self.records, numbers)
        return numbers

    def firsts(self) -> Ints:
        """The row of each number."""
        return (self.records[3 : 4 * self.count : 4] >> np.uint64(32)).astype(np.int64)


def numbered(block: TextBlock) -> Numbered | None:
    """Numbers for the strings of a block; None when too many of them differ."""
    n = text.size(block)
    if not SMALLEST <= n < 1 << 32:
        return None
    codes, cuts = buffers.empty(n, np.int64), threads().chunks(n, CHUNK)
    most = [max(SMALLEST, (b - a) // FEW) for a, b in cuts]
    tables = [_Table(block, *row) for row in zip(most, [sum(most), *most[1:]], strict=True)]
    if not all(threads().run(lambda table, a, b: table.add(a, b, codes), tables, *zip(*cuts, strict=True))):
        return None
    first, *others = tables
    for numbers, (a, b) in zip(first.merge(others) if others else [], cuts[1:], strict=True):
        codes[a:b] = gather(numbers, codes[a:b])
    return Numbered(codes, first.firsts())


def in1d(block: TextBlock, test: TextBlock) -> Bools:
    """Whether each string is among others, which are fewer than 2^32."""
    out, n = buffers.empty(text.size(block), np.bool_), text.size(test)
    if not n:
        out.fill(False)
        return out
    table = _Table(test, n, n)
    table.add(0, n, np.empty(n, np.int64))
    data, offsets = plain(block.data), plain(block.offsets)
    known = table.slots, table.records
    threads().each_chunk(lambda a, b: kernels.contains(data, offsets, SECRET, a, *known, out[a:b]), len(out), CHUNK)
    return out
