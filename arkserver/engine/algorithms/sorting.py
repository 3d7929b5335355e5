"""Order of arrays: sorts by one key or several, searches in sorted arrays, the k least or greatest.

One block goes straight to the block's kernel; several are sorted by sample sort (`ranges`): each part is sorted where
it arrives, and the parts follow each other. All sorts are stable. Floats ascend by their bits: nan with a sign bit,
negative numbers, -0.0, 0.0, positive numbers, inf, nan (protocol reference 9.8).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import buffers
from arkserver.engine.algorithms import keys
from arkserver.engine.algorithms.keys import Key
from arkserver.engine.algorithms.ordering import argsort_by_words
from arkserver.engine.algorithms.ranges import Columns, Near, by_cell, exchange_by_range, joined, ranges_of
from arkserver.engine.blocks import along, moving, radix, sorting
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import align, array_of, array_of_unknown, even_rows
from arkserver.engine.threads import threads
from arkserver.engine.values import Array, Column, starts

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]


def sort(ex: Executor, x: Array, axis: int = 0) -> Array:
    """A copy of `x`, sorted along an axis.

    Parameters
    ----------
    x : Array
        int64, uint64, float64, uint8 or bool.
    axis : int
        ``0 .. ndim - 1``.
    """
    if x.ndim > 1:
        return _along(ex, x, axis, along.sort, x.dtype)
    if len(x.rows) == 1:
        return array_of(ex.map(sorting.sort, x), x)
    ranges = ranges_of(ex, [x], positions=True)
    refs = exchange_by_range(ex, ranges, [x], _merge_sorted, positions=False, near=True)
    return array_of_unknown(ex, refs, x.dtype)


def argsort(ex: Executor, x: Array, axis: int = 0) -> Array:
    """The int64 permutation that sorts `x` along an axis, stable; positions count along that axis."""
    if x.ndim > 1:
        return _along(ex, x, axis, along.argsort, INT64)
    return coargsort(ex, [x])


def coargsort(ex: Executor, columns: Sequence[Column]) -> Array:
    """The stable int64 permutation that sorts by several columns of equal length, the first most significant.

    Parameters
    ----------
    columns : sequence of Array or Strings
        1-D; strings sort bytewise, a prefix before what it begins.
    """
    columns = align(ex, *columns)
    if len(columns[0].rows) == 1:
        return Array(INT64, columns[0].shape, ex.map(_coargsort, *columns).values, columns[0].rows)
    first = columns[0]
    found = argsort_by_words(ex, first) if len(columns) == 1 and isinstance(first, Array) else None
    if found is not None:
        return found
    ranges = ranges_of(ex, columns, positions=True)
    return array_of_unknown(ex, exchange_by_range(ex, ranges, columns, _merge_order), INT64)


def _coargsort(*columns: Key) -> Ints:
    return keys.coargsort(columns)


def _merge_sorted(pieces: Sequence[Near]) -> NDArray[Any]:
    """The rows of each cell, sorted, end to end; all threads share a cell that is too large for one."""
    cells = list(by_cell(pieces))
    if len(cells) == 1:
        return sorting.sort(joined(cells[0])[0])
    ends = np.cumsum([sum(len(rows) for (rows,) in cell) for cell in cells]).tolist()
    out = buffers.empty(ends[-1] if ends else 0, pieces[0][1].dtype)

    def finish(cell: list[Columns], start: int, stop: int) -> None:
        out[start:stop] = sorting.sort(joined(cell)[0])

    rows = list(zip(cells, (0, *ends), ends, strict=False))
    for row in (r for r in rows if r[2] - r[1] > radix.WHOLE):
        finish(*row)
    threads().run(finish, *zip(*(r for r in rows if r[2] - r[1] <= radix.WHOLE), strict=True))
    return out


def _merge_order(pieces: Sequence[Columns]) -> Ints:
    *columns, positions = joined(pieces)
    return keys.coargsort(columns, positions)


# --- along an axis ---------------------------------------------------------------------------------------------------


def _along(
    ex: Executor, x: Array, axis: int, fn: Callable[[NDArray[Any], int], NDArray[Any]], dtype: np.dtype[Any]
) -> Array:
    """Apply `fn` along an axis; along the one that is cut, each part gets whole columns and gives them back."""
    if axis > 0 or len(x.rows) == 1:
        return replace(array_of(ex.map(fn, x, axis), x, dtype), max_bits=-1)
    width = x.size // x.shape[0]
    parts = len(x.rows)
    columns = np.cumsum((0, *even_rows(width, parts), *([0] * parts)))[: parts + 1]
    done = ex.exchange(_cut_columns, (x, columns), _stack_and_apply, (fn,), parts=parts)
    rows = np.cumsum((0, *x.rows))
    refs = ex.exchange(_cut_rows, (done, rows), _join_columns, (x.shape[1:],), parts=parts)
    return Array(dtype, x.shape, refs.values, x.rows)


def _cut_columns(block: NDArray[Any], columns: Ints) -> list[NDArray[Any]]:
    flat = block.reshape(len(block), int(columns[-1]))
    return [flat[:, a:b] for a, b in pairwise(columns.tolist())]


def _stack_and_apply(
    pieces: Sequence[NDArray[Any]], fn: Callable[[NDArray[Any], int], NDArray[Any]]
) -> NDArray[Any]:  # fmt: skip
    return fn(np.concatenate(pieces), 0)


def _cut_rows(block: NDArray[Any], rows: Ints) -> list[NDArray[Any]]:
    return [block[a:b] for a, b in pairwise(rows.tolist())]


def _join_columns(pieces: Sequence[NDArray[Any]], tail: tuple[int, ...]) -> NDArray[Any]:
    return np.concatenate(pieces, axis=1).reshape(-1, *tail)


# --- extremes --------------------------------------------------------------------------------------------------------


def argtop(ex: Executor, x: Array, k: int, *, largest: bool) -> tuple[Ints, NDArray[Any]]:
    """The positions of the `k` least (or greatest) numbers of a 1-D array and their values, ascending; here.

    A nan is no number; there are fewer when there are fewer numbers.
    """
    found = ex.collect(_top_of_block, Each(starts(x.rows)), x, k, largest)
    places, values = (np.concatenate(c) for c in zip(*found, strict=True))
    # In the order of positions, so that ties are decided alike in whatever blocks they lie.
    order = np.argsort(places)
    best = order[sorting.argtop(values[order], k, largest=largest)]
    return places[best], values[best]


def _top_of_block(start: int, x: NDArray[Any], k: int, largest: bool) -> tuple[Ints, NDArray[Any]]:
    places = sorting.argtop(x, k, largest=largest)
    values = moving.gather(x, places)
    if values.dtype.kind == "f" and np.isnan(values).any():
        numbers = moving.nonzero(~np.isnan(x))
        values = moving.gather(x, numbers)
        best = sorting.argtop(values, k, largest=largest)
        places, values = numbers[best], values[best]
    return places + start, values
