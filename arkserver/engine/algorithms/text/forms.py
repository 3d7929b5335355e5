"""Strings and the protocol's form of them: a uint8 array in which a NUL ends every string, and an array of starts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.indexing import rows_at
from arkserver.engine.blocks import text
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.values import DTYPES, Array, Strings, TextBlock, starts
from arkserver.errors import ArgumentError

INT64, UINT8, UINT64, BOOL = (DTYPES[n] for n in ("int64", "uint8", "uint64", "bool"))


def column(s: Strings, refs: Refs, dtype: np.dtype[np.generic]) -> Array:
    """An array of one element for each string, from new blocks."""
    return Array(dtype, s.shape, refs.values, s.rows)


def from_bytes(ex: Executor, data: NDArray[np.uint8]) -> Strings:
    """Strings from bytes that are here, a NUL after each string."""
    return layout.strings_from_block(ex, text.strip_terminators(data))


def lengths(ex: Executor, s: Strings) -> Array:
    """Bytes of each string."""
    return column(s, ex.map(text.lengths, s), INT64)


def wire_bytes(ex: Executor, s: Strings) -> Array:
    """The bytes of all strings, a NUL after each."""
    refs = ex.map(text.add_terminators, s)
    return Array(UINT8, (s.wire_bytes,), refs.values, _wire_rows(ex, s))


def wire_offsets(ex: Executor, s: Strings) -> Array:
    """Where each string starts in `wire_bytes`."""
    return column(s, ex.map(_wire_offsets, s, Each(starts(_wire_rows(ex, s)))), INT64)


def offsets_in_blocks(ex: Executor, s: Strings) -> Array:
    """Where each string starts in the block of `wire_bytes` that it is in."""
    return column(s, ex.map(_wire_offsets, s, 0), INT64)


def _wire_rows(ex: Executor, s: Strings) -> tuple[int, ...]:
    if len(s.rows) == 1:
        return (s.wire_bytes,)
    return tuple(ex.collect(_wire_size, s))


def _wire_size(block: TextBlock) -> int:
    return len(block.data) + text.size(block)


def _wire_offsets(block: TextBlock, start: int) -> NDArray[np.int64]:
    return block.offsets[:-1] + np.arange(start, start + text.size(block))


def assemble(ex: Executor, offsets: Array, values: Array) -> Strings:
    """Strings from where they start and the bytes, the last byte of each being its NUL.

    Raises
    ------
    ArgumentError
        If the offsets do not rise from 0 to less than the number of bytes.
    """
    filled = [first for first, n in zip(starts(offsets.rows), offsets.rows, strict=True) if n]
    begins = rows_at(ex, offsets, np.asarray(filled, np.int64)).tolist() if filled else []
    if begins and begins[0] != 0:
        raise ArgumentError(f"the first offset is {begins[0]}; strings start at 0")
    edges = _edges(offsets.rows, begins, values.size)
    if sorted(edges) != edges:
        raise ArgumentError(f"the offsets do not rise from 0 to {values.size}, the number of bytes")
    cut = layout.relayout(ex, values, tuple(np.diff(edges).tolist()))
    refs = ex.map(_assemble, offsets, Refs(cut.blocks), Each(edges[:-1]))
    return layout.strings_of(ex, refs, offsets.rows)


def _edges(rows: tuple[int, ...], begins: list[int], total: int) -> list[int]:
    """Where the bytes of each block of strings start; a block without strings has no bytes."""
    edges, left = [total], list(begins)
    for n in reversed(rows):
        edges.append(left.pop() if n else edges[-1])
    return edges[::-1]


def _assemble(offsets: NDArray[np.int64], data: NDArray[np.uint8], start: int) -> TextBlock:
    begins = np.append(offsets, start + len(data)) - start
    counts = np.diff(begins) - 1
    if len(counts) and (counts.min() < 0 or begins[0] < 0):
        raise ArgumentError("the offsets do not rise by at least one byte, the NUL that ends a string")
    return text.ranges(data, begins[:-1], counts)
