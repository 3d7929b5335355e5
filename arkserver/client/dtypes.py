"""Element types: the six that the server has, and what becomes of NumPy's others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

DType = np.dtype[Any]

BIGINT = np.dtype(object)
"""Arbitrary precision: Python integers in an object array."""

DTYPES: dict[str, DType] = {
    "bool": np.dtype(np.bool_),
    "uint8": np.dtype(np.uint8),
    "int64": np.dtype(np.int64),
    "uint64": np.dtype(np.uint64),
    "float64": np.dtype(np.float64),
    "bigint": BIGINT,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}

# What a dtype that the server lacks is widened to, by kind; 8-bit unsigned integers stay as they are.
_WIDER = {"b": "bool", "i": "int64", "u": "uint64", "f": "float64", "m": "int64", "M": "int64"}


def dtype_name(dtype: DType) -> str:
    """The name on the wire."""
    return _NAMES[dtype]


def resolve(dtype: DTypeLike | None, default: str = "float64") -> DType:
    """The server's dtype for whatever names one: a dtype, a Python type, text (``bigint`` too).

    Narrower types are widened: int32 to int64, uint16 to uint64, float32 to float64.

    Raises
    ------
    TypeError
        For complex numbers, texts and records.
    """
    if dtype is None:
        return DTYPES[default]
    if isinstance(dtype, str) and dtype in DTYPES:
        return DTYPES[dtype]
    found = np.dtype(dtype)
    if found in _NAMES:
        return found
    if found.kind not in _WIDER:
        raise TypeError(f"the server has no arrays of {found}; it has {', '.join(DTYPES)}")
    return DTYPES[_WIDER[found.kind]]


def storable(x: NDArray[Any]) -> NDArray[Any]:
    """`x` in C order and in a dtype of the server; the same object if it is so already.

    Dates and durations become their int64 count of nanoseconds.
    """
    if x.dtype.kind in "mM":
        unit = "datetime64[ns]" if x.dtype.kind == "M" else "timedelta64[ns]"
        x = x.astype(unit, copy=False).view(np.int64)
    return np.ascontiguousarray(x, resolve(x.dtype)).reshape(x.shape)


def is_integer(dtype: DType) -> bool:
    """Whether elements are whole numbers of fixed width, bool excluded."""
    return dtype.kind in "iu"


def scalar_text(value: Any, dtype: DType) -> str:
    """`value` as an element of `dtype`, as the wire has it.

    Raises
    ------
    OverflowError
        For an integer that the dtype cannot hold.
    TypeError
        For a value that is no number.
    """
    if not isinstance(value, bool | int | float | np.generic):
        raise TypeError(f"{value!r} is no number; an array of {dtype_name(dtype)} cannot hold it")
    if dtype.kind == "b":
        return str(bool(value))
    if dtype.kind == "f":
        return repr(float(value))
    whole = int(value)
    if dtype != BIGINT:
        limits = np.iinfo(dtype)
        if not limits.min <= whole <= limits.max:
            raise OverflowError(f"Python integer {whole} out of bounds for {dtype}")
    return str(whole)


def weak_dtype(value: Any, dtype: DType) -> DType:
    """The dtype that a scalar takes beside an array of `dtype`, by NumPy's rules.

    Python's own numbers are weak: they take the array's dtype unless their kind is higher. NumPy's scalars keep
    theirs, widened to one that the server has.
    """
    if isinstance(value, np.generic):
        return resolve(value.dtype)
    if isinstance(value, bool):
        return DTYPES["bool"]
    if isinstance(value, float):
        return DTYPES["float64"]
    return dtype if dtype.kind in "iufO" else DTYPES["int64"]
