"""Arrays of arbitrary precision: made from 64-bit words and taken apart again."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.arguments import Target
from arkserver.commands.registry import REAL, command
from arkserver.engine.algorithms import limbs
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array

_BIGINT = ("bigint",)


@command("big_int_creation<dtype,nd>", dtypes=_BIGINT)
def from_words(ex: Executor, arrays: list[Array], max_bits: int = -1) -> Array:
    """Bigint from arrays of words, the most significant first."""
    return limbs.joined(ex, arrays, max_bits)


@command("big_int_creation_multi_limb<dtype,nd>", dtypes=("uint64",))
def from_signed_words(ex: Executor, arrays: list[Array], signed: bool, max_bits: int = -1) -> Array:
    """Bigint from arrays of words, the least significant first; the last one may hold the sign."""
    return limbs.joined(ex, arrays[::-1], max_bits, signed=signed)


@command("big_int_creation_one_limb<array.dtype,array.nd>", dtypes=REAL)
def from_numbers(ex: Executor, array: Array, max_bits: int = -1) -> Array:
    """Bigint from integers, or from floats that are cut."""
    return limbs.widened(ex, array, max_bits)


@command("big_int_nbytes<array.dtype,array.nd>", dtypes=_BIGINT, project=projection.nothing)
def nbytes(ex: Executor, array: Array) -> str:
    """Bytes of all elements: 24 for each and 8 for each of its words."""
    return str(limbs.footprint(ex, array))


@command("bigint_to_uint_list<array.dtype,array.nd>", dtypes=_BIGINT)
def to_words(ex: Executor, array: Array) -> list[Array]:
    """uint64 arrays, the least significant words first."""
    return limbs.words(ex, array)


@command("get_max_bits<array.dtype,array.nd>", dtypes=_BIGINT, project=projection.nothing, distributed="server")
def get_max_bits(array: Array) -> str:
    """The bound of an array, -1 for none."""
    return str(array.max_bits)


@command("set_max_bits<array.dtype,array.nd>", dtypes=_BIGINT)
def set_max_bits(ex: Executor, array: Target, max_bits: int) -> Array:
    """Keep an array modulo 2**max_bits from now on; -1 for no bound."""
    return limbs.bounded(ex, array, max_bits)
