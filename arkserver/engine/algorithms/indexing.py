"""Reading and writing parts of arrays by index array and mask.

With one block each it is the block's own gather or scatter. Otherwise the indexes travel to the blocks that hold the
rows (with the values, to be written), and what is read travels back. Where to send all of the array moves no more bytes
than that, as when many rows are looked up in a small table, each block of the indexes gets all of it instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.ranges import by_cell, joined
from arkserver.engine.blocks import moving
from arkserver.engine.blocks.dealing import Deal, deal_near, deal_to, owners
from arkserver.engine.buffers import empty
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import (
    align,
    apart,
    array_of,
    array_of_unknown,
    as_vector,
    concatenate_blocks,
    relayout,
    to_numpy,
)
from arkserver.engine.threads import MINIMUM_CHUNK, threads
from arkserver.engine.values import Array, starts
from arkserver.errors import ArgumentError

Ints = NDArray[np.int64]
Positions = tuple[Ints, ...]
"""Positions along one axis or several, of equal length."""
Rows = NDArray[np.int64] | NDArray[np.uint32]
Written = tuple[Any, ...]
"""What an owner gets: where ranges of it but the first begin (a tuple), `Rows`, and their values, if these differ."""

# What arrives for a block is one piece up to so many rows: fewer arrays to hand on.
JOINED_ROWS = 1 << 14
# Rows of a block of no more than these are numbered in 32 bits.
NARROW_ROWS = 1 << 32


def rows_at(ex: Executor, x: Array, positions: Ints) -> NDArray[Any]:
    """The contents at a few positions of the first axis, here; only the blocks that hold them are asked."""
    parts = ex.collect(_rows_in_block, x, Each(starts(x.rows)), positions)
    out = np.empty((len(positions), *x.shape[1:]), x.dtype)
    for where, values in parts:
        out[where] = values
    return out


def row_at(ex: Executor, x: Array, position: int) -> Any:
    """The contents at one position of the first axis, here; of a 0-d array its element."""
    if x.ndim == 0:
        return ex.fetch(x.blocks)[0][()]
    return rows_at(ex, x, np.array([position]))[0]


def _rows_in_block(block: NDArray[Any], start: int, positions: Ints) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    where = (positions >= start) & (positions < start + len(block))
    return where, block[positions[where] - start]


# --- bounds ----------------------------------------------------------------------------------------------------------


def bounds(ex: Executor, index: Array) -> tuple[int, int]:
    """Least and greatest element of an int64 or uint64 array; ``(0, -1)`` when it is empty."""
    low, high = zip(*ex.collect(_bounds, as_vector(ex, index)), strict=True)
    if index.dtype == np.uint64 and min(low) < 0:
        return 0, min(low) + (1 << 64)
    filled = [(a, b) for a, b in zip(low, high, strict=True) if a <= b]
    return (min(a for a, _ in filled), max(b for _, b in filled)) if filled else (0, -1)


def _bounds(block: NDArray[Any]) -> tuple[int, int]:
    return moving.minmax(signed(block))


def check_bounds(ex: Executor, index: Array, n: int, routine: str) -> None:
    """See to it that all of `index` is in ``0 .. n - 1``.

    Raises
    ------
    ArgumentError
        In the protocol's words, which name the upstream `routine`.
    """
    low, high = bounds(ex, index)
    if low < 0:
        raise ArgumentError(f"Error: {routine}: OOBindex {low} < 0")
    if high >= n:
        raise ArgumentError(f"Error: {routine}: OOBindex {high} > {n - 1}")


def from_the_front(ex: Executor, index: Array, n: int) -> Array:
    """Indexes of which negative ones count from the end of `n` positions, all counted from the front."""
    return array_of(ex.map(_from_the_front, index, n), index)


def _from_the_front(block: NDArray[Any], n: int) -> NDArray[Any]:
    return np.where(block < 0, block + n, block)


def inverted(ex: Executor, mask: Array) -> Array:
    """A mask that is true where `mask` is not."""
    return array_of(ex.map(np.logical_not, mask), mask)


def signed(index: NDArray[Any]) -> Ints:
    """The indexes as int64; unsigned ones that are in range keep their value."""
    return index.view(np.int64) if index.dtype.itemsize == 8 else index.astype(np.int64)


# --- reading ---------------------------------------------------------------------------------------------------------


def gather(ex: Executor, x: Array, index: Array) -> Array:
    """``x[index]`` along the first axis, for indexes that are known to be in range."""
    return take_points(ex, x, (0,), (index,))


def take(ex: Executor, x: Array, index: Array, axis: int) -> Array:
    """``x`` at the positions `index` of one axis, for indexes that are known to be in range."""
    return take_points(ex, x, (axis,), (index,))


def take_points(ex: Executor, x: Array, axes: tuple[int, ...], indexes: Sequence[Array]) -> Array:
    """``x`` at points that index arrays give along some axes; all of the other axes.

    Parameters
    ----------
    axes : tuple of int
        Ascending.
    indexes : sequence of Array
        One for each of `axes`: 1-D, int64 or uint64, all of one length, known to be in range. Those of inner axes alone
        are handed to every block as a whole.

    Returns
    -------
    Array
        The first of `axes` has the length of the indexes, the others of them length 1.
    """
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    shape = (*shape[: axes[0]], indexes[0].size, *shape[axes[0] + 1 :])
    if axes[0] > 0:
        positions = tuple(signed(to_numpy(ex, i)) for i in indexes)
        return Array(x.dtype, shape, ex.map(_points, x, axes, positions).values, x.rows, x.max_bits)
    indexes = align(ex, *indexes)
    if len(x.blocks) == len(indexes[0].blocks) == 1:
        refs = ex.map(_points_of, x, axes, *indexes)
    elif ex.shares(x.nbytes, sum(i.nbytes for i in indexes) + _row_bytes(x, indexes[0].size)):
        refs = ex.share(x, _points_across, axes, *indexes)
    else:
        refs = _take_across(ex, x, axes, indexes)
    return Array(x.dtype, shape, refs.values, indexes[0].rows, x.max_bits)


def _row_bytes(x: Array, rows: int) -> int:
    return rows * (x.nbytes // max(1, x.shape[0]))


def _points_across(pieces: list[NDArray[Any]], axes: tuple[int, ...], *indexes: NDArray[Any]) -> NDArray[Any]:
    if axes == (0,) and pieces[0].ndim == 1:
        return moving.gather_across(pieces, signed(indexes[0]))
    return _points_of(concatenate_blocks(pieces, pieces[0].dtype), axes, *indexes)


def _take_across(ex: Executor, x: Array, axes: tuple[int, ...], indexes: Sequence[Array]) -> Refs:
    """The indexes go to the owners of the rows, the rows come back."""
    edges = np.cumsum((0, *x.rows))
    requests = ex.exchange(by_owner, (edges, *indexes), requests_of, parts=len(x.blocks))
    back = (x.dtype, edges, indexes[0])
    parts, moved = len(indexes[0].blocks), _row_bytes(x, indexes[0].size)
    return ex.exchange(_answers, (x, axes, requests), _assemble, back, parts=parts, moved=moved)


def _points_of(block: NDArray[Any], axes: tuple[int, ...], *indexes: NDArray[Any]) -> NDArray[Any]:
    return _points(block, axes, tuple(map(signed, indexes)))


def _points(block: NDArray[Any], axes: tuple[int, ...], positions: Positions) -> NDArray[Any]:
    if axes == (0,):
        return take_rows(block, positions[0])
    key: list[Any] = [slice(None)] * block.ndim
    for axis, where in zip(axes, positions, strict=True):
        key[axis] = where
    return np.ascontiguousarray(np.expand_dims(block[tuple(key)], axes[1:]))


def take_rows(block: NDArray[Any], index: Ints) -> NDArray[Any]:
    """``block[index]`` along the first axis, for indexes in range."""
    if block.ndim == 1:
        return moving.gather(block, index)
    out = empty((len(index), *block.shape[1:]), block.dtype)
    if not out.size:
        return out
    minimum = 1 + MINIMUM_CHUNK * len(out) // out.size
    threads().each_chunk(
        lambda a, b: np.take(block, index[a:b], axis=0, out=out[a:b], mode="clip"), len(index), minimum
    )
    return out


def dealt_to_owners(edges: Ints, index: NDArray[Any]) -> Deal:
    """Rows dealt out to the blocks that hold them, which begin at `edges`; the last of these is the end."""
    return deal_to(owners(edges, signed(index)), len(edges) - 1)


def by_owner(edges: Ints, *indexes: NDArray[Any]) -> list[Positions]:
    """The positions that each owner is asked for, the first of them counted from the owner's first row."""
    deal = dealt_to_owners(edges, indexes[0])
    first, *others = map(signed, indexes)
    return list(zip(deal.pieces_within(first, edges, np.int64), *map(deal.pieces, others), strict=True))


