"""Conversion between numeric dtypes."""

from __future__ import annotations

from arkserver.commands.registry import ALL, command
from arkserver.engine.algorithms import casting
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType


@command("cast<name.dtype,to,name.nd>", dtypes=ALL, where=lambda source, to, _: casting.can_cast(source, to))
def cast(ex: Executor, name: Array, to: DType) -> Array:
    """The array in another dtype."""
    return casting.cast(ex, name, to)


@command("transmuteFloat")
def transmute_float(ex: Executor, name: Array) -> Array:
    """The bits of float64 as uint64."""
    return casting.float_bits(ex, name)
