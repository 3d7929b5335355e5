"""Elementwise functions by name: trigonometry, logarithms, rounding, bits, and where."""

from __future__ import annotations

import math
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.casting import cast
from arkserver.engine.algorithms.dtype_tables import BOOL, FLOAT64, pair_dtype
from arkserver.engine.algorithms.elementwise import aligned, each, each_in_place
from arkserver.engine.blocks import arithmetic, integers
from arkserver.engine.blocks.elementwise import Function
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import concatenate_blocks
from arkserver.engine.values import BIGINT, Array, DType, starts
from arkserver.errors import ArgumentError, UnsupportedError

_OF_REALS = (
    *("sin", "cos", "tan", "arcsin", "arccos", "arctan"),
    *("sinh", "cosh", "tanh", "arcsinh", "arccosh", "arctanh"),
    *("exp", "expm1", "log", "log1p", "log2", "log10"),
)
REAL_FUNCTIONS: dict[str, Function] = {name: partial(getattr(np, name), dtype=FLOAT64) for name in _OF_REALS}
"""From numbers to float64."""

ROUNDINGS: dict[str, Function] = {"floor": np.floor, "ceil": np.ceil, "trunc": np.trunc}
"""From float64 to float64."""

BIT_FUNCTIONS: dict[str, Function] = {
    "popcount": arithmetic.population,
    "parity": arithmetic.parity,
    "clz": arithmetic.leading_zeros,
    "ctz": arithmetic.trailing_zeros,
}
"""From words to the same dtype."""

PREDICATES: dict[str, Function] = {"isnan": np.isnan, "isinf": np.isinf, "isfinite": np.isfinite}
"""From float64 to bool."""


def of_reals(ex: Executor, x: Array, name: str) -> Array:
    """One of `REAL_FUNCTIONS`."""
    return each(ex, REAL_FUNCTIONS[name], FLOAT64, x)


def predicate(ex: Executor, x: Array, name: str) -> Array:
    """One of `PREDICATES`.

    Raises
    ------
    UnsupportedError
        For another dtype than float64.
    """
    return each(ex, PREDICATES[name], BOOL, _floats(name, x))


def _floats(name: str, x: Array) -> Array:
    if x.dtype != FLOAT64:
        raise UnsupportedError(f"{name} takes float64; the array is {x.dtype}: cast it first")
    return x


def absolute(ex: Executor, x: Array) -> Array:
    """The absolute value, also of bigint."""
    if x.dtype == BIGINT:
        return each(ex, partial(integers.each, abs, None), BIGINT, x).with_max_bits(x.max_bits)
    return each(ex, np.absolute, x.dtype, x)


def same_dtype(ex: Executor, x: Array, fn: Function) -> Array:
    """A function whose results have the dtype of its argument."""
    return each(ex, fn, x.dtype, x)


def rounded(ex: Executor, x: Array, decimals: int) -> Array:
    """float64 rounded to `decimals`, halves to even."""
    return each(ex, partial(arithmetic.round_half_even, decimals), FLOAT64, x)


def nextafter(ex: Executor, x: Array, toward: Array) -> Array:
    """The next float64 after each of `x` on the way to `toward`."""
    return each(ex, np.nextafter, FLOAT64, _floats("nextafter", x), _floats("nextafter", toward))


def fmod(ex: Executor, a: Any, b: Any) -> Array:
    """The remainder with the sign of the dividend, as float64."""
    return each(ex, partial(np.fmod, dtype=FLOAT64), FLOAT64, a, b)


def arctan2(ex: Executor, a: Any, b: Any) -> Array:
    """The angle of the point (b, a), as float64."""
    return each(ex, partial(np.arctan2, dtype=FLOAT64), FLOAT64, a, b)


def where(ex: Executor, condition: Array, a: Any, b: Any) -> Array:
    """`a` where `condition` holds, else `b`, in the dtype that both meet in.

    Raises
    ------
    UnsupportedError
        For a condition that is not bool.
    ArgumentError
        For different shapes.
    """
    return each(ex, arithmetic.select, pair_dtype(a.dtype, b.dtype), _bools(condition), a, b)


def _bools(condition: Array) -> Array:
    if condition.dtype != BOOL:
        raise UnsupportedError(f"the condition is {condition.dtype}; it must be bool")
    return condition


def clip(ex: Executor, x: Array, low: float, high: float) -> Array:
    """`x` between two bounds, which are first taken to the dtype of `x`."""
    bounds = as_bound(low, x.dtype), as_bound(high, x.dtype)
    return each(ex, np.clip, x.dtype, x, *bounds)


def as_bound(value: float, dtype: DType) -> Any:
    """`value` as a scalar of `dtype`; what is beyond an integer dtype becomes its least or greatest value.

    Raises
    ------
    ArgumentError
        For nan where `dtype` has none.
    """
    if dtype == FLOAT64:
        return np.float64(value)
    if math.isnan(value):
        raise ArgumentError(f"a bound is nan, which {dtype} cannot hold")
    limits = np.iinfo(dtype)
    if not limits.min <= value <= limits.max:
        return dtype.type(limits.min if value < 0 else limits.max)
    return dtype.type(min(int(value), limits.max))


def putmask(ex: Executor, x: Array, mask: Array, values: Array) -> Array:
    """``x[i] = values[i % size]`` by flat position i where `mask` holds, in place.

    Raises
    ------
    UnsupportedError
        For a mask that is not bool.
    ArgumentError
        If `mask` has another shape than `x`, or there are no values.
    """
    if mask.shape != x.shape:
        raise ArgumentError("mask and a pdarrays must be of same shape in putmask.")
    if values.dtype == BIGINT:
        values = cast(ex, values, x.dtype)
    if values.shape == x.shape:
        return each_in_place(ex, _put, x, _bools(mask), values)
    if values.size == 0:
        if x.size == 0:
            return x
        raise ArgumentError("putmask has no values to put")
    # Each block gets all values, of which there are few as a rule.
    everywhere = ex.exchange(_to_all, (values, len(x.blocks)), _joined, (values.dtype,), parts=len(x.blocks))
    row = x.size // x.shape[0] if x.shape and x.shape[0] else 1
    firsts = Each(start * row for start in starts(x.rows))
    _, (_, mask) = aligned(ex, (x, _bools(mask)))
    return ex.update(_put_cyclic, x, mask, everywhere, firsts)


def _put(_x: Any, mask: Any, values: Any, out: NDArray[Any]) -> None:
    np.copyto(out, values, casting="unsafe", where=mask)


def _to_all(block: NDArray[Any], parts: int) -> list[NDArray[Any]]:
    return [block.reshape(-1)] * parts


def _joined(pieces: list[NDArray[Any]], dtype: DType) -> NDArray[Any]:
    return concatenate_blocks(pieces, dtype)


def _put_cyclic(block: NDArray[Any], mask: NDArray[Any], values: NDArray[Any], first: int) -> None:
    where = np.flatnonzero(mask)
    block.reshape(-1)[where] = values[(where + first) % len(values)].astype(block.dtype)