def requests_of(pieces: list[Positions]) -> tuple[list[int], Positions]:
    """What one owner is asked for: how much by each asking block, and all of it end to end."""
    return [len(p[0]) for p in pieces], joined(pieces)


def _answers(block: NDArray[Any], axes: tuple[int, ...], request: tuple[list[int], Positions]) -> list[NDArray[Any]]:
    counts, positions = request
    values = _points(block, axes, positions)
    return [values[a:b] for a, b in pairwise(np.cumsum((0, *counts)).tolist())]


def _assemble(pieces: list[NDArray[Any]], dtype: np.dtype[Any], edges: Ints, first: NDArray[Any]) -> NDArray[Any]:
    """Put the answers of all owners into the order in which the indexes asked."""
    return dealt_to_owners(edges, first).back(concatenate_blocks(pieces, dtype))


def compress(ex: Executor, x: Array, mask: Array) -> Array:
    """The rows of `x` where a 1-D mask is true."""
    x, mask = align(ex, x, mask)
    refs = ex.map(keep_rows, x, mask)
    return array_of_unknown(ex, refs, x.dtype, x.shape[1:]).with_max_bits(x.max_bits)


def keep_rows(block: NDArray[Any], mask: NDArray[np.bool_]) -> NDArray[Any]:
    """The rows of a block where the mask is true."""
    return moving.compress(block, mask) if block.ndim == 1 else take_rows(block, moving.nonzero(mask))


