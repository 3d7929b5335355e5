"""Operators on arrays: NumPy's promotion and broadcasting, on top of the protocol's operators."""

from __future__ import annotations

import numbers
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client import dtypes
from arkserver.client.dtypes import DTYPES, DType, dtype_name
from arkserver.client.remote import Remote
from arkserver.client.wire import Typed

if TYPE_CHECKING:
    from arkserver.client.arrays import Array

# The protocol's % has the sign of the dividend, NumPy's that of the divisor.
REMAINDER = "remainder"

COMPARISONS = frozenset({"==", "!=", "<", "<=", ">", ">="})

# The pairs that the protocol can change in place; others are computed and assigned.
_IN_PLACE = {
    "int64": ("int64", "bool"),
    "uint64": ("uint64", "bool"),
    "float64": ("float64", "int64", "uint64", "bool"),
}


def is_scalar(value: Any) -> bool:
    """Whether `value` is one number or bool."""
    return isinstance(value, numbers.Number | np.generic) and not isinstance(value, complex)


def typed(value: Any, dtype: DType) -> Typed:
    """`value` as a parameter of `dtype`."""
    return Typed(dtype_name(dtype), dtypes.scalar_text(value, dtype))


def rank(x: Array) -> int:
    """The rank that a command's name has: a 0-d array counts as 1-d."""
    return max(1, x.ndim)


def binary(op: str, a: Array, b: Any, *, reflected: bool = False) -> Any:
    """``a op b``, or ``b op a`` if `reflected`; NotImplemented for an operand that is no number or array."""
    if isinstance(b, Remote) and b.dtype_name == "str":
        return NotImplemented
    if isinstance(b, list | tuple | np.ndarray):
        b = a.session.asarray(b)
    if isinstance(b, Remote):
        left, right = (b, a) if reflected else (a, b)
        return arrays(op, left, right)  # type: ignore[arg-type]
    return scalar(op, a, b, reflected=reflected) if is_scalar(b) else NotImplemented


def arrays(op: str, a: Array, b: Array) -> Any:
    """``a op b`` of two arrays, broadcast to one shape."""
    if a.ndim == 0 and b.ndim > 0:
        return scalar(op, b, a.item_scalar(), reflected=True)
    if b.ndim == 0 and a.ndim > 0:
        return scalar(op, a, b.item_scalar())
    a, b = broadcast(a, b)
    if op == "%":
        return a.session.create("ufuncvv", name=REMAINDER, a=a, b=b)
    command = f"binopvv<{a.dtype_name},{b.dtype_name},{rank(a)}>"
    return a.session.create(command, op=op, a=a, b=b)


def scalar(op: str, a: Array, value: Any, *, reflected: bool = False) -> Any:
    """``a op value`` or, `reflected`, ``value op a``."""
    dtype = _scalar_dtype(op, a.dtype, value)
    if op == "%":
        return a.session.create("ufuncvs", name=REMAINDER, a=a, value=typed(value, dtype), reflected=reflected)
    kind = "binopsv" if reflected else "binopvs"
    command = f"{kind}<{a.dtype_name},{dtype_name(dtype)},{rank(a)}>"
    return a.session.create(command, op=op, a=a, value=typed(value, dtype))


def _scalar_dtype(op: str, dtype: DType, value: Any) -> DType:
    weak = dtypes.weak_dtype(value, dtype)
    fits = weak.kind not in "iu" or np.iinfo(weak).min <= value <= np.iinfo(weak).max
    if op not in COMPARISONS or fits:
        return weak
    return DTYPES["int64"] if value < 0 else DTYPES["uint64"]  # a comparison has an answer beyond the range, too


def in_place(op: str, a: Array, b: Any) -> Any:
    """``a op= b``; the array keeps its dtype, as NumPy's does.

    Raises
    ------
    TypeError
        If the result's dtype cannot be stored in the array.
    """
    if isinstance(b, Remote) and not isinstance(b, np.ndarray) and _changes_in_place(op, a, b):
        a.session.do(f"opeqvv<{a.dtype_name},{b.dtype_name},{rank(a)}>", op=f"{op}=", a=a, b=b)
        return a
    result = binary(op, a, b)
    if result is NotImplemented:
        return result
    if not np.can_cast(result.dtype, a.dtype, "same_kind"):
        raise TypeError(f"the result of {op}= is {result.dtype_name}; it cannot be kept in an array of {a.dtype_name}")
    a[...] = result
    return a


def _changes_in_place(op: str, a: Any, b: Any) -> bool:
    # The protocol's // and % in place truncate.
    simple = op in ("+", "-", "*") or (op == "/" and a.dtype_name == "float64")
    return simple and a.shape == b.shape and b.dtype_name in _IN_PLACE.get(a.dtype_name, ())


def broadcast(a: Array, b: Array) -> tuple[Array, Array]:
    """Both arrays in their common shape.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    """
    if a.shape == b.shape:
        return a, b
    shape = np.broadcast_shapes(a.shape, b.shape)
    return broadcast_to(a, shape), broadcast_to(b, shape)


def broadcast_to(x: Array, shape: tuple[int, ...]) -> Array:
    """`x` repeated to `shape`."""
    if x.shape == shape:
        return x
    if np.broadcast_shapes(x.shape, shape) != shape:
        raise ValueError(f"an array of shape {x.shape} cannot be broadcast to {shape}")
    command = f"broadcast<{x.dtype_name},{rank(x)},{max(1, len(shape))}>"
    return x.session.create(command, name=x, shape=shape)


# --- one operand -----------------------------------------------------------------------------------------------------


def all_bits(dtype: DType) -> int:
    """The integer of `dtype` with every bit set."""
    return -1 if dtype.kind == "i" else int(np.iinfo(dtype).max)


def negative(x: Array) -> Any:
    """``-x``.

    Raises
    ------
    TypeError
        For bool, as NumPy.
    """
    if x.dtype.kind == "b":
        raise TypeError("the negative of bool is not defined; use ~x or logical_not(x)")
    return scalar("*", x, all_bits(x.dtype) if dtypes.is_integer(x.dtype) else -1)


def invert(x: Array) -> Any:
    """``~x``: every bit turned, or the other truth value.

    Raises
    ------
    TypeError
        For float64.
    """
    if x.dtype.kind == "f":
        raise TypeError("~ is not defined for float64")
    return scalar("^", x, True if x.dtype.kind == "b" else all_bits(x.dtype))


def absolute(x: Array) -> Array:
    """``abs(x)``."""
    if x.dtype.kind in "bu":
        return x.copy()
    return x.session.create(f"abs<{x.dtype_name},{rank(x)}>", pda=x)
