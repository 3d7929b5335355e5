"""All-to-all by range: rows are sent to the block that holds the range of keys in which they lie.

This is the distribution step of a sample sort. Every block contributes keys from random positions; splitters are
chosen among them, and row i goes to part j when j splitters are at most its key. Equal keys are told apart by their
position in the array, so a key that fills half of the array is spread over half of the parts.

Keys are columns of equal length, the first most significant. Numbers are compared by their bits in the order of IEEE
754 (`blocks.codes`), as the kernels sort them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
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

# Keys sampled for each part: the largest part then exceeds the mean by a few percent.
OVERSAMPLING = 128


def exchange_by_range(
    ex: Executor,
    keys: Sequence[Array],
    merge: Callable[..., Any],
    *,
    payload: Sequence[Any] = (),
    positions: bool = True,
) -> Refs:
    """Send each row to the part of its key's range and merge what arrives there.

    Parameters
    ----------
    keys : sequence of Array
        1-D, equally cut; as many parts are made as they have blocks.
    merge : callable
        ``merge(pieces)`` for each part; `joined` makes columns of the pieces: the keys, then `payload`, then (with
        `positions`) the int64 positions that the rows came from. They come in the order of their positions.
    payload : sequence of operands
        Arrays or blocks that travel with the keys.
    positions : bool
        Whether the positions travel too.
    """
    parts = len(keys[0].rows)
    found = splitters(ex, keys, parts)
    split = (Each(starts(keys[0].rows)), found, parts, len(keys), positions, *keys, *payload)
    return ex.exchange(_split, split, merge, parts=parts)


def splitters(ex: Executor, keys: Sequence[Array], parts: int) -> Columns:
    """The keys, and last the positions, of up to ``parts - 1`` rows that cut the array into near-equal ranges."""
    rows, n = keys[0].rows, sum(keys[0].rows)
    wanted = Each(-(-OVERSAMPLING * parts * r // max(n, 1)) for r in rows)
    samples = ex.collect(_sample, Each(starts(rows)), wanted, *keys)
    columns = joined(samples)
    return chosen(columns, parts)


def chosen(columns: Columns, parts: int) -> Columns:
    """Distinct rows that cut sampled `columns` into `parts` near-equal ranges, ascending."""
    order = sorting.coargsort(columns)
    picks = np.unique(np.arange(1, parts) * len(order) // parts) if len(order) else order
    return tuple(c[order[picks]] for c in columns)


def _sample(start: int, wanted: int, *keys: NDArray[Any]) -> Columns:
    n = len(keys[0])
    places = np.unique(np.random.default_rng(start).integers(0, n, wanted)) if n else np.empty(0, np.int64)
    return (*(k[places] for k in keys), places + start)


def destinations(columns: Sequence[NDArray[Any]], found: Columns) -> Ints:
    """How many of the rows `found` (distinct, ascending) are at most each row of `columns`."""
    place = np.zeros(len(columns[0]), np.int64)
    marks = np.zeros(len(found[0]), np.int64)
    for column, splits in zip(columns, found, strict=True):
        coded, known = codes(column), codes(splits)
        distinct = np.unique(known)
        place = place * (2 * len(distinct) + 2) + _between(coded, distinct)
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


def _split(
    start: int, found: Columns, parts: int, n_keys: int, positions: bool, *columns: NDArray[Any]
) -> list[Columns]:
    places = np.arange(start, start + len(columns[0]))
    destination = destinations((*columns[:n_keys], places), found)
    return split_by(destination, parts, (*columns, places) if positions else columns)


def joined(pieces: Sequence[Columns]) -> Columns:
    """Pieces of columns end to end."""
    return tuple(concatenate_blocks(c, c[0].dtype) for c in zip(*pieces, strict=True))