def nonzero(ex: Executor, x: Array) -> list[Array]:
    """The positions of the elements that are not zero, one int64 array for each axis."""
    columns = ex.map_parts(x.ndim, _nonzero, x, Each(starts(x.rows)))
    return [array_of_unknown(ex, refs, np.dtype(np.int64)) for refs in columns]


def _nonzero(block: NDArray[Any], start: int) -> list[Ints]:
    flat = moving.nonzero(as_mask(block).reshape(-1))
    columns = [flat] if block.ndim == 1 else list(np.unravel_index(flat, block.shape))
    return [columns[0] + start if start else columns[0], *columns[1:]]


def as_mask(block: NDArray[Any]) -> NDArray[np.bool_]:
    """Where a block is not zero."""
    if block.dtype == np.bool_:
        return block
    out = empty(block.shape, np.bool_)
    flat, target = block.reshape(-1), out.reshape(-1)
    threads().each_chunk(lambda a, b: np.not_equal(flat[a:b], 0, out=target[a:b]), flat.size)
    return out


# --- writing ---------------------------------------------------------------------------------------------------------


def scatter(ex: Executor, x: Array, index: Array, values: Array) -> Array:
    """``x[index] = values`` along the first axis, for indexes in range; of equal indexes the last one wins."""
    index, values = align(ex, apart(ex, index, x), apart(ex, values, x))
    if len(x.blocks) == len(index.blocks) == 1:
        return ex.update(_scatter, x, index, values)
    edges = np.cumsum((0, *x.rows))
    requests = ex.exchange(_to_owner, (edges, index, values), _arrived, parts=len(x.blocks))
    return ex.update(_scatter_pieces, x, requests)


