"""New arrays from nothing but parameters: constants, sequences, identity, copies."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import moving
from arkserver.engine.buffers import empty
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import array_of, even_rows, from_numpy, strings_of
from arkserver.engine.threads import threads
from arkserver.engine.values import BIGINT, Array, DType, Strings, TextBlock, starts


def full(ex: Executor, shape: tuple[int, ...], value: Any, dtype: DType) -> Array:
    """A new array of one value."""
    if not shape:
        return from_numpy(ex, np.array(value, dtype))
    rows = even_rows(shape[0], ex.width)
    refs = ex.map(moving.full, Each((n, *shape[1:]) for n in rows), value, dtype)
    return Array(dtype, shape, refs.values, rows)


def zeros(ex: Executor, shape: tuple[int, ...], dtype: DType) -> Array:
    """A new array of zeros (False for bool)."""
    return full(ex, shape, dtype.type() if dtype != BIGINT else 0, dtype)


def set_all(ex: Executor, x: Array, value: Any) -> Array:
    """Write one value over all of `x`."""
    return ex.update(moving.fill, x, value)


def copy(ex: Executor, x: Array) -> Array:
    """An array of its own with the contents of `x`."""
    return array_of(ex.map(moving.copy, x), x)


def arange_size(start: int, stop: int, step: int) -> int:
    """How many elements `arange` makes.

    The protocol's rule is ``(stop - start + step - 1) / step``, truncated toward zero; a client with a negative step
    sends ``stop + 2`` to make that right.
    """
    above, size = stop - start + step - 1, abs(stop - start + step - 1) // abs(step)
    return size if (above < 0) == (step < 0) else 0


def arange(ex: Executor, start: int, stop: int, step: int, dtype: DType) -> Array:
    """``start + i * step`` modulo the width of `dtype` (int64, uint64 or bigint)."""
    n = arange_size(start, stop, step)
    rows = even_rows(n, ex.width)
    refs = ex.map(_arange, Each(start + a * step for a in starts(rows)), Each(rows), step, dtype)
    return Array(dtype, (n,), refs.values, rows)


def _arange(start: int, n: int, step: int, dtype: DType) -> NDArray[Any]:
    if dtype == BIGINT:
        return np.array([start + i * step for i in range(n)], object)
    out = empty(n, dtype)
    threads().each_chunk(lambda a, b: moving.ramp(out[a:b], start + a * step, step), n)
    return out


def eye(ex: Executor, rows: int, columns: int, diagonal: int, dtype: DType) -> Array:
    """Ones on a diagonal (0 the main one, positive above it), zeros elsewhere."""
    diagonal = max(-rows, min(diagonal, columns))
    cut = even_rows(rows, ex.width)
    refs = ex.map(_eye, Each(starts(cut)), Each(cut), columns, diagonal, dtype)
    return Array(dtype, (rows, columns), refs.values, cut)


def _eye(start: int, rows: int, columns: int, diagonal: int, dtype: DType) -> NDArray[Any]:
    out = moving.full((rows, columns), 0, dtype)
    shift = start + diagonal
    row = np.arange(max(0, -shift), max(0, -shift, min(rows, columns - shift)))
    out[row, row + shift] = 1
    return out


def full_text(ex: Executor, size: int, text: str) -> Strings:
    """`size` copies of one text."""
    rows = even_rows(size, ex.width)
    return strings_of(ex, ex.map(_full_text, Each(rows), text.encode()), rows)


def _full_text(size: int, text: bytes) -> TextBlock:
    offsets = np.arange(size + 1, dtype=np.int64) * len(text)
    return TextBlock(offsets, np.tile(np.frombuffer(text, np.uint8), size))
