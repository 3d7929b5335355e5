"""New arrays: constants, sequences, copies."""

from __future__ import annotations

import math

from arkserver.commands import projection
from arkserver.commands.arguments import Target
from arkserver.commands.indexing import value_for
from arkserver.commands.registry import ALL, FIXED, INTEGRAL, command
from arkserver.commands.shapes import checked
from arkserver.engine.algorithms import creating
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType, Strings, itemsize
from arkserver.errors import ArgumentError
from arkserver.wire.parameters import Scalar, parse_scalar


def _new_array(dtype: DType, shape: tuple[int, ...]) -> int:
    return itemsize(dtype) * math.prod(max(0, n) for n in shape)


def _sequence(dtype: DType, start: int, stop: int, step: int) -> int:
    return itemsize(dtype) * creating.arange_size(start, stop, step) if step else 0


@command("create<dtype,nd>", project=_new_array)
def create(ex: Executor, dtype: DType, nd: int, shape: tuple[int, ...], val: str = "0") -> Array:
    """A new array of zeros or, which Arkouda does not know, of another value."""
    if len(shape) not in (0, nd):
        raise ArgumentError(f"{list(shape)} is not a shape of {nd} axes; give {nd} lengths")
    return creating.full(ex, checked(shape), parse_scalar(val, dtype), dtype)


@command("createScalarArray<dtype>", project=projection.nothing)
def create_scalar_array(ex: Executor, dtype: DType, value: Scalar) -> Array:
    """A 0-d array."""
    return creating.full(ex, (), value.value(dtype), dtype)


@command("set<array.dtype,array.nd>", dtypes=ALL, project=projection.nothing)
def set_all(ex: Executor, array: Target, val: str) -> Array:
    """Write one value over a whole array."""
    return creating.set_all(ex, array, value_for(array, val))


@command("deepcopy<x.dtype,x.nd>")
def deepcopy(ex: Executor, x: Array) -> Array:
    """A copy of an array under a new symbol."""
    return creating.copy(ex, x)


@command("arange<dtype,nd>", dtypes=(*INTEGRAL, "bigint"), ranks=(1,), project=_sequence)
def arange(ex: Executor, dtype: DType, nd: int, start: int, stop: int, step: int) -> Array:  # noqa: ARG001
    """A sequence of integers at equal distances."""
    if step == 0:
        raise ArgumentError("the step of arange is 0; it must be positive or negative")
    return creating.arange(ex, start, stop, step, dtype)


@command("eye<dtype>", dtypes=FIXED, project=lambda dtype, n, m: _new_array(dtype, (n, m)))
def eye(ex: Executor, dtype: DType, n: int, m: int, k: int) -> Array:
    """A matrix with ones on a diagonal."""
    rows, columns = checked((n, m))
    return creating.eye(ex, rows, columns, k, dtype)


@command("segmentedFull", project=lambda size, fill_value: max(0, size) * (8 + 4 * len(fill_value)))
def segmented_full(ex: Executor, size: int, fill_value: str) -> Strings:
    """Strings of one text, repeated."""
    (size,) = checked((size,))
    return creating.full_text(ex, size, fill_value)
