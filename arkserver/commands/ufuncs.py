"""arkserver's own: NumPy's functions of each element beyond those of the protocol."""

from __future__ import annotations

from arkserver.commands.registry import command
from arkserver.engine.algorithms import ufuncs
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array
from arkserver.wire.parameters import Scalar


@command("ufunc")
def of_one(ex: Executor, name: str, x: Array) -> Array:
    """A function of each element."""
    return ufuncs.apply(ex, name, x)


@command("ufuncvv")
def of_two(ex: Executor, name: str, a: Array, b: Array) -> Array:
    """A function of each pair of elements."""
    return ufuncs.apply(ex, name, a, b)


@command("ufuncvs")
def with_scalar(ex: Executor, name: str, a: Array, value: Scalar, reflected: bool = False) -> Array:
    """A function of each element and a scalar, which is the first operand if `reflected`."""
    scalar = value.value()
    return ufuncs.apply(ex, name, *((scalar, a) if reflected else (a, scalar)))
