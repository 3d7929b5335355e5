"""Conversion between numeric dtypes, by the rules of C (chapter 9.7 of the protocol)."""

from __future__ import annotations

import numpy as np

from arkserver.engine.algorithms.dtype_tables import FLOAT64, UINT64
from arkserver.engine.algorithms.elementwise import each
from arkserver.engine.algorithms.limbs import bounded
from arkserver.engine.blocks import arithmetic, integers
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, Array, DType, dtype_name
from arkserver.errors import UnsupportedError


def can_cast(source: str, target: str) -> bool:
    """Whether there is a cast between two dtypes, by name."""
    return (source, target) not in (("float64", "bigint"), ("bigint", "bool"))


def cast(ex: Executor, x: Array, dtype: DType) -> Array:
    """A new array of `dtype`: floats are cut, integers wrap, what is not 0 is true.

    Raises
    ------
    UnsupportedError
        From float64 to bigint, and from bigint to bool.
    """
    if not can_cast(dtype_name(x.dtype), dtype_name(dtype)):
        raise UnsupportedError(f"there is no cast from {dtype_name(x.dtype)} to {dtype_name(dtype)}")
    if dtype == BIGINT:
        return bounded(ex, x, x.max_bits)
    if x.dtype != BIGINT:
        return each(ex, arithmetic.convert, dtype, x)
    return each(ex, integers.to_floats if dtype == FLOAT64 else integers.wrapped, dtype, x)


def float_bits(ex: Executor, x: Array) -> Array:
    """The bits of float64 as uint64.

    Raises
    ------
    UnsupportedError
        For another dtype.
    """
    if x.dtype != np.float64:
        raise UnsupportedError(f"the array is {dtype_name(x.dtype)}; only float64 has bits to take")
    return each(ex, arithmetic.float_bits, UINT64, x)
