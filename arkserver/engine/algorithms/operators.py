"""Binary operators and their in-place forms, by the dtype tables of chapter 9.1 of the protocol.

The tables are made once: operator and two dtypes give a function for `elementwise.apply` and the dtype of the result.
What has to do with bigint is in `bigint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import arithmetic
from arkserver.engine.blocks.elementwise import Function, apply
from arkserver.engine.executor import Executor
from arkserver.engine.layout import align
from arkserver.engine.threads import threads
from arkserver.engine.values import Array, DType, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError

INT64, UINT64, UINT8, FLOAT64, BOOL = map(np.dtype, ("i8", "u8", "u1", "f8", "?"))
NATIVE = (INT64, UINT64, UINT8, FLOAT64, BOOL)

COMPARISONS: dict[str, np.ufunc] = {
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "==": np.equal,
    "!=": np.not_equal,
}
_ARITHMETIC: dict[str, np.ufunc] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": np.floor_divide,  # 0 for the divisor 0, if integer
    "**": np.power,
}
_BITS: dict[str, np.ufunc] = {
    "&": np.bitwise_and,
    "|": np.bitwise_or,
    "^": np.bitwise_xor,
    "<<": np.left_shift,  # 0 for counts outside of the word
}
_SHIFTS: dict[str, Function] = {
    ">>": arithmetic.right_shift,
    "<<<": arithmetic.rotate_left,
    ">>>": arithmetic.rotate_right,
}
_OF_BOOLS: dict[str, tuple[Function, DType]] = {
    "+": (np.logical_or, BOOL),
    "|": (np.logical_or, BOOL),
    "*": (np.logical_and, BOOL),
    "&": (np.logical_and, BOOL),
    "^": (np.logical_xor, BOOL),
    "%": (arithmetic.zeros, UINT8),
    "//": (np.logical_and, UINT8),
    "**": (np.greater_equal, UINT8),  # a or not b
}
OPERATORS = {*COMPARISONS, *_ARITHMETIC, *_BITS, *_SHIFTS, "/", "%"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How an operator works on two dtypes."""

    fn: Function
    """for `elementwise.apply`; converts arrays to `pair` itself"""
    dtype: DType
    """of the result"""
    pair: DType
    """the dtype that the operands meet in"""


def pair_dtype(a: DType, b: DType) -> DType:
    """The dtype that two dtypes meet in; int64 with uint64 meet in float64."""
    kinds = {a, b}
    if FLOAT64 in kinds or kinds == {INT64, UINT64}:
        return FLOAT64
    return next(d for d in NATIVE if d in kinds)


def _key(op: str, a: DType, b: DType) -> str:
    return f"{op} {a.char}{b.char}"


def _functions(pair: DType) -> Iterator[tuple[str, Function, DType]]:
    """The operators that a pair meeting in `pair` has: function and dtype of the result."""
    for op, ufunc in COMPARISONS.items():
        yield op, partial(ufunc, signature=(pair, pair, BOOL)), BOOL
    yield "/", partial(np.true_divide, dtype=FLOAT64), FLOAT64
    if pair == BOOL:
        yield from ((op, fn, dtype) for op, (fn, dtype) in _OF_BOOLS.items())
        return
    for op, ufunc in _ARITHMETIC.items():
        yield op, partial(ufunc, dtype=pair), pair
    # The remainder of integers has the sign of the dividend, as in C; that of floats the sign of the divisor.
    yield "%", partial(np.remainder if pair == FLOAT64 else np.fmod, dtype=pair), pair
    if pair != FLOAT64:
        yield from ((op, partial(ufunc, dtype=pair), pair) for op, ufunc in _BITS.items())
        yield from ((op, fn, pair) for op, fn in _SHIFTS.items())


def _plans() -> Iterator[tuple[str, Plan]]:
    for a, b in product(NATIVE, NATIVE):
        pair = pair_dtype(a, b)
        for op, fn, dtype in _functions(pair):
            # A ufunc finds the loop for two equal dtypes itself, and faster.
            bare = fn.func if isinstance(fn, partial) and a == b and op != "/" else fn
            yield _key(op, a, b), Plan(bare, dtype, pair)


_PLANS = dict(_plans())


def binary(ex: Executor, command: str, op: str, a: Any, b: Any) -> Array:
    """``a op b`` of two arrays, or of an array and a scalar on either side.

    Parameters
    ----------
    command : str
        Named in errors.
    op : str
        One of `OPERATORS`.
    a, b : Array or NumPy scalar
        At least one array; two arrays have the same shape.

    Raises
    ------
    UnsupportedError
        The operator is unknown, or these dtypes do not have it.
    ArgumentError
        The shapes differ, or an integer would get a negative exponent.
    """
    plan = _PLANS.get(_key(op, a.dtype, b.dtype))
    if plan is None:
        raise _missing(command, op, a.dtype, b.dtype)
    if op == "**":
        refuse_negative(ex, b, "Attempt to exponentiate base of type Int or UInt to negative exponent", plan.pair)
    a, b, like = operands(ex, a, b, plan.pair)
    refs = ex.map(_binary, plan.fn, plan.dtype, a, b)
    return Array(plan.dtype, like.shape, refs.values, like.rows)


def _binary(fn: Function, dtype: DType, a: Any, b: Any) -> NDArray[Any]:
    return apply(fn, a, b, dtype=dtype)


def operands(ex: Executor, a: Any, b: Any, pair: DType) -> tuple[Any, Any, Array]:
    """The operands ready for a step, arrays with the same cut, scalars of dtype `pair`; and the array that leads."""
    if not isinstance(b, Array):
        return a, b.astype(pair), a
    if not isinstance(a, Array):
        return a.astype(pair), b, b
    if a.shape != b.shape:
        raise ArgumentError(f"the operands have different shapes: {list(a.shape)} and {list(b.shape)}")
    a, b = align(ex, a, b)
    return a, b, a


def refuse_negative(ex: Executor, exponent: Any, text: str, pair: DType) -> None:
    """Raise `ArgumentError` with `text` when integers would get a negative exponent."""
    if pair == FLOAT64 or exponent.dtype != INT64:
        return
    if any(ex.collect(_any_negative, exponent)) if isinstance(exponent, Array) else exponent < 0:
        raise ArgumentError(text)


def _any_negative(block: NDArray[Any]) -> bool:
    flat = block.reshape(-1)
    return flat.size > 0 and min(threads().each_chunk(lambda a, b: flat[a:b].min(), flat.size)) < 0


def _missing(command: str, op: str, a: DType, b: DType) -> UnsupportedError:
    if op not in OPERATORS:
        return UnsupportedError(f"Unrecognized operator: {op}")
    left, right = dtype_name(a), dtype_name(b)
    if op == "-" or pair_dtype(a, b) == FLOAT64:
        return UnsupportedError(f"Error: {command}: unrecognized type: ({left},{right})")
    return UnsupportedError(f"Error: {command}: {left} {op} {right} not implemented")
