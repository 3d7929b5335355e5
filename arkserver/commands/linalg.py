"""Products and triangles of matrices."""

from __future__ import annotations

import math

from arkserver.commands import projection
from arkserver.commands.projection import bytes_like
from arkserver.commands.registry import FIXED, MAX_RANK, NUMERIC, command
from arkserver.engine.algorithms import linear
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError


def _product(a: Array, b: Array) -> int:
    """The result, the operands in its dtype, and the right one in every place."""
    stack = math.prod(a.shape[:-2]) if a.ndim == b.ndim else 1
    rows, columns = math.prod(a.shape[:-1]), math.prod((*b.shape[:-2], *b.shape[-1:])) // max(1, stack)
    return projection.WORD * rows * columns + bytes_like(a) + 2 * bytes_like(b)


def _two_matrices(x1: Array, x2: Array) -> int:
    return _product(x1, x2)


def _refuse_misfit(a: Array, b: Array) -> None:
    if a.ndim != b.ndim or a.shape[:-2] != b.shape[:-2] or a.shape[-1] != b.shape[-2]:
        raise ArgumentError(f"Invalid dimensions for matrix multiplication: {a.shape} and {b.shape}")


@command(
    "matmul<x1.dtype,x2.dtype,x1.nd>",
    dtypes={"x1.dtype": FIXED, "x2.dtype": FIXED},
    ranks=(2, 3),
    project=_two_matrices,
)
def matmul(ex: Executor, x1: Array, x2: Array) -> Array:
    """The product of two matrices."""
    _refuse_misfit(x1, x2)
    return linear.matmul(ex, x1, x2)


@command(
    "multidimmatmul<a.dtype,a.nd,b.dtype,b.nd>",
    dtypes=NUMERIC,
    ranks=(2, 3),
    where=lambda _a, a_rank, _b, b_rank: a_rank == b_rank,
    project=_product,
)
def multidim_matmul(ex: Executor, a: Array, b: Array) -> Array:
    """The products of two stacks of matrices."""
    _refuse_misfit(a, b)
    return linear.matmul(ex, a, b)


@command(
    "dot<a.dtype,a.nd,b.dtype,b.nd>",
    dtypes=NUMERIC,
    ranks=(2, 3),
    where=lambda _a, a_rank, _b, b_rank: int(a_rank) + int(b_rank) - 2 <= MAX_RANK,
    project=_product,
)
def dot(ex: Executor, a: Array, b: Array) -> Array:
    """The sums of products over the last axis of one array and the last but one of the other."""
    if a.shape[-1] != b.shape[-2]:
        raise ArgumentError(f"Invalid dimensions for dot: {a.shape} and {b.shape}")
    return linear.dot(ex, a, b)


@command("tril<array.dtype,array.nd>", ranks=(2, 3), project=projection.times(2, "array"))
def tril(ex: Executor, array: Array, diag: int) -> Array:
    """Zeros above a diagonal of the last two axes."""
    return linear.triangle(ex, array, diag, upper=False)


@command("triu<array.dtype,array.nd>", ranks=(2, 3), project=projection.times(2, "array"))
def triu(ex: Executor, array: Array, diag: int) -> Array:
    """Zeros below a diagonal of the last two axes."""
    return linear.triangle(ex, array, diag, upper=True)
