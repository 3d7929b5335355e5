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
from arkserver.engine.blocks import text, textorder
from arkserver.engine.executor import Executor, Refs
from arkserver.engine.layout import align, array_of
from arkserver.engine.values import Array, Column, Strings, TextBlock

UINT64 = np.dtype(np.uint64)
Words = NDArray[np.uint64]

DIGIT_BITS, MOST_DIGITS = 16, 8
"""What one digit of a key holds, and how many may be compared directly."""
SHORT_ALONE, SHORT_BESIDE = 15, 8
"""The longest strings, in bytes, that become integers: as the only key, and beside others."""


def group_columns(ex: Executor, keys: Sequence[Column]) -> list[Array]:
    """Numeric columns of equal length that group as the keys do, equally cut."""
    columns: list[Column] = list(align(ex, *keys))
    if any(isinstance(c, Strings) for c in columns):
        longest = [_longest(ex, c) for c in columns]
        if max(longest) > (SHORT_ALONE if len(columns) == 1 else SHORT_BESIDE):
            return _hashed(ex, columns)
        columns = [n for c, most in zip(columns, longest, strict=True) for n in _as_numbers(ex, c, most)]
    numbers = [as_bits(ex, c) for c in columns if isinstance(c, Array)]
    return numbers if _digits(ex, numbers) <= MOST_DIGITS else _hashed(ex, numbers)


def paired_columns(ex: Executor, left: Column, right: Column) -> tuple[list[Array], list[Array]]:
    """Numeric columns of two keys of one dtype, equal where the keys are."""
    longest = max(_longest(ex, left), _longest(ex, right))
    if longest > SHORT_ALONE:
        return _hashed(ex, [left]), _hashed(ex, [right])
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


def _hashed(ex: Executor, columns: Sequence[Column]) -> list[Array]:
    return _words(columns[0], ex.map_parts(2, _hash_rows, *columns))


def _hash_rows(*columns: Any) -> tuple[Words, Words]:
    """Upper and lower words of the combined 128-bit hashes of rows (protocol reference 9.6)."""
    upper, lower = _hash(columns[0])
    for i, column in enumerate(columns[1:], 1):
        high, low = _turned(*_hash(column), i)
        upper, lower = upper ^ high, lower ^ low
    return upper, lower


def _hash(column: Any) -> tuple[Words, Words]:
    if isinstance(column, TextBlock):
        return text.hashes(column)
    if column.dtype.itemsize == 1:
        return np.zeros(len(column), np.uint64), column.astype(np.uint64)
    return text.hash_words(column)


def _turned(upper: Words, lower: Words, n: int) -> tuple[Words, Words]:
    """The protocol's rotation by `n` bits, which mixes the upper word only."""
    left, right, mask = np.uint64(n % 64), np.uint64(-n % 64), np.uint64((1 << n) - 1 if n < 64 else 2**64 - 1)
    upper, lower = (upper << left) | (upper >> right), (lower << left) | (lower >> right)
    return (upper & ~mask) | (lower & mask), lower
