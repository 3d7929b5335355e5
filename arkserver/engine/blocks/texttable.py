"""Strings of one block as numbers, or as members of a set, by a hash table.

The table grows with the different strings that are found, so that few of them stay in the cache. Where most strings
differ, numbers by a table are no help, and `numbered` says so.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from arkserver_kernels import text_table as kernels

from arkserver.engine import buffers
from arkserver.engine.blocks import text
from arkserver.engine.blocks.moving import gather, scatter
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
    """Strings as numbers, of which some may be nobody's."""

    codes: Ints
    """the number of each string; equal ones have the same"""
    numbers: Ints
    """those of the different strings"""
    firsts: Ints
    """the row where each of these stood first"""


@dataclass
class _Part:
    """Rows that one thread enters, and numbers that it alone gives."""

    row: int
    stop: int
    first: int
    """of its numbers"""
    most: int
    """how many these are"""
    used: int = 0


class _Table:
    """The different strings of a block, as they come; threads enter them side by side, a part of the rows each."""

    def __init__(self, block: TextBlock, parts: list[_Part]) -> None:
        self.data, self.offsets, self.parts = plain(block.data), plain(block.offsets), parts
        self.records = buffers.empty(4 * sum(p.most for p in parts), np.uint64)
        self.slots = np.empty(0, np.uint64)

    def fill(self, out: Ints) -> bool:
        """Write the numbers of the strings; False when there are too many different ones."""
        room, waiting = SMALLEST, self.parts
        while True:
            self._make_slots(room)
            threads().run(lambda part, room=room: self._add(part, room, out), waiting)
            waiting = [p for p in waiting if p.row < p.stop]
            if not waiting or any(p.used == p.most for p in waiting):
                return not waiting
            room *= GROWTH

    def _make_slots(self, room: int) -> None:
        slots, self.slots = self.slots, empty_table(sum(min(p.most, room) for p in self.parts))
        kernels.move(slots, self.slots)

    def _add(self, part: _Part, room: int, out: Ints) -> None:
        numbers = part.first + part.used, part.first + min(part.most, room)
        part.row, after = kernels.number(
            self.data, self.offsets, SECRET, part.row, part.stop, *numbers, self.slots, self.records, out
        )
        part.used = after - part.first

    def numbers(self) -> Ints:
        """Those that were given."""
        return np.concatenate([np.arange(p.first, p.first + p.used) for p in self.parts])

    def firsts(self) -> Ints:
        """The row of each number that was given."""
        rows = self.records[3::4]
        return np.concatenate(
            [(rows[p.first : p.first + p.used] >> np.uint64(32)).astype(np.int64) for p in self.parts]
        )


def numbered(block: TextBlock) -> Numbered | None:
    """Numbers for the strings of a block; None when too many of them differ."""
    n = text.size(block)
    if not SMALLEST <= n < 1 << 32:
        return None
    codes, table = buffers.empty(n, np.int64), _Table(block, _parts(n, FEW))
    return Numbered(codes, table.numbers(), table.firsts()) if table.fill(codes) else None


def _parts(n: int, few: int) -> list[_Part]:
    """The rows of a block in a part for each thread, of whose strings at most one in `few` is a new one."""
    cuts = threads().chunks(n, CHUNK)
    most = [max(min(b - a, SMALLEST), (b - a) // few) for a, b in cuts]
    return [_Part(a, b, end - k, k) for (a, b), k, end in zip(cuts, most, np.cumsum(most).tolist(), strict=True)]


def renumbered(found: Numbered, order: Ints) -> Ints:
    """The number of each string, where the different ones are counted in another order: a permutation of them."""
    ranks = buffers.empty(int(found.numbers[-1]) + 1, np.int64)
    scatter(ranks, gather(found.numbers, order), np.arange(len(order)))
    return gather(ranks, found.codes)


def in1d(block: TextBlock, test: TextBlock) -> Bools:
    """Whether each string is among others, which are fewer than 2^32."""
    out, n = buffers.empty(text.size(block), np.bool_), text.size(test)
    if not n:
        out.fill(False)
        return out
    table = _Table(test, _parts(n, 1))
    table.fill(np.empty(n, np.int64))
    data, offsets = plain(block.data), plain(block.offsets)
    known = table.slots, table.records
    threads().each_chunk(lambda a, b: kernels.contains(data, offsets, SECRET, a, *known, out[a:b]), len(out), CHUNK)
    return out