def _scatter(block: NDArray[Any], index: NDArray[Any], values: NDArray[Any]) -> None:
    put_rows(block, signed(index), values)


def put_rows(out: NDArray[Any], index: Rows, values: NDArray[Any]) -> None:
    """``out[index] = values`` along the first axis, for indexes in range."""
    if out.ndim == 1:
        moving.scatter(out, index, values)
    else:
        out[index] = values


def _to_owner(edges: Ints, index: NDArray[Any], *values: NDArray[Any]) -> list[Written]:
    """For each owner where ranges of its rows begin, its rows, counted from the first one, and their values."""
    deal, begins, ranges = deal_near(edges, signed(index))
    dtype = np.uint32 if np.diff(edges).max() <= NARROW_ROWS else np.int64
    return list(zip(ranges, deal.pieces_within(signed(index), begins, dtype), *map(deal.pieces, values), strict=True))


def _arrived(pieces: list[Written]) -> list[Written]:
    """What all blocks send to one; much of it is not put end to end, as it is read only once."""
    if sum(len(rows) for _, rows, *_ in pieces) > JOINED_ROWS:
        return pieces
    return [((), *joined([tuple(columns) for _, *columns in pieces]))]


def _scatter_pieces(block: NDArray[Any], pieces: list[Written]) -> None:
    for index, values in chain.from_iterable(by_cell(pieces)):
        put_rows(block, index, values)


def scatter_value(ex: Executor, x: Array, index: Array, value: Any) -> Array:
    """``x[index] = value`` for indexes of a 1-D array that are known to be in range."""
    index = apart(ex, index, x)
    if len(x.blocks) == len(index.blocks) == 1:
        return ex.update(_scatter_value, x, index, value)
    edges = np.cumsum((0, *x.rows))
    requests = ex.exchange(_to_owner, (edges, index), _arrived, parts=len(x.blocks))
    return ex.update(_scatter_value_pieces, x, requests, value)


def _scatter_value(block: NDArray[Any], index: NDArray[Any], value: Any) -> None:
    moving.scatter_scalar(block, signed(index), value)


def _scatter_value_pieces(block: NDArray[Any], pieces: list[Written], value: Any) -> None:
    for (index,) in chain.from_iterable(by_cell(pieces)):
        moving.scatter_scalar(block, index, value)


def fill_where(ex: Executor, x: Array, mask: Array, value: Any) -> Array:
    """``x[mask] = value`` for a mask of the length of the first axis."""
    x, mask = align(ex, x, mask)
    return ex.update(_fill_where, x, mask, value)


def _fill_where(block: NDArray[Any], mask: NDArray[np.bool_], value: Any) -> None:
    threads().each_chunk(lambda a, b: np.copyto(block[a:b], value, where=mask[a:b]), len(block))


def put_where(ex: Executor, x: Array, mask: Array, values: Array) -> Array:
    """``x[mask] = values`` in order, for a 1-D mask.

    Raises
    ------
    ArgumentError
        If the mask does not select as many rows as there are values.
    """
    x, mask = align(ex, x, mask)
    counts = tuple(ex.collect(_count, mask))
    if sum(counts) != values.shape[0]:
        raise ArgumentError(f"Error: setPdarrayIndexToPdarrayMsg: pop size mismatch {sum(counts)} {values.shape[0]}")
    values = apart(ex, values, x)
    cut = values if values.rows == counts else relayout(ex, values, counts)
    return ex.update(_put_where, x, mask, Refs(cut.blocks))


def _count(mask: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(mask))


def _put_where(block: NDArray[Any], mask: NDArray[np.bool_], values: NDArray[Any]) -> None:
    put_rows(block, moving.nonzero(mask), values)
