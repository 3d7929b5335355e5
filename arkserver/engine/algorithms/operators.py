"""Binary operators and their in-place forms.

What has to do with bigint is in `bigint`, the tables of the other dtypes in `dtype_tables`.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from arkserver.engine.algorithms import bigint
from arkserver.engine.algorithms.dtype_tables import (
    BOOL,
    FLOAT64,
    INT64,
    OPERATORS,
    in_place_function,
    pair_dtype,
    plan_for,
)
from arkserver.engine.algorithms.elementwise import (
    dtype_of,
    each,
    each_in_place,
    not_implemented,
    unrecognized_type,
)
from arkserver.engine.executor import Executor
from arkserver.engine.threads import threads
from arkserver.engine.values import BIGINT, Array, DType
from arkserver.errors import ArgumentError, UnsupportedError

CHEAP = frozenset({"+", "-", "*", "/", "<", "<=", ">", ">=", "==", "!=", "&", "|", "^"})
"""Operators that the memory is slower than."""


def binary(ex: Executor, command: str, op: str, a: Any, b: Any) -> Array:
    """``a op b`` of two arrays, or of an array and a scalar on either side.

    Parameters
    ----------
    command : str
        Named in errors.
    op : str
        One of `OPERATORS`.
    a, b : Array, NumPy scalar or int
        At least one array; two arrays have the same shape. An int is a bigint.

    Raises
    ------
    UnsupportedError
        The operator is unknown, or these dtypes do not have it.
    ArgumentError
        The shapes differ, or an integer would get a negative exponent.
    """
    left, right = dtype_of(a), dtype_of(b)
    plan = plan_for(op, left, right)
    if plan is None:
        if BIGINT in (left, right):
            return bigint.binary(ex, command, op, a, b)
        raise _missing(command, op, left, right)
    if op == "**" and plan.pair != FLOAT64:
        refuse_negative(ex, b, "Attempt to exponentiate base of type Int or UInt to negative exponent")
    return each(ex, plan.fn, plan.dtype, a, b, cheap=op in CHEAP)


def _missing(command: str, op: str, a: DType, b: DType) -> UnsupportedError:
    if op not in OPERATORS:
        return UnsupportedError(f"Unrecognized operator: {op}")
    if op == "-" or pair_dtype(a, b) == FLOAT64:
        return unrecognized_type(command, a, b)
    return not_implemented(command, op, a, b)


def in_place(ex: Executor, command: str, op: str, a: Array, b: Any) -> Array:
    """``a op b`` into `a`, for an operator such as ``+=``; `b` is an array or a scalar.

    Raises
    ------
    UnsupportedError
        The operator is unknown, or these dtypes do not have it.
    ArgumentError
        The shapes differ, or an integer would get a negative exponent; nothing was changed.
    """
    if a.dtype == BIGINT:
        return bigint.in_place(ex, command, op, a, b)
    dtype = dtype_of(b)
    fn = in_place_function(op.removesuffix("="), a.dtype, dtype)
    if fn is None or (a.dtype == BOOL and not isinstance(b, Array) and op != "+="):
        raise not_implemented(command, op, a.dtype, dtype)
    if op == "**=" and a.dtype != FLOAT64:
        name = "Int64" if isinstance(b, Array) else "int64"
        refuse_negative(ex, b, f"Attempt to exponentiate base of type {name} to negative exponent")
    return each_in_place(ex, fn, a, b)


def refuse_negative(ex: Executor, exponent: Any, text: str) -> None:
    """Raise `ArgumentError` with `text` for a negative exponent of integers."""
    if exponent.dtype != INT64:
        return
    if any(ex.collect(_any_negative, exponent)) if isinstance(exponent, Array) else exponent < 0:
        raise ArgumentError(text)


def _any_negative(block: NDArray[Any]) -> bool:
    flat = block.reshape(-1)
    return flat.size > 0 and bool(min(threads().each_chunk(lambda a, b: flat[a:b].min(), flat.size)) < 0)
