"""All-to-all by range: rows are sent to the part that holds the range of keys in which they lie.

This is the distribution step of a sample sort. Every block contributes keys from random positions; splitters are
chosen among them, and a row goes to part j when j splitters are at most its key. Where order among equal keys allows
it, they are told apart by their position in the array, so that a key that fills half of the array is spread over half
of the parts.

Keys are columns of equal length, the first most significant. Floats are compared by their bits (`blocks.codes`).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import moving, sorting
from arkserver.engine.blocks.codes import codes
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import concatenate_blocks
from arkserver.engine.values import Array, starts

Ints = NDArray[np.int64]
Columns = tuple[NDArray[Any], ...]

# Rows sampled for each part: the largest part then exceeds the mean by a few percent.
OVERSAMPLING = 128


@dataclass(frozen=True, slots=True)
class Ranges:
    """How the keys are cut into ranges."""

    splitters: Columns
    """the first row of each range but the first, ascending; last their positions, if ties are told apart by these"""
    parts: int
    """how many ranges; some may be empty"""


def ranges_of(ex: Executor, *tables: Sequence[Array], positions: bool) -> Ranges:
    """Near-equal ranges of the rows of one table of keys or of several together.

    Parameters
    ----------
    tables : sequence of sequence of Array
        Each equally cut 1-D keys; as many ranges are made as the first has blocks.
    positions : bool
        Whether rows with equal keys may lie in different ranges, by their positions; for one table only.
    """
    parts = len(tables[0][0].rows)
    wanted = OVERSAMPLING * parts / max(1, sum(keys[0].size for keys in tables))
    samples = [s for keys in tables for s in _samples(ex, keys, wanted)]
    columns = joined(samples) if positions else joined(samples)[:-1]
    order = sorting.coargsort(columns)
    picks = np.unique(np.arange(1, parts) * len(order) // parts) if len(order) else order
    return Ranges(tuple(c[order[picks]] for c in columns), parts)


def _samples(ex: Executor, keys: Sequence[Array], share: float) -> list[Columns]:
    rows = keys[0].rows
    return ex.collect(_sample, Each(starts(rows)), Each(int(np.ceil(share * n)) for n in rows), *keys)


def _sample(start: int, wanted: int, *keys: NDArray[Any]) -> Columns:
    n = len(keys[0])
    places = np.unique(np.random.default_rng(start).integers(0, n, wanted)) if n else np.empty(0, np.int64)
    return (*(k[places] for k in keys), places + start)


def exchange_by_range(
    ex: Executor,
    ranges: Ranges,
    keys: Sequence[Array],
    merge: Callable[..., Any],
    *,
    payload: Sequence[Any] = (),
    positions: bool = True,
) -> Refs:
    """Send each row to the part of its range and merge what arrives there.

    Parameters
    ----------
    keys : sequence of Array
        1-D, equally cut.
    merge : callable
        ``merge(pieces)`` for each part; `joined` makes columns of the pieces: the keys, then `payload`, then (with
        `positions`) the int64 positions that the rows came from. They come in the order of their positions.
    payload : sequence of operands
        Arrays or blocks that travel with the keys.
    positions : bool
        Whether the positions travel too.
    """
    operands = (Each(starts(keys[0].rows)), ranges, len(keys), positions, *keys, *payload)
    return ex.exchange(_split, operands, merge, parts=ranges.parts)


def _split(start: int, ranges: Ranges, n_keys: int, positions: bool, *columns: NDArray[Any]) -> list[Columns]:
    places = np.arange(start, start + len(columns[0]))
    by_place = len(ranges.splitters) > n_keys
    keys = (*columns[:n_keys], places) if by_place else columns[:n_keys]
    return split_by(destinations(keys, ranges), ranges.parts, (*columns, places) if positions else columns)


def destinations(columns: Sequence[NDArray[Any]], ranges: Ranges) -> Ints:
    """The range of each row."""
    place = np.zeros(len(columns[0]), np.int64)
    marks = np.zeros(len(ranges.splitters[0]), np.int64)
    for column, splits in zip(columns, ranges.splitters, strict=True):
        known = codes(splits)
        distinct = np.unique(known)
        place = place * (2 * len(distinct) + 2) + _between(codes(column), distinct)
        marks = marks * (2 * len(distinct) + 2) + _between(known, distinct)
        distinct = np.unique(marks)
        place, marks = _between(place, distinct), _between(marks, distinct)
    return (place + 1) // 2


def _between(coded: NDArray[Any], distinct: NDArray[Any]) -> Ints:
    """Twice the number of `distinct` codes below each code, and one more where it equals the next."""
    if not len(distinct):
        return np.zeros(len(coded), np.int64)
    below = sorting.searchsorted(distinct, coded)
    equal = moving.gather(distinct, np.minimum(below, len(distinct) - 1)) == coded
    below += below
    below += equal
    return below


def split_by(destination: Ints, parts: int, columns: Sequence[NDArray[Any]]) -> list[Columns]:
    """Cut rows into pieces by destination, each piece in the order of the rows."""
    order = sorting.argsort(destination)
    moved = [moving.gather(c, order) for c in columns]
    edges = [0, *np.cumsum(np.bincount(destination, minlength=parts)).tolist()]
    return [tuple(c[a:b] for c in moved) for a, b in pairwise(edges)]


def joined(pieces: Sequence[Columns]) -> Columns:
    """Pieces of columns end to end."""
    return tuple(concatenate_blocks(c, c[0].dtype) for c in zip(*pieces, strict=True))
