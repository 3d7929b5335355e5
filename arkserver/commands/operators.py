"""Binary operators between arrays and scalars, and their in-place forms."""

from __future__ import annotations

from arkserver.commands.arguments import Target
from arkserver.commands.registry import ALL, command
from arkserver.engine.algorithms import operators
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.wire.parameters import Scalar


@command("binopvv<a.dtype,b.dtype,a.nd>", dtypes=ALL)
def binopvv(ex: Executor, op: str, a: Array, b: Array) -> Array:
    """Operate on two arrays, element by element."""
    return operators.binary(ex, "binopvv", op, a, b)


@command("binopvs<a.dtype,scalar,a.nd>", dtypes=ALL)
def binopvs(ex: Executor, op: str, a: Array, scalar: DType, value: Scalar) -> Array:
    """Operate on an array and a scalar to its right."""
    return operators.binary(ex, "binopvs", op, a, value.value(scalar))


@command("binopsv<a.dtype,scalar,a.nd>", dtypes=ALL)
def binopsv(ex: Executor, op: str, a: Array, scalar: DType, value: Scalar) -> Array:
    """Operate on an array and a scalar to its left."""
    return operators.binary(ex, "binopsv", op, value.value(scalar), a)


@command("opeqvv<a.dtype,b.dtype,a.nd>", dtypes=ALL)
def opeqvv(ex: Executor, op: str, a: Target, b: Array) -> Array:
    """Operate on an array in place, with another array."""
    return operators.in_place(ex, "opeqvv", op, a, b)


@command("opeqvs<a.dtype,a.nd>", dtypes=ALL)
def opeqvs(ex: Executor, op: str, a: Target, value: Scalar) -> Array:
    """Operate on an array in place, with a scalar that is taken as the array's dtype."""
    return operators.in_place(ex, "opeqvs", op, a, value.value(a.dtype))
