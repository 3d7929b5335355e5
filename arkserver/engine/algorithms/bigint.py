"""Arithmetic of arbitrary precision: arrays of Python integers, optionally kept modulo ``2 ** max_bits``.

The rules are chapter 9.2 of the protocol. Its forms with a scalar have fewer operators than those of two arrays; here
both have the same.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import partial
from typing import Any

from numpy.typing import NDArray

from arkserver.engine.algorithms.dtype_tables import BOOL, COMPARISONS, FLOAT64, OPERATORS, plan_for
from arkserver.engine.algorithms.elementwise import dtype_of, each, not_implemented, unrecognized_type
from arkserver.engine.blocks import integers
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, Array, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError

IntegerFunction = Callable[[int, int], int]

_SIMPLE: dict[str, IntegerFunction] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "%": integers.modulo,
}
_SHIFTS: dict[str, IntegerFunction] = {"<<": integers.left_shift, ">>": integers.right_shift}
_ROTATIONS: dict[str, tuple[str, Callable[[int, int, int], int]]] = {
    "<<<": ("rotl", integers.rotate_left),
    ">>>": ("rotr", integers.rotate_right),
}
_IN_PLACE = frozenset({"+", "-", "*", "//", "%", "**"})
_IN_PLACE_WITH_BOOL = frozenset({"+", "-", "*"})


def binary(ex: Executor, command: str, op: str, a: Any, b: Any) -> Array:
    """``a op b`` where at least one operand is bigint.

    Raises
    ------
    UnsupportedError
        These dtypes do not have the operator.
    ArgumentError
        Different shapes, a negative exponent, a result beyond bounds, or max_bits is missing.
    """
    if op not in OPERATORS:
        raise UnsupportedError(f"Unrecognized operator: {op}")
    of_arrays = isinstance(a, Array) and isinstance(b, Array)
    if FLOAT64 in (dtype_of(a), dtype_of(b)) and not of_arrays:
        raise unrecognized_type(command, dtype_of(a), dtype_of(b))
    if op in COMPARISONS:
        return each(ex, partial(integers.compare, COMPARISONS[op]), BOOL, a, b)
    if FLOAT64 in (dtype_of(a), dtype_of(b)) or (op == "/" and of_arrays):
        plan = plan_for(op, FLOAT64, FLOAT64)
        if plan is None:
            raise _unsupported(op, a, b)
        return each(ex, partial(integers.real, plan.fn), FLOAT64, a, b)
    max_bits = max(max_bits_of(a), max_bits_of(b))
    fn = partial(integers.each, _function(ex, op, a, b, max_bits), mask_of(max_bits))
    return each(ex, fn, BIGINT, a, b).with_max_bits(max_bits)


def max_bits_of(operand: Any) -> int:
    """The bound of an array; -1, which is none, for everything else."""
    return operand.max_bits if isinstance(operand, Array) else -1


def mask_of(max_bits: int) -> int | None:
    """What results are and-ed with.

    Raises
    ------
    ArgumentError
        For a number of bits that cannot be.
    """
    if not -1 <= max_bits <= integers.MAX_RESULT_BITS:
        raise ArgumentError(f"max_bits is {max_bits}; it must be -1 (no bound) or 0 to {integers.MAX_RESULT_BITS}")
    return None if max_bits == -1 else (1 << max_bits) - 1


def _function(ex: Executor, op: str, a: Any, b: Any, max_bits: int) -> IntegerFunction:
    """What `op` does to two integers."""
    of_arrays = isinstance(a, Array) and isinstance(b, Array)
    if op in _SIMPLE:
        return _SIMPLE[op]
    if op == "//":
        return integers.floor_divide if of_arrays else integers.truncated_divide
    if op == "/" and dtype_of(a) == dtype_of(b):
        return integers.truncated_divide
    if op == "**":
        return _power(ex, a, b, max_bits)
    if op in _ROTATIONS:
        return _rotation(op, max_bits)
    if op in _SHIFTS and dtype_of(b) != BIGINT:
        return _SHIFTS[op] if max_bits == -1 else partial(integers.bounded_shift, _SHIFTS[op], max_bits)
    raise _unsupported(op, a, b)


def _rotation(op: str, max_bits: int) -> IntegerFunction:
    name, fn = _ROTATIONS[op]
    if max_bits < 1:
        raise ArgumentError(f"Must set max_bits to {name}")
    return partial(fn, max_bits)


def _power(ex: Executor, a: Any, b: Any, max_bits: int) -> IntegerFunction:
    negative = any(ex.collect(_any_negative, b)) if isinstance(b, Array) else b < 0
    if negative:
        raise ArgumentError("Attempt to exponentiate base of type BigInt to negative exponent")
    if max_bits != -1:
        return partial(integers.power_modulo, 1 << max_bits)
    if isinstance(a, Array) and isinstance(b, Array) and b.dtype == BIGINT:
        raise ArgumentError("Attempt to exponentiate base of type BigInt to BigInt without max_bits")
    return integers.power


def _any_negative(block: NDArray[Any]) -> bool:
    return bool((block < 0).any())


def _unsupported(op: str, a: Any, b: Any) -> UnsupportedError:
    return UnsupportedError(f"Unsupported operation: {dtype_name(dtype_of(a))} {op} {dtype_name(dtype_of(b))}")


def in_place(ex: Executor, command: str, op: str, a: Array, b: Any) -> Array:
    """``a op= b`` for a bigint array, as new blocks; its own max_bits holds, and ``//=`` truncates.

    Raises
    ------
    UnsupportedError, ArgumentError
        As `binary`; nothing was changed.
    """
    name = op.removesuffix("=")
    if name not in (_IN_PLACE_WITH_BOOL if dtype_of(b) == BOOL else _IN_PLACE) or dtype_of(b) == FLOAT64:
        raise not_implemented(command, op, a.dtype, dtype_of(b))
    if name == "**":
        fn = _power(ex, a, b, a.max_bits)
    else:
        fn = _SIMPLE.get(name, integers.truncated_divide)
    masked = partial(integers.each, fn, mask_of(a.max_bits))
    return each(ex, masked, BIGINT, a, b).with_max_bits(a.max_bits)
