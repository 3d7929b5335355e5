"""How rows lie in blocks: making arrays from blocks, giving operands the same cut, bringing values here."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import moving
from arkserver.engine.buffers import empty
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.threads import split, threads
from arkserver.engine.values import Array, Column, Strings, TextBlock, starts

C = TypeVar("C", Array, Strings)

# A block this many times longer than the mean makes the array be cut anew (a skewed key must not load one worker).
LOPSIDED = 2.0


def even_rows(n: int, width: int) -> tuple[int, ...]:
    """The cut of a new array of `n` rows: near-equal blocks, fewer than `width` when there are fewer rows."""
    return tuple(b - a for a, b in split(n, max(1, min(width, n))))


def array_of(refs: Refs, like: Array, dtype: np.dtype[Any] | None = None) -> Array:
    """An array of new blocks with the shape, the cut and (unless given) the dtype of `like`."""
    dtype = like.dtype if dtype is None else dtype
    return Array(dtype, like.shape, refs.values, like.rows, like.max_bits)


def from_numpy(ex: Executor, x: NDArray[Any], max_bits: int = -1) -> Array:
    """Cut contents that are here into blocks; with one block nothing is copied.

    Parameters
    ----------
    x : ndarray
        C-ordered, of one of the dtypes of `values.DTYPES`.
    """
    if x.ndim == 0:
        return Array(x.dtype, (), ex.place([x]), (1,), max_bits)
    rows = even_rows(x.shape[0], ex.width)
    pieces = [x[a : a + n] for a, n in zip(starts(rows), rows, strict=True)]
    return Array(x.dtype, x.shape, ex.place(pieces), rows, max_bits)


def to_numpy(ex: Executor, x: Array) -> NDArray[Any]:
    """The contents, here, C-ordered; with one local block nothing is copied."""
    blocks = ex.fetch(x.blocks)
    if len(blocks) == 1:
        return np.asarray(blocks[0], order="C")  # ascontiguousarray would give a 0-d array an axis
    return concatenate_blocks(blocks, x.dtype)


def concatenate_blocks(blocks: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Blocks end to end along the first axis."""
    if len(blocks) == 1:
        return blocks[0]
    rows = tuple(len(b) for b in blocks)
    out = empty((sum(rows), *blocks[0].shape[1:]), dtype)
    targets = [out[a : a + n] for a, n in zip(starts(rows), rows, strict=True)]
    threads().run(np.copyto, targets, blocks)
    return out


def join_text(blocks: Sequence[TextBlock]) -> TextBlock:
    """Text blocks end to end; their offsets may be narrower than 64 bits, and begin anywhere."""
    if len(blocks) == 1 and blocks[0].offsets.dtype == np.int64 and not blocks[0].offsets[0]:
        return blocks[0]
    counts, sizes = tuple(len(b.offsets) - 1 for b in blocks), tuple(len(b.data) for b in blocks)
    offsets, data = empty(sum(counts) + 1, np.int64), empty(sum(sizes), np.uint8)
    offsets[0] = 0
    ends = [offsets[a + 1 : a + 1 + n] for a, n in zip(starts(counts), counts, strict=True)]
    targets = [data[a : a + n] for a, n in zip(starts(sizes), sizes, strict=True)]
    threads().run(_place_text, blocks, starts(sizes), ends, targets)
    return TextBlock(offsets, data)


def _place_text(block: TextBlock, at: int, ends: NDArray[np.int64], data: NDArray[np.uint8]) -> None:
    np.add(block.offsets[1:], at - int(block.offsets[0]), out=ends, dtype=np.int64)
    np.copyto(data, block.data)


def slice_text(block: TextBlock, start: int, stop: int) -> TextBlock:
    """Strings ``start:stop`` of a block, with offsets that begin at 0."""
    first, last = int(block.offsets[start]), int(block.offsets[stop])
    return TextBlock(block.offsets[start : stop + 1] - first, block.data[first:last])


def strings_from_block(ex: Executor, block: TextBlock) -> Strings:
    """Cut strings that are here into blocks."""
    n = len(block.offsets) - 1
    rows = even_rows(n, ex.width)
    if len(rows) == 1:
        return Strings(n, len(block.data), ex.place([block]), rows)
    pieces = [slice_text(block, a, a + k) for a, k in zip(starts(rows), rows, strict=True)]
    return Strings(n, len(block.data), ex.place(pieces), rows)


def text_here(ex: Executor, s: Strings) -> TextBlock:
    """All strings, here, as one block."""
    return join_text(ex.fetch(s.blocks))


def strings_of(ex: Executor, refs: Refs, rows: tuple[int, ...] | None = None) -> Strings:
    """Strings of new text blocks; asks the blocks for their sizes."""
    sizes = ex.collect(_text_size, refs)
    rows = tuple(n for n, _ in sizes) if rows is None else rows
    return Strings(sum(rows), sum(chars for _, chars in sizes), refs.values, rows)


def array_of_unknown(ex: Executor, refs: Refs, dtype: np.dtype[Any], tail: tuple[int, ...] = ()) -> Array:
    """An array of new blocks whose lengths only the blocks know; cut anew when they came out lopsided."""
    rows = tuple(ex.collect(len, refs))
    return rebalance(ex, Array(dtype, (sum(rows), *tail), refs.values, rows))


