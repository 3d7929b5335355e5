"""A user's own Python function, element by element.

It runs with the rights of the server, so the server has to allow it.
"""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.errors import ArgumentError

Load = Callable[[Any], Callable[[Any], Any]]


def apply_pickled(ex: Executor, x: Array, pickled: bytes, dtype: DType) -> Array:
    """Apply a pickled function to each element.

    Raises
    ------
    ArgumentError
        If the function cannot be loaded or fails on an element; the text has its error.
    """
    return layout.array_of(ex.map(_apply, x, _from_pickle, pickled, dtype), x, dtype)


def apply_text(ex: Executor, x: Array, text: str) -> Array:
    """Apply a function given as the text of an expression, such as ``lambda x,: x + 1``; the dtype stays.

    Raises
    ------
    ArgumentError
        If the text is no function of one argument or fails on an element.
    """
    return layout.array_of(ex.map(_apply, x, _from_text, text, x.dtype), x)


def _from_pickle(pickled: bytes) -> Any:
    return pickle.loads(pickled)  # noqa: S301 - only with --allow-apply


def _from_text(text: str) -> Any:
    return eval(text, {})  # noqa: S307 - only with --allow-apply


def _apply(block: NDArray[Any], load: Load, source: Any, dtype: DType) -> NDArray[Any]:
    try:
        fn = load(source)
        values = [fn(v) for v in block.ravel().tolist()]
        return np.array(values, dtype).reshape(block.shape)
    except Exception as e:  # noqa: BLE001 - a user's function may raise anything
        raise ArgumentError(f"the function could not be applied: {type(e).__name__}: {e}") from None
