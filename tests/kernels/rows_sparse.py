"""Rows of sparse matrices."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from arkserver.engine.blocks import sparse
from tests.kernels.rows import Arguments, Array, Comparison

SIDE = 40


def matrices(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Entries by row of two matrices, few or many in a row, of every dtype; one may be empty."""
    for dtype in (np.int64, np.uint64, np.float64):
        for skewed in (False, True):
            left, right = (_entries(rng, n, dtype, skewed=skewed) for _ in range(2))
            yield (*left, *right)
            yield (*left, *(x[:0] for x in right))
            yield (*(x[:0] for x in left), *right)
            wide = right[1] * 10**9
            yield (*left, right[0], wide, right[2])


def _entries(rng: np.random.Generator, n: int, dtype: type, *, skewed: bool) -> tuple[Array, Array, Array]:
    """Entries at different places, by row; half of them in one row when `skewed`."""
    side = SIDE + n // 4
    rows = np.where(rng.random(n) < 0.5 * skewed, 3, rng.integers(0, side, n))
    places = np.unique(rows * side + rng.integers(0, side, n))
    values = (
        rng.integers(-(2**62), 2**62, len(places)).astype(dtype)
        if dtype != np.float64
        else rng.normal(size=len(places))
    )
    return places // side, places % side, values


def product(rows: Array, inner: Array, values: Array, right_inner: Array, columns: Array, factors: Array) -> Arguments:
    """Every pair of entries that meet, added up in the order of the left matrix."""
    found: dict[tuple[int, int], np.generic] = {}
    with np.errstate(over="ignore"):
        for r, k, v in zip(rows.tolist(), inner.tolist(), values, strict=True):
            for p in range(*np.searchsorted(right_inner, [k, k + 1]).tolist()):
                place = r, int(columns[p])
                found[place] = found.get(place, values.dtype.type(0)) + v * factors[p]
    places = np.array(sorted(found), np.int64).reshape(-1, 2)
    sums = np.array([found[r, c] for r, c in places.tolist()], values.dtype)
    return places[:, 0], places[:, 1], sums


ROWS = {"sparse.multiply": Comparison(sparse.multiply, product, matrices, tolerance=1e-12)}