def rebalance(ex: Executor, x: C) -> C:
    """`x`, cut evenly if one block holds much more than its share."""
    mean = sum(x.rows) / len(x.rows)
    if max(x.rows) <= LOPSIDED * mean or max(x.rows) < len(x.rows):
        return x
    return relayout(ex, x, even_rows(sum(x.rows), ex.width))


def as_vector(ex: Executor, x: Array) -> Array:
    """A 0-d array as one of one element, over the same memory; others as they are."""
    if x.ndim:
        return x
    return Array(x.dtype, (1,), ex.map(_as_vector, x).values, (1,), x.max_bits)


def _as_vector(block: NDArray[Any]) -> NDArray[Any]:
    return block.reshape(1)


def flattened(ex: Executor, x: Array) -> Array:
    """Arrays of any number of axes as vectors, in C order, over the same memory."""
    if x.ndim == 1:
        return x
    vector = as_vector(ex, x)
    tail = math.prod(vector.shape[1:])
    rows = tuple(n * tail for n in vector.rows)
    return Array(x.dtype, (sum(rows),), ex.map(_ravel, vector).values, rows, x.max_bits)


def _ravel(block: NDArray[Any]) -> NDArray[Any]:
    return block.reshape(-1)


def apart(ex: Executor, source: Array, target: Array) -> Array:
    """`source`, or a copy of it when it is the array that a command is about to change."""
    return array_of(ex.map(moving.copy, source), source) if source.blocks[0] is target.blocks[0] else source


def align(ex: Executor, *values: Column) -> tuple[Any, ...]:
    """The values, all with the cut of the first."""
    rows = values[0].rows
    return tuple(v if v.rows == rows else relayout(ex, v, rows) for v in values)


def stacked(ex: Executor, *values: C) -> C:
    """Arrays (of one dtype, equal but for the first axis) or strings one behind the other."""
    blocks = tuple(b for v in values for b in v.blocks)
    rows = tuple(n for v in values for n in v.rows)
    shape = (sum(rows), *values[0].shape[1:])
    cut = even_rows(shape[0], max(ex.width, *(len(v.blocks) for v in values)))
    first = values[0]
    if isinstance(first, Strings):
        chars = sum(v.chars for v in values if isinstance(v, Strings))
        return relayout(ex, replace(first, size=shape[0], chars=chars, blocks=blocks, rows=rows), cut)
    return relayout(ex, replace(first, shape=shape, blocks=blocks, rows=rows), cut)


@overload
def relayout(ex: Executor, x: Array, rows: tuple[int, ...]) -> Array: ...
@overload
def relayout(ex: Executor, x: Strings, rows: tuple[int, ...]) -> Strings: ...
@overload
def relayout(ex: Executor, x: Column, rows: tuple[int, ...]) -> Column: ...
def relayout(ex: Executor, x: Column, rows: tuple[int, ...]) -> Column:
    """`x` cut into blocks of `rows`; only rows that change their block move."""
    cuts = np.cumsum((0, *rows))
    operands = (x, Each(starts(x.rows)), cuts)
    if isinstance(x, Strings):
        refs = ex.exchange(_split_text, operands, _merge_text, parts=len(rows))
        return Strings(x.size, x.chars, refs.values, rows)
    refs = ex.exchange(_split_rows, operands, _merge_rows, (x.dtype, x.shape[1:]), parts=len(rows))
    return Array(x.dtype, x.shape, refs.values, rows, x.max_bits)


def values_of_lists(ex: Executor, segments: Array, values: Column) -> Column:
    """`values`, cut so that each block holds those of the lists that start in the block of `segments`."""
    firsts = ex.collect(_first, segments)
    total = values.shape[0]
    edges: list[int] = [total]
    for first in reversed(firsts[1:]):
        edges.append(edges[-1] if first is None else first)
    edges.append(0)
    return relayout(ex, values, tuple(np.diff(edges[::-1]).tolist()))


def _first(block: NDArray[np.int64]) -> int | None:
    return int(block[0]) if len(block) else None


def _split_rows(block: NDArray[Any], start: int, cuts: NDArray[np.int64]) -> list[NDArray[Any]]:
    local = np.clip(cuts - start, 0, len(block))
    return [block[a:b] for a, b in pairwise(local.tolist())]


def _merge_rows(pieces: list[NDArray[Any]], dtype: np.dtype[Any], tail: tuple[int, ...]) -> NDArray[Any]:
    filled = [p for p in pieces if len(p)]
    if not filled:
        return np.empty((0, *tail), dtype)
    # One whole piece may be a view of a block that somebody changes in place later.
    return concatenate_blocks(filled, dtype) if len(filled) > 1 else moving.copy(filled[0])


def _split_text(block: TextBlock, start: int, cuts: NDArray[np.int64]) -> list[TextBlock]:
    local = np.clip(cuts - start, 0, len(block.offsets) - 1)
    return [slice_text(block, a, b) for a, b in pairwise(local.tolist())]


def _merge_text(pieces: list[TextBlock]) -> TextBlock:
    return join_text(pieces)


def _text_size(block: TextBlock) -> tuple[int, int]:
    return len(block.offsets) - 1, len(block.data)
