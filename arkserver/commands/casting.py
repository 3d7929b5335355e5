"""Conversion between dtypes, and between numbers and strings."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import ALL, command
from arkserver.engine.algorithms import casting
from arkserver.engine.algorithms.text import casting as texts
from arkserver.engine.algorithms.text import forms
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType, Strings
from arkserver.errors import ArgumentError, UnsupportedError


@command("cast<name.dtype,to,name.nd>", dtypes=ALL, where=lambda source, to, _: casting.can_cast(source, to))
def cast(ex: Executor, name: Array, to: DType) -> Array:
    """The array in another dtype."""
    return casting.cast(ex, name, to)


@command("transmuteFloat")
def transmute_float(ex: Executor, name: Array) -> Array:
    """The bits of float64 as uint64."""
    return casting.float_bits(ex, name)


@command("castToStrings<name.dtype>", dtypes=ALL, project=projection.times(8, "name"))
def to_strings(ex: Executor, name: Array) -> tuple[Array, Array]:
    """The elements as text: where each starts, and the bytes with a NUL after each."""
    if name.ndim != 1:
        raise UnsupportedError(f"an array of {name.ndim} dimensions; only those of one become strings")
    strings = texts.to_strings(ex, name)
    return forms.wire_offsets(ex, strings), forms.wire_bytes(ex, strings)


@command("castStringsTo<to>", dtypes=ALL, project=projection.times(3, "name"))
def from_strings(ex: Executor, name: Strings, to: DType, opt: str) -> Array | tuple[Array, Array]:
    """The numbers that strings hold; a string that holds none is an error, or is marked, as the client wishes."""
    match opt:
        case "strict":
            return texts.from_valid_strings(ex, name, to)
        case "ignore":
            return texts.from_strings(ex, name, to)[0]
        case "return_validity":
            return texts.from_strings(ex, name, to)
    raise ArgumentError(f"{opt} is no way to treat errors; known are strict, ignore and return_validity")
