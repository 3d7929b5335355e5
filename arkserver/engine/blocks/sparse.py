"""Products of sparse matrices."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from arkserver_kernels import sparse

from arkserver.engine import buffers
from arkserver.engine.blocks.moving import gather
from arkserver.engine.blocks.text import offsets_of
from arkserver.engine.blocks.views import Array, Ints, plain
from arkserver.engine.threads import threads

# Fewer products than this are not worth handing a part to a second thread.
MINIMUM_PRODUCTS = 1 << 14


def multiply(
    rows: Ints, inner: Ints, values: Array, right_inner: Ints, columns: Ints, factors: Array
) -> tuple[Ints, Ints, Array]:
    """The product of two matrices of which the entries are given, row by row.

    Parameters
    ----------
    rows, inner, values : ndarray
        Rows (int64, ascending), columns and values of the left matrix.
    right_inner, columns, factors : ndarray
        Rows (int64, ascending), columns (int64, from 0 on, in any order) and values of the right matrix.

    Returns
    -------
    tuple of ndarray
        Rows, columns and values of the product, ascending by row and column. An entry for every pair that meets, even
        where the sum is 0; a sum adds its terms in the order of `inner`.
    """
    if not len(rows) or not len(columns):
        return np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0, values.dtype)
    names, columns = _compact(columns)
    first, last = np.searchsorted(right_inner, inner), np.searchsorted(right_inner, inner, "right")
    starts = np.flatnonzero(np.concatenate(([True], rows[1:] != rows[:-1])))
    edges = np.append(starts, len(rows))
    shares = _shares(np.concatenate(([0], np.cumsum(last - first)))[edges])
    return _by_rows(rows[starts], edges, first, last, plain(values), columns, plain(factors), names, shares)


def _by_rows(
    row_names: Ints,
    edges: Ints,
    first: Ints,
    last: Ints,
    values: Array,
    columns: Ints,
    factors: Array,
    names: Ints,
    shares: list[tuple[int, int]],
) -> tuple[Ints, Ints, Array]:
    counts = np.empty(len(row_names), np.int64)

    def count(a: int, b: int) -> None:
        sparse.count_columns(edges, first, last, columns, a, b, np.full(len(names), -1), counts)

    threads().run(count, *zip(*shares, strict=True))
    places = offsets_of(counts)
    found, sums = buffers.empty(int(places[-1]), np.int64), buffers.empty(int(places[-1]), values.dtype)

    def write(a: int, b: int) -> None:
        mark, row = np.full(len(names), -1), np.empty(len(names), values.dtype)
        sparse.multiply_rows(edges, first, last, values, columns, factors, a, b, mark, row, places, found, sums)

    threads().run(write, *zip(*shares, strict=True))
    return np.repeat(row_names, counts), gather(names, found), sums


def _compact(columns: Ints) -> tuple[Ints, Ints]:
    """The columns that occur, ascending, and each as its number among them: rows of sums are no longer than that."""
    widest = int(columns.max())
    if widest < len(columns):
        return np.arange(widest + 1), plain(columns)
    names, numbers = np.unique(columns, return_inverse=True)
    return names, numbers


def _shares(products: Ints) -> list[tuple[int, int]]:
    """Rows for each thread, near-equal in products; `products` counts those before each row."""
    total = int(products[-1])
    parts = max(1, min(threads().count, total // MINIMUM_PRODUCTS))
    cuts = np.searchsorted(products, np.arange(1, parts) * total // parts).tolist()
    return list(pairwise([0, *cuts, len(products) - 1]))
