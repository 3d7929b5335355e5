"""Sparse matrices: made from entries or at random, taken apart, filled, multiplied."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import indexing, sorting
from arkserver.engine.algorithms.randomness import fresh_seed
from arkserver.engine.algorithms.shaping import everywhere
from arkserver.engine.blocks import moving
from arkserver.engine.blocks.sparse import multiply
from arkserver.engine.executor import Each, Executor
from arkserver.engine.values import CSR, Array, DType, SparseMatrix, starts
from arkserver.errors import ArgumentError

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]
Shape = tuple[int, int]

# So that sums of gaps between entries cannot overflow.
MOST_ELEMENTS = 1 << 60

# Entries that are drawn at a time, about.
DRAWN = 1 << 20


def from_entries(ex: Executor, shape: Shape, order: str, rows: Array, columns: Array, values: Array) -> SparseMatrix:
    """A matrix from entries in any order, their rows and columns counted from 1.

    Raises
    ------
    ArgumentError
        For an entry outside of `shape`, or two at one place.
    """
    check_shape(shape)
    for name, index, extent in (("row", rows, shape[0]), ("column", columns, shape[1])):
        low, high = indexing.bounds(ex, index)
        if index.size and low < 1:
            raise ArgumentError(f"Sparse matrix indices must be greater than 0; got the {name} {low}")
        if high > extent:
            raise ArgumentError(f"Sparse matrix indices must be within the shape {shape}; got the {name} {high}")
    keys = [rows, columns] if order == CSR else [columns, rows]
    keys = list(layout.align(ex, *keys))
    if _ascend(ex, *keys):
        parts = [_copied(ex, part, rows) for part in (rows, columns, values)]
    else:
        permutation = sorting.coargsort(ex, keys)
        parts = [_copied(ex, indexing.gather(ex, part, permutation), permutation) for part in (rows, columns, values)]
        if not _ascend(ex, *(parts[:2] if order == CSR else parts[1::-1])):
            raise ArgumentError("Duplicate index in sparse matrix: two entries have the same row and column")
    return SparseMatrix(shape, order, *parts)


def check_shape(shape: Sequence[int]) -> None:
    """See that a matrix can have a shape.

    Raises
    ------
    ArgumentError
    """
    if len(shape) != 2 or min(shape) < 0 or math.prod(shape) > MOST_ELEMENTS:
        raise ArgumentError(f"the shape is {tuple(shape)}; sparse matrices have two axes and at most 2^60 elements")


def _copied(ex: Executor, x: Array, like: Array) -> Array:
    """A copy of `x`, cut as `like`."""
    return layout.array_of(ex.map(moving.copy, x), x) if x.rows == like.rows else layout.relayout(ex, x, like.rows)


Pair = tuple[int, int]


def _ascend(ex: Executor, major: Array, minor: Array) -> bool:
    """Whether each pair is greater than the one before."""
    found = [block for block in ex.collect(_ascends, major, minor) if block is not None]
    inside = all(ascends for ascends, _, _ in found)
    return inside and all(a[2] < b[1] for a, b in pairwise(found))


def _ascends(major: Ints, minor: Ints) -> tuple[bool, Pair, Pair] | None:
    """Whether the pairs of a block ascend, the first and the last of them."""
    if not len(major):
        return None
    rises = (major[1:] > major[:-1]) | ((major[1:] == major[:-1]) & (minor[1:] > minor[:-1]))
    return bool(rises.all()), (int(major[0]), int(minor[0])), (int(major[-1]), int(minor[-1]))


def entries(ex: Executor, m: SparseMatrix) -> tuple[Array, Array, Array]:
    """Rows, columns and values, in the order of the layout."""
    rows, columns, values = (_copied(ex, part, part) for part in m.parts)
    return rows, columns, values


def filled(ex: Executor, m: SparseMatrix, values: Array) -> SparseMatrix:
    """The matrix with other values, in the order of its layout.

    Raises
    ------
    ArgumentError
        If there are more or fewer than entries.
    """
    if values.size != m.entries:
        raise ArgumentError(
            "fill vals requires an array of the same size as the sparse matrix; got "
            f"{values.size} elements, expected {m.entries}"
        )
    return SparseMatrix(m.shape, m.layout, m.rows, m.columns, _copied(ex, values, m.rows))


# --- at random -------------------------------------------------------------------------------------------------------


def random(ex: Executor, shape: Shape, density: float, order: str, dtype: DType) -> SparseMatrix:
    """A matrix of zeros that has an entry at each place with probability `density`.

    The gaps between entries are geometric, so that the cost is that of the entries, not of the places.

    Raises
    ------
    ArgumentError
        For a density that is no probability.
    """
    check_shape(shape)
    if not 0 <= density <= 1:
        raise ArgumentError(f"the density is {density}; it is between 0 and 1")
    total, minor = math.prod(shape), shape[1] if order == CSR else shape[0]
    cut = layout.even_rows(total, ex.width)
    refs = ex.map(_places, Each(starts(cut)), Each(cut), density, fresh_seed())
    places = layout.array_of_unknown(ex, refs, INT64)
    outer, inner = (layout.array_of(ex.map(fn, places, max(1, minor)), places) for fn in (_outer, _inner))
    values = layout.array_of(ex.map(_zeros, places, dtype), places, dtype)
    return SparseMatrix(shape, order, *((outer, inner) if order == CSR else (inner, outer)), values)


def expected_entries(shape: Sequence[int], density: float) -> int:
    """More entries than a random matrix has, but for one in 10^9."""
    mean = max(0, math.prod(shape)) * min(1.0, max(0.0, density))
    return int(mean + 6 * math.sqrt(mean) + 64)


def _places(start: int, length: int, density: float, seed: int) -> Ints:
    if density <= 0 or not length:
        return np.empty(0, np.int64)
    if density >= 1:
        return np.arange(start, start + length)
    step = max(1, min(length, int(DRAWN / density)))
    found = [_drawn(start + at, min(step, length - at), density, seed) for at in range(0, length, step)]
    return moving.concatenate(found)


def _drawn(start: int, length: int, density: float, seed: int) -> Ints:
    """The places among `length` from `start` on that have an entry."""
    rng = np.random.default_rng((seed, start))
    found: list[Ints] = []
    at = start - 1
    while True:
        left = start + length - 1 - at
        gaps = rng.geometric(density, int(left * density + 4 * math.sqrt(left * density) + 16))
        ends = np.cumsum(np.minimum(gaps, left + 1).astype(np.uint64))
        inside = int(np.searchsorted(ends, np.uint64(left), "right"))
        found.append(at + ends[:inside].astype(np.int64))
        if inside < len(ends):
            return np.concatenate(found)
        at = int(found[-1][-1])


def _outer(places: Ints, extent: int) -> Ints:
    return places // extent + 1


def _inner(places: Ints, extent: int) -> Ints:
    return places % extent + 1


def _zeros(places: Ints, dtype: DType) -> NDArray[Any]:
    return np.zeros(len(places), dtype)


# --- products --------------------------------------------------------------------------------------------------------


def product(ex: Executor, left: SparseMatrix, right: SparseMatrix) -> SparseMatrix:
    """The product, in the order CSR, of a matrix in the order CSC and one in the order CSR.

    The rows of the left matrix are brought together, and the right one is handed as a whole to every block of them. An
    entry stays where a sum is 0.

    Raises
    ------
    ArgumentError
        For shapes that do not fit.
    """
    if left.shape[1] != right.shape[0]:
        raise ArgumentError(f"matrices of shapes {left.shape} and {right.shape} cannot be multiplied")
    rows, inner, values = _by_rows(ex, left)
    count = len(rows.blocks)
    whole = [everywhere(ex, part, count) for part in right.parts]
    found = ex.map_parts(3, _multiply, rows, inner, values, *whole)
    cut = tuple(ex.collect(len, found[0]))
    parts = [
        layout.rebalance(ex, Array(dtype, (sum(cut),), refs.values, cut))
        for refs, dtype in zip(found, (INT64, INT64, left.dtype), strict=True)
    ]
    return SparseMatrix((left.shape[0], right.shape[1]), CSR, *parts)


def _multiply(
    rows: Ints, inner: Ints, values: NDArray[Any], right_inner: Ints, columns: Ints, factors: NDArray[Any]
) -> tuple[Ints, Ints, NDArray[Any]]:
    row_of, column_of, sums = multiply(rows, inner, values, right_inner, columns - 1, factors)
    return row_of, column_of + 1, sums


def _by_rows(ex: Executor, m: SparseMatrix) -> tuple[Array, Array, Array]:
    """The entries by row and column, no row in two blocks."""
    permutation = sorting.argsort(ex, m.rows)
    rows, columns, values = (indexing.gather(ex, part, permutation) for part in m.parts)
    cut = _whole_rows(rows.rows, ex.collect(_ends, rows))
    rows, columns, values = (layout.relayout(ex, part, cut) for part in (rows, columns, values))
    return rows, columns, values


def _ends(rows: Ints) -> tuple[int, int, int] | None:
    """The first and the last row of a block, and how many entries the first one has."""
    if not len(rows):
        return None
    return int(rows[0]), int(rows[-1]), int(np.searchsorted(rows, rows[0], "right"))


def _whole_rows(cut: tuple[int, ...], ends: Sequence[tuple[int, int, int] | None]) -> tuple[int, ...]:
    """Lengths of blocks of which each begins with a row: what a row has in the next block moves to where it begins."""
    edges, before = [], -1
    for start, found in zip(starts(cut), ends, strict=True):
        first, last, leading = found or (before, before, 0)
        edges.append(start + (leading if first == before else 0))
        before = last
    return tuple(np.diff([*edges, sum(cut)]).tolist())


def products(ex: Executor, left: SparseMatrix, right: SparseMatrix) -> int:
    """How many pairs of entries meet in a product."""
    ends = [everywhere(ex, right.rows, len(left.columns.blocks))]
    return sum(ex.collect(_products, left.columns, *ends))


def _products(inner: Ints, right_inner: Ints) -> int:
    met = np.searchsorted(right_inner, inner, "right") - np.searchsorted(right_inner, inner)
    return int(met.sum())
