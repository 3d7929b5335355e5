"""Functions of each element, with the names of the Python array API standard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client import dtypes, operators
from arkserver.client.operators import is_scalar, rank, typed
from arkserver.client.wire import Typed

if TYPE_CHECKING:
    from arkserver.client.arrays import Array

Function = Callable[..., Any]

# --- of one operand, float64 out -------------------------------------------------------------------------------------

# The standard's name -> the protocol's name and its key of the operand.
_FLOAT = {
    "acos": ("arccos", "x"),
    "acosh": ("arccosh", "x"),
    "asin": ("arcsin", "x"),
    "asinh": ("arcsinh", "x"),
    "atan": ("arctan", "x"),
    "atanh": ("arctanh", "x"),
    "cos": ("cos", "x"),
    "cosh": ("cosh", "x"),
    "sin": ("sin", "x"),
    "sinh": ("sinh", "x"),
    "tan": ("tan", "x"),
    "tanh": ("tanh", "x"),
    "exp": ("exp", "pda"),
    "expm1": ("expm1", "pda"),
    "log": ("log", "pda"),
    "log10": ("log10", "pda"),
    "log1p": ("log1p", "pda"),
    "log2": ("log2", "pda"),
}


def _float_function(name: str, command: str, key: str) -> Function:
    def function(x: Array, /) -> Array:
        x = x if x.dtype_name in ("int64", "uint64", "float64") else x.astype("float64")
        return x.session.create(f"{command}<{x.dtype_name},{rank(x)}>", **{key: x})

    return _named(function, name, f"``{command}`` of each element, float64.")


def _named(function: Function, name: str, doc: str) -> Function:
    function.__name__ = function.__qualname__ = name
    function.__doc__ = doc
    return function


def _rounding_function(name: str) -> Function:
    def function(x: Array, /) -> Array:
        if x.dtype.kind != "f":
            return x.copy()
        return x.session.create(f"{name}<{x.dtype_name},{rank(x)}>", x=x)

    return _named(function, name, f"``{name}`` of each element; whole numbers stay as they are.")


def _predicate(name: str, *, of_whole: bool) -> Callable[[Array], Array]:
    def function(x: Array, /) -> Array:
        if x.dtype.kind != "f":
            return x.session.full(x.shape, of_whole)
        return x.session.create(f"{name}<{rank(x)}>", pda=x)

    return _named(function, name, f"``{name}`` of each element.")


# --- NumPy's functions that the protocol lacks -----------------------------------------------------------------------


def _ufunc_of_one(name: str) -> Function:
    def function(x: Array, /) -> Array:
        return x.session.create("ufunc", name=name, x=x)

    return _named(function, name, f"``numpy.{name}`` of each element.")


def _ufunc_of_two(name: str) -> Function:
    def function(x1: Array | complex, x2: Array | complex, /) -> Array:
        return _ufunc(name, x1, x2)

    return _named(function, name, f"``numpy.{name}`` of each pair of elements.")


def _ufunc(name: str, x1: Any, x2: Any) -> Any:
    if is_scalar(x1):
        return _ufunc_with_scalar(name, x2, x1, reflected=True)
    if is_scalar(x2):
        return _ufunc_with_scalar(name, x1, x2, reflected=False)
    a, b = operators.broadcast(x1, x1.session.asarray(x2))
    return a.session.create("ufuncvv", name=name, a=a, b=b)


def _ufunc_with_scalar(name: str, x: Array, value: Any, *, reflected: bool) -> Array:
    sent = typed(value, dtypes.weak_dtype(value, x.dtype))
    return x.session.create("ufuncvs", name=name, a=x, value=sent, reflected=reflected)


# --- operators as functions ------------------------------------------------------------------------------------------


def _operator(name: str, op: str) -> Function:
    def function(x1: Any, x2: Any, /) -> Any:
        if is_scalar(x1):
            return operators.binary(op, x2, x1, reflected=True)
        return operators.binary(op, x1, x2)

    return _named(function, name, f"``x1 {op} x2``.")


_OPERATORS = {
    "add": "+",
    "subtract": "-",
    "multiply": "*",
    "divide": "/",
    "floor_divide": "//",
    "remainder": "%",
    "pow": "**",
    "bitwise_and": "&",
    "bitwise_or": "|",
    "bitwise_xor": "^",
    "bitwise_left_shift": "<<",
    "bitwise_right_shift": ">>",
    "equal": "==",
    "not_equal": "!=",
    "less": "<",
    "less_equal": "<=",
    "greater": ">",
    "greater_equal": ">=",
}

_isnan = _predicate("isnan", of_whole=False)

_UFUNCS_OF_ONE = ("sqrt", "cbrt", "signbit", "reciprocal", "exp2", "deg2rad", "rad2deg", "rint")
_UFUNCS_OF_TWO = ("maximum", "minimum", "fmax", "fmin", "hypot", "copysign", "logaddexp", "fmod")

FUNCTIONS: dict[str, Function] = {
    **{name: _float_function(name, *rest) for name, rest in _FLOAT.items()},
    **{name: _rounding_function(name) for name in ("ceil", "floor", "trunc")},
    "isinf": _predicate("isinf", of_whole=False),
    "isfinite": _predicate("isfinite", of_whole=True),
    **{name: _ufunc_of_one(name) for name in _UFUNCS_OF_ONE},
    **{name: _ufunc_of_two(name) for name in _UFUNCS_OF_TWO},
    **{name: _operator(name, op) for name, op in _OPERATORS.items()},
}
"""The functions that are made from tables; those below are written out."""


def isnan(x: Array, /) -> Array:
    """Where elements are nan."""
    return _isnan(x)


def abs(x: Array, /) -> Array:  # noqa: A001 - the standard's name
    """Absolute value."""
    return operators.absolute(x)


def negative(x: Array, /) -> Array:
    """``-x``."""
    return operators.negative(x)


def positive(x: Array, /) -> Array:
    """A copy."""
    return x.copy()


def square(x: Array, /) -> Array:
    """``x * x``."""
    return operators.arrays("*", x, x)


def sign(x: Array, /) -> Array:
    """-1, 0 or 1, or nan, in the dtype of `x`."""
    if x.dtype.kind in "bu":
        return (x != 0).astype(x.dtype)
    return x.session.create("ufunc", name="sign", x=x)


def round(x: Array, /) -> Array:  # noqa: A001
    """The nearest whole number, halves to even."""
    return x.round()


def real(x: Array, /) -> Array:
    """A copy: there are no complex numbers."""
    return x.copy()


conj = real


def bitwise_invert(x: Array, /) -> Array:
    """Every bit turned."""
    return operators.invert(x)


def logical_not(x: Array, /) -> Array:
    """Where `x` is zero."""
    return operators.invert(_truth(x))


def _truth(x: Any) -> Any:
    return bool(x) if is_scalar(x) else x.astype("bool")


def logical_and(x1: Any, x2: Any, /) -> Any:
    """Where both are non-zero."""
    return FUNCTIONS["bitwise_and"](_truth(x1), _truth(x2))


def logical_or(x1: Any, x2: Any, /) -> Any:
    """Where one is non-zero."""
    return FUNCTIONS["bitwise_or"](_truth(x1), _truth(x2))


def logical_xor(x1: Any, x2: Any, /) -> Any:
    """Where exactly one is non-zero."""
    return FUNCTIONS["bitwise_xor"](_truth(x1), _truth(x2))


def atan2(x1: Any, x2: Any, /) -> Any:
    """The angle of the point ``(x2, x1)``."""
    return _ufunc("arctan2", x1, x2)


def nextafter(x1: Any, x2: Any, /) -> Any:
    """The next number after `x1` towards `x2`."""
    return _ufunc("nextafter", x1, x2)


def clip(x: Array, /, min: Any = None, max: Any = None) -> Array:  # noqa: A002
    """Elements below `min` become `min`, those above `max` become `max`; None is no bound."""
    if min is not None:
        x = _ufunc("maximum", x, min).astype(x.dtype)
    if max is not None:
        x = _ufunc("minimum", x, max).astype(x.dtype)
    return x


def where(condition: Array, x1: Any, x2: Any, /) -> Array:
    """Elements of `x1` where `condition` holds, elsewhere those of `x2`."""
    shape = np.broadcast_shapes(condition.shape, *[a.shape for a in (x1, x2) if not is_scalar(a)])
    condition = operators.broadcast_to(condition.astype("bool"), shape)
    dtypes_ = _side_dtypes(x1, x2)
    a, b = (_side(v, d, shape) for v, d in zip((x1, x2), dtypes_, strict=True))
    kinds = "".join("s" if is_scalar(v) else "v" for v in (x1, x2))
    scalars = [v.dtype for v in (a, b) if isinstance(v, Typed)]
    arrays = [v.dtype_name for v in (a, b) if not isinstance(v, Typed)]
    command = "_".join([f"where{kinds}", *scalars]) + f"<{','.join([str(rank(condition)), *arrays])}>"
    return condition.session.create(command, condition=condition, a=a, b=b).astype(np.result_type(*dtypes_))


def _side_dtypes(x1: Any, x2: Any) -> list[np.dtype[Any]]:
    """The dtypes of both sides; a Python number follows the other side."""
    known = [v.dtype for v in (x1, x2) if not is_scalar(v)]
    return [dtypes.weak_dtype(v, known[0] if known else BOOL) if is_scalar(v) else v.dtype for v in (x1, x2)]


def _side(value: Any, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Any:
    # The protocol chooses among words and truth values; bytes are widened.
    dtype = dtypes.DTYPES["uint64"] if dtype == np.uint8 else dtype
    return typed(value, dtype) if is_scalar(value) else operators.broadcast_to(value.astype(dtype), shape)


BOOL = dtypes.DTYPES["bool"]
