"""NumPy's ufuncs on arrays of the server: ``numpy.sin(x)`` runs there."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.client import elementwise
from arkserver.client.remote import Remote

# NumPy's names where they differ from the standard's.
_NAMES = {
    "arccos": "acos",
    "arccosh": "acosh",
    "arcsin": "asin",
    "arcsinh": "asinh",
    "arctan": "atan",
    "arctan2": "atan2",
    "arctanh": "atanh",
    "absolute": "abs",
    "fabs": "abs",
    "power": "pow",
    "float_power": "pow",
    "true_divide": "divide",
    "invert": "bitwise_invert",
    "left_shift": "bitwise_left_shift",
    "right_shift": "bitwise_right_shift",
    "conjugate": "conj",
}


def dispatch(ufunc: np.ufunc, method: str, inputs: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
    """Run `ufunc` on the server; NotImplemented, which NumPy turns into a TypeError, for what is not there."""
    name = _NAMES.get(ufunc.__name__, ufunc.__name__)
    function = elementwise.FUNCTIONS.get(name) or getattr(elementwise, name, None)
    if method != "__call__" or keywords or function is None:
        return NotImplemented
    return function(*_on_server(inputs))


def _on_server(inputs: tuple[Any, ...]) -> list[Any]:
    """NumPy's arrays among the operands go to the session of the first that is on the server."""
    session = next(x.session for x in inputs if isinstance(x, Remote))
    return [_operand(session, x) for x in inputs]


def _operand(session: Any, x: Any) -> Any:
    if not isinstance(x, np.ndarray):
        return x
    return session.asarray(x) if x.shape else x[()]
