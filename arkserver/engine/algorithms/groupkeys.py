"""The numbers by which keys are grouped (protocol reference 9.4): they decide the order of the groups.

Numeric keys that need at most 128 bits together are grouped by themselves. Short strings are integers; what is longer
is grouped by 128-bit hashes, and so are keys that need more bits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import indexing
from arkserver.engine.algorithms.text.hashing import combined, hashes
from arkserver.engine.blocks import text, textorder
from arkserver.engine.blocks.codes import codes
from arkserver.engine.executor import Executor, Refs
from arkserver.engine.layout import align, array_of
from arkserver.engine.values import Array, Column, Strings, TextBlock

UINT64 = np.dtype(np.uint64)
Words = NDArray[np.uint64]

DIGIT_BITS, MOST_DIGITS = 16, 8
"""What one digit of a key holds, and how many may be compared directly."""
SHORT_ALONE, SHORT_BESIDE = textorder.MOST_AS_INTEGERS, 8
"""The longest strings, in bytes, that become integers: as the only key, and beside others."""


def group_columns(ex: Executor, keys: Sequence[Column]) -> list[Array]:
    """Numeric columns of equal length that group as the keys do, equally cut."""
    columns: list[Column] = list(align(ex, *keys))
    if any(isinstance(c, Strings) for c in columns):
        longest = [_longest(ex, c) for c in columns]
        if max(longest) > (SHORT_ALONE if len(columns) == 1 else SHORT_BESIDE):
            return hashed(ex, columns)
        columns = [n for c, most in zip(columns, longest, strict=True) for n in _as_numbers(ex, c, most)]
    numbers = [as_bits(ex, c) for c in columns if isinstance(c, Array)]
    return numbers if _digits(ex, numbers) <= MOST_DIGITS else hashed(ex, numbers)


def paired_columns(ex: Executor, left: Column, right: Column) -> tuple[list[Array], list[Array]]:
    """Numeric columns of two keys of one dtype, equal where the keys are."""
    longest = max(_longest(ex, left), _longest(ex, right))
    if longest > SHORT_ALONE:
        return hashed(ex, [left]), hashed(ex, [right])
    return _as_numbers(ex, left, longest), _as_numbers(ex, right, longest)


def _longest(ex: Executor, column: Column) -> int:
    """Bytes of the longest string; 0 for numbers."""
    return max(ex.collect(_longest_of, column)) if isinstance(column, Strings) else 0


def _longest_of(block: TextBlock) -> int:
    return int(text.lengths(block).max(initial=0))


def _as_numbers(ex: Executor, column: Column, longest: int) -> list[Array]:
    if isinstance(column, Array):
        return [column]
    parts = 1 if longest <= textorder.WORD else 2
    return _words(column, ex.map_parts(parts, textorder.as_integers, column, longest))


def _words(like: Column, columns: Sequence[Refs]) -> list[Array]:
    return [Array(UINT64, like.shape, refs.values, like.rows) for refs in columns]


def as_bits(ex: Executor, x: Array) -> Array:
    """Floats as the unsigned numbers that their bits are; not copied."""
    return array_of(ex.map(_bits, x), x, UINT64) if x.dtype.kind == "f" else x


def _bits(x: NDArray[Any]) -> Words:
    return x.view(np.uint64)


def comparable(ex: Executor, x: Array) -> Array:
    """Integers in the order of the values, equal where these are: one for all nan, one for both zeros."""
    return array_of(ex.map(_normal, x), x, codes(np.empty(0, x.dtype)).dtype)


def _normal(x: NDArray[Any]) -> NDArray[Any]:
    return codes(np.where(np.isnan(x), np.nan, x + 0.0)) if x.dtype.kind == "f" else codes(x)


def _digits(ex: Executor, columns: Sequence[Array]) -> int:
    """How many digits the keys need by their ranges; not measured for two, which always fit."""
    if len(columns) <= 2:
        return 0
    return sum(-(-_bits_of(ex, c) // DIGIT_BITS) for c in columns)


def _bits_of(ex: Executor, column: Array) -> int:
    if column.dtype.itemsize == 1:
        return 8 * column.dtype.itemsize
    low, high = indexing.bounds(ex, column)
    return max(int(high).bit_length() if high >= 0 else 0, int(-low - 1).bit_length() if low < 0 else 0) + (low < 0)


def hashed(ex: Executor, columns: Sequence[Column]) -> list[Array]:
    """Upper and lower words of the 128-bit hash of each row of equally cut columns (protocol reference 9.6)."""
    return list(combined(ex, [hashes(ex, _hashable(ex, c)) for c in columns]))


def _hashable(ex: Executor, x: Column) -> Column:
    if isinstance(x, Array) and x.dtype == np.uint8:
        return array_of(ex.map(_as_words, x), x, UINT64)
    return x


def _as_words(x: NDArray[Any]) -> Words:
    return x.astype(np.uint64)
