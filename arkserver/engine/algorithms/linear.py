"""Matrices: products and triangles.

The right operand of a product is handed as a whole to every block of the left one, whose rows it keeps.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.shaping import everywhere
from arkserver.engine.blocks.views import quiet
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import align, array_of
from arkserver.engine.values import Array, DType, starts


def result_dtype(a: Array, b: Array) -> DType:
    """What two arrays are multiplied in: float64 for int64 with uint64; products of bool are and, sums or."""
    return np.result_type(a.dtype, b.dtype)


def matmul(ex: Executor, a: Array, b: Array) -> Array:
    """The product of two matrices, or of two equally long stacks of matrices, of fitting shapes."""
    dtype = result_dtype(a, b)
    shape = (*a.shape[:-1], b.shape[-1])
    if a.ndim == 2:
        refs = ex.map(_matmul, a, everywhere(ex, b, len(a.blocks)), dtype)
    else:
        a, b = align(ex, a, b)
        refs = ex.map(_matmul, a, b, dtype)
    return Array(dtype, shape, refs.values, a.rows)


@quiet
def _matmul(a: NDArray[Any], b: NDArray[Any], dtype: DType) -> NDArray[Any]:
    return np.asarray(np.matmul(a.astype(dtype, copy=False), b.astype(dtype, copy=False)))


def dot(ex: Executor, a: Array, b: Array) -> Array:
    """The sums of products over the last axis of `a` and the last but one of `b`; both have at least two."""
    dtype = result_dtype(a, b)
    shape = (*a.shape[:-1], *b.shape[:-2], b.shape[-1])
    refs = ex.map(_dot, a, everywhere(ex, b, len(a.blocks)), dtype)
    return Array(dtype, shape, refs.values, a.rows)


@quiet
def _dot(a: NDArray[Any], b: NDArray[Any], dtype: DType) -> NDArray[Any]:
    return np.asarray(np.dot(a.astype(dtype, copy=False), b.astype(dtype, copy=False)))


def triangle(ex: Executor, x: Array, diagonal: int, *, upper: bool) -> Array:
    """The elements on and above (or below) a diagonal of the last two axes, zeros elsewhere."""
    diagonal = max(-x.shape[-2] - 1, min(diagonal, x.shape[-1] + 1))
    offsets = starts(x.rows) if x.ndim == 2 else (0,) * len(x.rows)
    return array_of(ex.map(_triangle, x, Each(diagonal + o for o in offsets), upper), x)


def _triangle(block: NDArray[Any], diagonal: int, upper: bool) -> NDArray[Any]:
    return np.triu(block, diagonal) if upper else np.tril(block, diagonal)
