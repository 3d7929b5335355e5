"""All-to-all by range: rows are sent to the part that holds the range of keys in which they lie.

This is the distribution step of a sample sort. Every block contributes keys from random positions; splitters are
chosen among them, and a row goes to part j when j splitters are at most its key. Where order among equal keys allows
it, they are told apart by their position in the array, so that a key that fills half of the array is spread over half
of the parts.

Keys are columns of equal length, the first most significant. Floats are compared by their bits (`blocks.codes`),
strings bytewise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import keys
from arkserver.engine.algorithms.keys import Key
from arkserver.engine.blocks.dealing import Cells, Deal, deal_between, deal_to, parts_between
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.values import Column, TextBlock, starts

Ints = NDArray[np.int64]
Parts = NDArray[np.uint16]
Columns = tuple[Key, ...]
Near = tuple[Any, ...]
"""Where cells of a piece but the first begin (a tuple), and its columns."""

# Rows sampled for each part: the largest part then exceeds the mean by a few percent.
OVERSAMPLING = 128


@dataclass(frozen=True, slots=True)
class Ranges:
    """How the keys are cut into ranges."""

    splitters: Columns
    """the first row of each range but the first, ascending; last their positions, if ties are told apart by these"""
    parts: int
    """how many ranges; some may be empty"""
    cells: Cells | None
    """how the rows of a range are cut further, so that each cell of them is sorted in the cache; None of other keys"""


def ranges_of(ex: Executor, *tables: Sequence[Column], positions: bool) -> Ranges:
    """Near-equal ranges of the rows of one table of keys or of several together.

    Parameters
    ----------
    tables : sequence of sequence of Array or Strings
        Each equally cut 1-D keys; as many ranges are made as one of them has blocks.
    positions : bool
        Whether rows with equal keys may lie in different ranges, by their positions; for one table only.
    """
    parts = max(len(table[0].rows) for table in tables)
    rows = sum(table[0].size for table in tables)
    share = OVERSAMPLING * parts / max(1, rows)
    samples = [s for table in tables for s in _samples(ex, table, share)]
    columns = joined(samples) if positions else joined(samples)[:-1]
    order = keys.coargsort(columns)
    picks = order[np.unique(np.arange(1, parts) * len(order) // parts)] if len(order) else order
    cells = _cells(keys.gather(columns[0], order[[0, -1]]), rows) if len(order) and len(tables[0]) == 1 else None
    return Ranges(tuple(keys.gather(c, picks) for c in columns), parts, cells)


def _cells(ends: Key, rows: int) -> Cells | None:
    """Cells of the keys between two, of which there are so many rows."""
    return None if isinstance(ends, TextBlock) else Cells.between(ends, rows)


def _samples(ex: Executor, table: Sequence[Column], share: float) -> list[Columns]:
    rows = table[0].rows
    return ex.collect(_sample, Each(starts(rows)), Each(int(np.ceil(share * n)) for n in rows), *table)


def _sample(start: int, wanted: int, *columns: Key) -> Columns:
    n = keys.size(columns[0])
    places = np.unique(np.random.default_rng(start).integers(0, n, wanted)) if n else np.empty(0, np.int64)
    return (*(keys.gather(c, places) for c in columns), places + start)


def exchange_by_range(
    ex: Executor,
    ranges: Ranges,
    table: Sequence[Column],
    merge: Callable[..., Any],
    *,
    payload: Sequence[Any] = (),
    positions: bool = True,
    near: bool = False,
) -> Refs:
    """Send each row to the part of its range and merge what arrives there.

    Parameters
    ----------
    table : sequence of Array or Strings
        1-D keys, equally cut.
    merge : callable
        ``merge(pieces)`` for each part; `joined` makes columns of the pieces: the keys, then `payload`, then (with
        `positions`) the int64 positions that the rows came from. They come in the order of their positions.
    payload : sequence of operands
        Arrays or blocks that travel with the keys.
    positions : bool
        Whether the positions travel too.
    near : bool
        Whether the rows of one key come cut into cells, which `by_cell` brings together; the pieces are `Near` then.
    """
    operands = (Each(starts(table[0].rows)), ranges, len(table), positions, *table, *payload)
    return ex.exchange(_split_near if near else _split, operands, merge, parts=ranges.parts)


def _split(start: int, ranges: Ranges, n_keys: int, positions: bool, *columns: Key) -> list[Columns]:
    deal = deal_to(_parts_of(start, columns[:n_keys], ranges), ranges.parts)
    return _dealt(deal, start, positions, columns)


def _split_near(start: int, ranges: Ranges, n_keys: int, positions: bool, *columns: Key) -> list[Near]:
    if ranges.cells is None:
        return [((), *piece) for piece in _split(start, ranges, n_keys, positions, *columns)]
    first, places = ranges.splitters
    deal, cells = deal_between(columns[0], first, places, start, ranges.parts, ranges.cells)
    return [(inner, *piece) for inner, piece in zip(cells, _dealt(deal, start, positions, columns), strict=True)]


def _dealt(deal: Deal, start: int, positions: bool, columns: Columns) -> list[Columns]:
    """The columns of each part."""
    first, *others = columns
    if positions and isinstance(first, np.ndarray):
        pieces, places = deal.pieces_and_places(first, start)
    else:
        pieces, places = _pieces(deal, first), deal.places(start) if positions else []
    dealt = [pieces, *(_pieces(deal, c) for c in others), *([places] if positions else [])]
    return list(zip(*dealt, strict=True))


def _parts_of(start: int, columns: Columns, ranges: Ranges) -> Parts:
    """The part of each row."""
    by_place = len(ranges.splitters) > len(columns)
    first = ranges.splitters[0]
    if len(columns) == 1 and isinstance(first, np.ndarray):
        places = ranges.splitters[1] if by_place else np.full(len(first), -1)
        return parts_between(columns[0], first, places, start)
    compared = (*columns, np.arange(start, start + keys.size(columns[0]))) if by_place else columns
    return destinations(compared, ranges).astype(np.uint16)


def destinations(columns: Sequence[Key], ranges: Ranges) -> Ints:
    """The range of each row."""
    place, _ = ranks(columns, ranges.splitters)
    place += 1
    place >>= 1
    return place


def ranks(columns: Sequence[Key], splitters: Columns) -> tuple[Ints, Ints]:
    """Numbers of rows and splitters that compare as their keys do: twice as many as distinct splitters are less.

    The number of a row that equals a splitter is one more; so all numbers of splitters are odd.
    """
    place = np.zeros(keys.size(columns[0]), np.int64)
    marks = np.zeros(keys.size(splitters[0]), np.int64)
    for i, (column, splits) in enumerate(zip(columns, splitters, strict=True)):
        distinct = keys.distinct(splits)
        step = 2 * keys.size(distinct) + 2
        inner, inner_marks = keys.between(column, distinct), keys.between(splits, distinct)
        if i == 0:
            place, marks = inner, inner_marks
            continue
        place *= step
        place += inner
        marks = marks * step + inner_marks
        known = np.unique(marks)
        place, marks = keys.between(place, known), keys.between(marks, known)
    return place, marks


def split_by(destination: Ints, parts: int, columns: Sequence[Key]) -> list[Columns]:
    """Cut rows into pieces by destination, each piece in the order of the rows."""
    deal = deal_to(destination.astype(np.uint16), parts)
    return list(zip(*(_pieces(deal, c) for c in columns), strict=True))


def _pieces(deal: Deal, column: Key) -> list[Key]:
    if isinstance(column, np.ndarray):
        return deal.pieces(column)
    moved = keys.gather(column, deal.order())
    return [keys.part(moved, a, b) for a, b in pairwise(deal.edges.tolist())]


def joined(pieces: Sequence[Columns]) -> Columns:
    """Pieces of columns end to end."""
    return tuple(keys.joined(c) for c in zip(*pieces, strict=True))


def by_cell(pieces: Sequence[Near]) -> Iterator[list[Columns]]:
    """What all pieces have for one cell, and then for the next: each is dealt with while it is in the cache."""
    if not any(inner for inner, *_ in pieces):
        yield [tuple(columns) for _, *columns in pieces]
        return
    for spans in zip(*(pairwise((0, *inner, len(columns[0]))) for inner, *columns in pieces), strict=True):
        cut = [
            tuple(c[start:stop] for c in columns)
            for (start, stop), (_, *columns) in zip(spans, pieces, strict=True)
            if start < stop
        ]
        if cut:
            yield cut
