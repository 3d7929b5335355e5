"""Element by element over arrays and scalars: the one step under operators, functions and casts."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from arkserver.engine.blocks.elementwise import Function, apply_into
from arkserver.engine.executor import Executor, apply_function
from arkserver.engine.layout import align
from arkserver.engine.values import BIGINT, Array, DType, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError


def each(ex: Executor, fn: Function, dtype: DType, *operands: Any, cheap: bool = False) -> Array:
    """``fn`` of the operands, element by element.

    Parameters
    ----------
    fn : callable
        As `blocks.elementwise` says; picklable.
    dtype : dtype
        Of the result.
    *operands : Array or scalar
        At least one array; all arrays have one shape.
    cheap : bool
        Whether `fn` takes less time than reading and writing its elements, so that it may be computed twice.

    Raises
    ------
    ArgumentError
        For arrays of different shapes.
    """
    like, operands = aligned(ex, operands)
    refs = ex.elementwise(fn, dtype, *operands) if cheap else ex.map(apply_function, fn, dtype, *operands)
    return Array(dtype, like.shape, refs.values, like.rows)


def each_in_place(ex: Executor, fn: Function, x: Array, *operands: Any) -> Array:
    """``x[...] = fn(x, *operands)``, written into the blocks of `x`.

    Raises
    ------
    ArgumentError
        For arrays of different shapes.
    """
    _, ready = aligned(ex, (x, *operands))
    return ex.update(_update, x, fn, *ready[1:])


def _update(block: NDArray[Any], fn: Function, *operands: Any) -> None:
    apply_into(block, fn, block, *operands)


def aligned(ex: Executor, operands: tuple[Any, ...]) -> tuple[Array, tuple[Any, ...]]:
    """The first array, and the operands, all arrays with its cut."""
    arrays = [o for o in operands if isinstance(o, Array)]
    like = arrays[0]
    if all(a.rows == like.rows and a.shape == like.shape for a in arrays):
        return like, operands
    if any(a.shape != like.shape for a in arrays):
        shapes = " and ".join(str(list(a.shape)) for a in arrays)
        raise ArgumentError(f"the operands have different shapes: {shapes}")
    moved = iter(align(ex, *arrays))
    return like, tuple(next(moved) if isinstance(o, Array) else o for o in operands)


def dtype_of(operand: Any) -> DType:
    """The dtype of an array or a scalar; a bigint scalar is a Python integer."""
    return BIGINT if isinstance(operand, int) else operand.dtype


def not_implemented(command: str, op: str, a: DType, b: DType) -> UnsupportedError:
    """The operator exists, but not for these dtypes."""
    return UnsupportedError(f"Error: {command}: {dtype_name(a)} {op} {dtype_name(b)} not implemented")


def unrecognized_type(command: str, a: DType, b: DType) -> UnsupportedError:
    """No result dtype of this pair could hold what the operator gives."""
    return UnsupportedError(f"Error: {command}: unrecognized type: ({dtype_name(a)},{dtype_name(b)})")
