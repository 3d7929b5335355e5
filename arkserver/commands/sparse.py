"""Sparse matrices."""

from __future__ import annotations

import math

from arkserver.commands import projection
from arkserver.commands.arguments import SparseTarget
from arkserver.commands.registry import ALL, RANKS, REAL, command
from arkserver.engine.algorithms import sparse
from arkserver.engine.executor import Executor
from arkserver.engine.threads import threads
from arkserver.engine.values import LAYOUTS, Array, DType, SparseMatrix
from arkserver.errors import ArgumentError, UnsupportedError

ENTRY = 24
"""bytes: a row, a column and a value"""

_DTYPES = {"dtype": REAL, "layout": LAYOUTS}


@command(
    "random_sparse_matrix<dtype,layout>",
    dtypes=_DTYPES,
    project=lambda shape, density: 2 * ENTRY * sparse.expected_entries(shape, density),
)
def random(ex: Executor, shape: tuple[int, ...], density: float, dtype: DType, layout: str) -> SparseMatrix:
    """A matrix of zeros with entries at random places."""
    return sparse.random(ex, _two(shape), density, layout, dtype)


def _two(shape: tuple[int, ...]) -> tuple[int, int]:
    sparse.check_shape(shape)
    return shape[0], shape[1]


@command(
    "sparse_matrix_from_pdarrays<vals.dtype,layout>",
    dtypes={"vals.dtype": REAL, "layout": LAYOUTS},
    project=projection.times(3, "rows", "cols", "vals"),
)
def from_entries(
    ex: Executor, rows: Array, cols: Array, vals: Array, shape: tuple[int, ...], layout: str
) -> SparseMatrix:
    """A matrix from the rows, columns and values of its entries."""
    if any(x.ndim != 1 or x.size != rows.size for x in (rows, cols, vals)):
        raise ArgumentError(
            f"rows, columns and values are {rows.shape}, {cols.shape} and {vals.shape}; they are vectors"
        )
    for index in (rows, cols):
        if index.dtype.name != "int64":
            raise UnsupportedError(f"rows and columns are int64, not {index.dtype}")
    return sparse.from_entries(ex, _two(shape), layout, rows, cols, vals)


@command(
    "sparse_to_pdarrays<matrix.dtype,matrix.layout>",
    dtypes={"matrix.dtype": REAL, "matrix.layout": LAYOUTS},
    project=lambda matrix: matrix.nbytes,
)
def entries(ex: Executor, matrix: SparseMatrix) -> list[Array]:
    """Rows, columns and values of the entries, in the order of the layout."""
    return list(sparse.entries(ex, matrix))


@command(
    "fill_sparse_vals<matrix.dtype,matrix.nd,matrix.layout,vals.dtype,vals.nd>",
    dtypes={"matrix.dtype": REAL, "matrix.layout": LAYOUTS, "vals.dtype": ALL},
    ranks=RANKS,
    where=lambda _, rank, *__: rank == "2",
)
def fill(ex: Executor, matrix: SparseTarget, vals: Array) -> SparseMatrix:
    """Give the entries other values, in the order of the layout."""
    if vals.dtype != matrix.dtype:
        raise UnsupportedError("fillSparseMatrixMsg: type mismatch between matrix and vals")
    if vals.ndim != 1:
        raise UnsupportedError("fillSparseMatrixMsg: vals must be rank 1")
    return sparse.filled(ex, matrix, vals)


def _product_bytes(ex: Executor, arg1: SparseMatrix, arg2: SparseMatrix) -> int:
    """The left matrix in another order, the entries of the product, and a row of sums for every thread."""
    most = min(sparse.products(ex, arg1, arg2), math.prod((arg1.shape[0], arg2.shape[1])))
    return 3 * arg1.nbytes + 2 * arg2.nbytes + 2 * ENTRY * most + 16 * threads().count * arg2.entries


@command("sparse_matrix_matrix_mult<arg1.dtype>", dtypes=REAL, project=_product_bytes)
def multiply(ex: Executor, arg1: SparseMatrix, arg2: SparseMatrix) -> SparseMatrix:
    """The product of a matrix in CSC and one in CSR, in CSR."""
    if arg1.dtype != arg2.dtype:
        raise UnsupportedError(f"matrices of {arg1.dtype} and {arg2.dtype} cannot be multiplied")
    if (arg1.layout, arg2.layout) != ("CSC", "CSR"):
        raise UnsupportedError(f"a product is one of CSC and CSR, not of {arg1.layout} and {arg2.layout}")
    return sparse.product(ex, arg1, arg2)
