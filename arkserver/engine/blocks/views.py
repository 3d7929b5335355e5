"""Arrays as the kernels take them: contiguous, writable as far as Numba can tell, and as few types as possible."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

_BITS: dict[int, np.dtype[Any]] = {n: np.dtype(f"u{n}") for n in (1, 2, 4, 8)}


P = ParamSpec("P")
R = TypeVar("R")


def quiet(fn: Callable[P, R]) -> Callable[P, R]:
    """Let `fn` overflow, divide by zero and meet nan without a warning: the result says it."""

    @wraps(fn)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with np.errstate(all="ignore"):
            return fn(*args, **kwargs)

    return run


class _Memory:
    """The memory of an array, offered to NumPy as writable; keeps the array alive."""

    def __init__(self, x: Array) -> None:
        self.owner = x
        self.__array_interface__ = {**x.__array_interface__, "data": (x.__array_interface__["data"][0], False)}


def plain(x: Array) -> Array:
    """`x` as an argument of a kernel that only reads it.

    A read-only array is another type to Numba, which would be compiled again; so this is a view of the same memory that
    says it is writable. Copies only what is not C-ordered.
    """
    if x.flags.c_contiguous:
        return x if x.flags.writeable else np.asarray(_Memory(x))
    return np.ascontiguousarray(x)


def raw(x: Array) -> Array:
    """The bits of `x` as unsigned integers of its item size: movement and order need no more types than that."""
    return plain(x).view(_BITS[x.dtype.itemsize])


def has_bits(x: Array) -> bool:
    """Whether a kernel can move the elements as unsigned integers (not so the references of an object array)."""
    return x.dtype.itemsize in _BITS and not x.dtype.hasobject
