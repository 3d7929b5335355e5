"""What every algorithm on two operands begins with: their dtypes, their shapes, a common cut."""

from __future__ import annotations

from typing import Any

from arkserver.engine.executor import Executor
from arkserver.engine.layout import align
from arkserver.engine.values import BIGINT, Array, DType, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError


def dtype_of(operand: Any) -> DType:
    """The dtype of an array or a scalar; a bigint scalar is a Python integer."""
    return BIGINT if isinstance(operand, int) else operand.dtype


def operands(ex: Executor, *values: Any) -> tuple[Any, ...]:
    """The operands of a step, all arrays with the cut of the first one.

    Raises
    ------
    ArgumentError
        For arrays of different shapes.
    """
    arrays = [v for v in values if isinstance(v, Array)]
    if len(arrays) == 1:
        return values
    shapes = {a.shape for a in arrays}
    if len(shapes) > 1:
        raise ArgumentError(f"the operands have different shapes: {' and '.join(str(list(a.shape)) for a in arrays)}")
    aligned = iter(align(ex, *arrays))
    return tuple(next(aligned) if isinstance(v, Array) else v for v in values)


def first_array(*values: Any) -> Array:
    """The operand that the result is like."""
    return next(v for v in values if isinstance(v, Array))


def not_implemented(command: str, op: str, a: DType, b: DType) -> UnsupportedError:
    """The operator exists, but not for these dtypes."""
    return UnsupportedError(f"Error: {command}: {dtype_name(a)} {op} {dtype_name(b)} not implemented")


def unrecognized_type(command: str, a: DType, b: DType) -> UnsupportedError:
    """No result dtype of this pair could hold what the operator gives."""
    return UnsupportedError(f"Error: {command}: unrecognized type: ({dtype_name(a)},{dtype_name(b)})")
