"""All functions of arrays in one place, by the names of the array API standard and, beyond it, of NumPy."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from arkserver.client import elementwise, manipulation, reductions, searching

_MODULES = (manipulation, elementwise, reductions, searching)

_HELPERS = {"normalise_axis", "normalise_axes", "kept", "reduce", "reversed_axes"}


def _public(module: Any) -> dict[str, Callable[..., Any]]:
    own = {k: v for k, v in vars(module).items() if getattr(v, "__module__", "") == module.__name__}
    return {k: v for k, v in own.items() if callable(v) and not k.startswith("_") and k not in _HELPERS}


FUNCTIONS: dict[str, Callable[..., Any]] = dict(elementwise.FUNCTIONS)
for _module in _MODULES:
    FUNCTIONS |= _public(_module)
