"""The dtype tables of chapter 9.1 of the protocol: what an operator does with two dtypes.

Made once at import: operator and two dtypes give a function for `elementwise.apply` and the dtype of the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

import numpy as np

from arkserver.engine.blocks import arithmetic
from arkserver.engine.blocks.elementwise import Function
from arkserver.engine.values import DType

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


def plan_for(op: str, a: DType, b: DType) -> Plan | None:
    """How ``op`` works on arrays or scalars of dtypes `a` and `b`; None if it does not."""
    return _PLANS.get(_key(op, a, b))


_OF_EQUAL_INTEGERS = frozenset({"+", "-", "*", "//", "%", "**", "<<", ">>"})
_OF_INTEGER_AND_BOOL = frozenset({"+", "-", "*", "<<", ">>"})
_OF_FLOATS = frozenset({"+", "-", "*", "/", "//", "%", "**"})


def in_place_operators(a: DType, b: DType) -> frozenset[str]:
    """The operators that have an in-place form for an array of dtype `a` and an operand of dtype `b`."""
    if a == FLOAT64:
        return frozenset("+-*") if b == BOOL else _OF_FLOATS
    if a == BOOL:
        return frozenset("+|&^") if b == BOOL else frozenset()
    if b == BOOL:
        return _OF_INTEGER_AND_BOOL
    return _OF_EQUAL_INTEGERS if a == b else frozenset()


def in_place_function(op: str, a: DType, b: DType) -> Function | None:
    """What computes ``x op= y`` for dtypes `a` of x and `b` of y; None if that does not exist."""
    if op not in in_place_operators(a, b):
        return None
    if op == "//" and a != FLOAT64:
        return arithmetic.truncated_divide
    plan = plan_for(op, a, b)
    return None if plan is None else plan.fn
