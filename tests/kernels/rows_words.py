"""Rows of what orders keys as words, and of the ties among these."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from arkserver.engine.blocks import sorting, words
from arkserver.engine.blocks.orders import key_range, order_of
from arkserver.engine.blocks.views import raw
from tests.kernels.rows import Arguments, Array, Comparison, numbers
from tests.kernels.rows_order import stable


def by_words(x: Array, room: int) -> Array:
    """The order of keys that are dealt as words from two blocks to two parts; a large room leaves a code few bits."""
    if not len(x):
        return np.empty(0, np.int64)
    cut = len(x) // 3
    found = key_range(raw(x), order_of(x.dtype))
    form = words.Format(found, shift=max(0, (found.most - int(found.base)).bit_length() - 6), room=room)
    edges = np.array([0, form.cells // 2, form.cells])
    dealt = zip(words.deal(x[:cut], 0, form, edges), words.deal(x[cut:], cut, form, edges), strict=True)
    if not form.dropped:
        return np.concatenate([words.merge(pieces, form) for pieces in dealt])
    parts = [words.merge_marked(pieces, form) for pieces in dealt]
    rows = [words.tied_rows(part) for part in parts]
    return np.concatenate([words.settled(part, r, x[r]) for part, r in zip(parts, rows, strict=True)])


def roomy(rooms: tuple[int, ...]) -> Callable[[np.random.Generator, int], Iterator[Arguments]]:
    """Keys with numbers of bits for their positions."""
    return lambda rng, n: ((x, room) for x in numbers(rng, n) for room in rooms)


def members_of_runs(new: Array) -> tuple[Array, Array]:
    runs = np.cumsum(new)
    places = np.flatnonzero(np.bincount(runs)[runs] > 1) if len(new) else np.empty(0, np.int64)
    return places, np.unique(runs[places], return_inverse=True)[1].astype(np.uint64) + np.uint64(1)


def run_marks(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for share in (0.1, 0.9):
        new = rng.random(n) < share
        new[:1] = True
        yield (new,)


ROWS: dict[str, Comparison] = {
    "words.merge": Comparison(by_words, lambda x, _: stable(x), roomy((20, 58))),
    "words.settled": Comparison(by_words, lambda x, _: stable(x), roomy((61, 63))),
    "sorting.runs_of_ties": Comparison(sorting.runs_of_ties, members_of_runs, run_marks),
}
