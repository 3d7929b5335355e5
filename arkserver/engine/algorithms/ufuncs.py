"""NumPy's functions of each element that the protocol has no command for, by NumPy's names and with its dtypes."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from arkserver.engine.algorithms.elementwise import dtype_of, each
from arkserver.engine.blocks.elementwise import Function
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, DTYPES, Array, DType
from arkserver.errors import ArgumentError, UnsupportedError

OF_ONE = ("cbrt", "deg2rad", "exp2", "rad2deg", "reciprocal", "rint", "sign", "signbit", "sqrt")
OF_TWO = (
    *("arctan2", "copysign", "fmax", "fmin", "fmod", "hypot", "logaddexp", "maximum", "minimum", "nextafter"),
    "remainder",
)

# What a dtype that arrays cannot have is widened to, by kind.
_WIDER = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64"}


def apply(ex: Executor, name: str, *operands: Any) -> Array:
    """The function `name` of arrays and scalars.

    Raises
    ------
    ArgumentError
        For a name that is not known with so many operands.
    UnsupportedError
        For dtypes that the function does not have.
    """
    known = OF_ONE if len(operands) == 1 else OF_TWO
    if name not in known:
        raise ArgumentError(f"{name} is no function of {len(operands)} operands; known are {', '.join(known)}")
    dtypes = tuple(dtype_of(o) for o in operands)
    fn, dtype = _typed(getattr(np, name), dtypes)
    return each(ex, fn, dtype, *operands)


def _typed(ufunc: Any, dtypes: tuple[DType, ...]) -> tuple[Function, DType]:
    """The function for these dtypes, and the dtype of its result, widened to one that arrays can have."""
    try:
        found = ufunc.resolve_dtypes((*dtypes, None))[-1]
    except TypeError:
        raise UnsupportedError(f"{ufunc.__name__} is not defined for {', '.join(map(str, dtypes))}") from None
    if BIGINT in dtypes:
        raise UnsupportedError(f"{ufunc.__name__} is not defined for bigint")
    if found in DTYPES.values():
        return ufunc, found
    wider = DTYPES[_WIDER[found.kind]]
    return partial(ufunc, dtype=wider), wider
