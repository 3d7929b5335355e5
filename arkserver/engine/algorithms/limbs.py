"""Bigint arrays from and to arrays of 64-bit words, and their bound."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.bigint import mask_of
from arkserver.engine.algorithms.dtype_tables import FLOAT64, INT64, UINT64
from arkserver.engine.algorithms.elementwise import each
from arkserver.engine.blocks import integers
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, Array
from arkserver.errors import ArgumentError, UnsupportedError


def joined(ex: Executor, limbs: Sequence[Array], max_bits: int, *, signed: bool = False) -> Array:
    """Bigint from words, the most significant first; with `signed` that one is two's complement.

    Raises
    ------
    ArgumentError
        There are no words, or their shapes differ.
    UnsupportedError
        Words that are not uint64.
    """
    if not limbs:
        raise ArgumentError("there are no arrays of words to make a bigint array of")
    for x in limbs:
        if x.dtype != UINT64:
            raise UnsupportedError(f"an array of words is {x.dtype}; it must be uint64")
    first = each(ex, _reinterpret, INT64, limbs[0]) if signed else limbs[0]
    fn = partial(integers.from_limbs, mask_of(max_bits))
    return each(ex, fn, BIGINT, first, *limbs[1:]).with_max_bits(max_bits)


def _reinterpret(x: NDArray[np.uint64], out: NDArray[np.int64]) -> None:
    np.copyto(out, x.view(np.int64))


def widened(ex: Executor, x: Array, max_bits: int) -> Array:
    """Bigint from integers, or from floats cut to integers.

    Raises
    ------
    ArgumentError
        For floats that are nan or infinite.
    """
    if x.dtype != FLOAT64:
        return bounded(ex, x, max_bits)
    if not all(ex.collect(_all_finite, x)):
        raise ArgumentError("Non-finite real values detected")
    return each(ex, partial(integers.from_floats, mask_of(max_bits)), BIGINT, x).with_max_bits(max_bits)


def _all_finite(block: NDArray[np.float64]) -> bool:
    return bool(np.isfinite(block).all())


def bounded(ex: Executor, x: Array, max_bits: int) -> Array:
    """Integers of any dtype as bigint, kept modulo ``2 ** max_bits`` from now on (-1: no bound)."""
    return each(ex, partial(integers.keep, mask_of(max_bits)), BIGINT, x).with_max_bits(max_bits)


def words(ex: Executor, x: Array) -> list[Array]:
    """uint64 arrays, the least significant first, as many as the largest element needs in two's complement.

    The sign is not part of them: what is left above is 0 or -1 everywhere.
    """
    bits = max(ex.collect(integers.most_bits, x))
    return _first_words(ex, x, max(1, -(-bits // 64)))


def signed_words(ex: Executor, x: Array) -> list[Array]:
    """`words` with their sign in the uppermost bit, one more if that is taken."""
    bits = max(ex.collect(integers.most_bits, x))
    return _first_words(ex, x, bits // 64 + 1)


def _first_words(ex: Executor, x: Array, count: int) -> list[Array]:
    return [each(ex, partial(integers.limb, i), UINT64, x) for i in range(count)]


def has_negative(ex: Executor, x: Array) -> bool:
    """Whether any element is below 0."""
    return any(ex.collect(_has_negative, x))


def _has_negative(block: NDArray[np.object_]) -> bool:
    return any(value < 0 for value in block.ravel().tolist())


def footprint(ex: Executor, x: Array) -> int:
    """Bytes of a bigint array as the protocol counts them."""
    return sum(ex.collect(integers.footprint, x))
