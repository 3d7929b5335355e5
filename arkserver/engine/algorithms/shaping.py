"""Other shapes of the same elements: reshape, permute axes, join, split, broadcast.

What keeps the first axis is a map over the blocks. What changes the cut moves rows (`layout.relayout`), or, for a
permutation of the first axis, pieces from every block to every other. All results have memory of their own.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.slicing import take_slice
from arkserver.engine.blocks import moving
from arkserver.engine.buffers import empty
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import align, array_of, as_vector, concatenate_blocks, even_rows, rebalance, relayout
from arkserver.engine.values import Array, starts

Shape = tuple[int, ...]
Widths = Sequence[tuple[int, int]]

# --- reshape ---------------------------------------------------------------------------------------------------------


def reshape(ex: Executor, x: Array, shape: Shape) -> Array:
    """The same elements, in C order, in another shape of as many elements."""
    found = reshaped(ex, x, shape)
    return array_of(ex.map(moving.copy, found), found) if _keeps_cut(x, shape) else found


def reshaped(ex: Executor, x: Array, shape: Shape) -> Array:
    """`reshape`, over the same memory where the cut allows it: for what is copied anyway, or is nobody else's."""
    width = math.prod(shape[1:])
    if not shape or not width:
        return _small_reshape(ex, x, shape)
    flat = _flat(ex, x)
    if _keeps_cut(x, shape):
        rows = tuple(n // width for n in flat.rows)
    else:
        rows = even_rows(shape[0], ex.width)
        flat = relayout(ex, flat, tuple(n * width for n in rows))
    return replace(flat, shape=shape, blocks=ex.map(_shaped, flat, shape[1:]).values, rows=rows)


def _keeps_cut(x: Array, shape: Shape) -> bool:
    """Whether every block holds whole rows of the new shape."""
    width, row = math.prod(shape[1:]), math.prod(x.shape[1:])
    return bool(shape) and width > 0 and all(n * row % width == 0 for n in x.rows)


def _flat(ex: Executor, x: Array) -> Array:
    """`x` as a 1-D array over the same memory."""
    width = math.prod(x.shape[1:])
    return replace(x, shape=(x.size,), blocks=ex.map(_shaped, x, ()).values, rows=tuple(n * width for n in x.rows))


def _shaped(block: NDArray[Any], tail: Shape) -> NDArray[Any]:
    return block.reshape(-1, *tail)


def _small_reshape(ex: Executor, x: Array, shape: Shape) -> Array:
    """To no elements, or to a 0-d array."""
    if shape:
        rows = even_rows(shape[0], ex.width)
        refs = ex.map(_empty, Each((n, *shape[1:]) for n in rows), x.dtype)
        return replace(x, shape=shape, blocks=refs.values, rows=rows)
    whole = relayout(ex, _flat(ex, x), (1,))
    return replace(x, shape=(), blocks=ex.map(_point, whole).values, rows=(1,))


def _empty(shape: Shape, dtype: np.dtype[Any]) -> NDArray[Any]:
    return np.empty(shape, dtype)


def _point(block: NDArray[Any]) -> NDArray[Any]:
    return block.reshape(())


# --- permutation of axes ---------------------------------------------------------------------------------------------


def permute(ex: Executor, x: Array, axes: Shape) -> Array:
    """The axes in another order."""
    shape = tuple(x.shape[a] for a in axes)
    if axes[0] == 0 or len(x.blocks) == 1:
        refs = ex.map(_permuted, x, axes)
        return replace(x, shape=shape, blocks=refs.values, rows=x.rows if axes[0] == 0 else (shape[0],))
    rows = even_rows(shape[0], ex.width)
    cuts = np.cumsum((0, *rows)).tolist()
    refs = ex.exchange(_cut_permuted, (x, axes, cuts), _join_permuted, (axes.index(0),), parts=len(rows))
    return replace(x, shape=shape, blocks=refs.values, rows=rows)


def _permuted(block: NDArray[Any], axes: Shape) -> NDArray[Any]:
    return moving.copy(block.transpose(axes))


def _cut_permuted(block: NDArray[Any], axes: Shape, cuts: list[int]) -> list[NDArray[Any]]:
    turned = block.transpose(axes)
    return [np.ascontiguousarray(turned[a:b]) for a, b in pairwise(cuts)]


def _join_permuted(pieces: Sequence[NDArray[Any]], axis: int) -> NDArray[Any]:
    return np.concatenate(pieces, axis)


# --- joining ---------------------------------------------------------------------------------------------------------


def concatenate(ex: Executor, arrays: Sequence[Array], axis: int) -> Array:
    """Arrays of one dtype end to end along an axis; their other lengths are equal."""
    bits = max(a.max_bits for a in arrays)
    if axis == 0:
        return _joined(ex, arrays).with_max_bits(bits)
    first = arrays[0]
    shape = (*first.shape[:axis], sum(a.shape[axis] for a in arrays), *first.shape[axis + 1 :])
    return replace(first, shape=shape, blocks=ex.map(_concatenated, axis, *align(ex, *arrays)).values, max_bits=bits)


def _joined(ex: Executor, arrays: Sequence[Array]) -> Array:
    """Arrays end to end along the first axis, cut evenly."""
    rows = tuple(n for a in arrays for n in a.rows)
    blocks = tuple(b for a in arrays for b in a.blocks)
    shape = (sum(rows), *arrays[0].shape[1:])
    return relayout(ex, replace(arrays[0], shape=shape, blocks=blocks, rows=rows), even_rows(shape[0], ex.width))


def _concatenated(axis: int, *blocks: NDArray[Any]) -> NDArray[Any]:
    return np.concatenate(blocks, axis)


def stack(ex: Executor, arrays: Sequence[Array], axis: int) -> Array:
    """Arrays of one shape side by side along a new axis."""
    shape = arrays[0].shape
    wider = (*shape[:axis], 1, *shape[axis:])
    return concatenate(ex, [reshaped(ex, a, wider) for a in arrays], axis)


def unstack(ex: Executor, x: Array, axis: int) -> list[Array]:
    """The arrays that lie side by side along an axis."""
    whole = [range(n) for n in x.shape]
    rest = (*x.shape[:axis], *x.shape[axis + 1 :])
    slices = [[*whole[:axis], range(i, i + 1), *whole[axis + 1 :]] for i in range(x.shape[axis])]
    return [reshaped(ex, take_slice(ex, x, s), rest) for s in slices]


# --- repetition ------------------------------------------------------------------------------------------------------


def broadcast(ex: Executor, x: Array, shape: Shape) -> Array:
    """`x` repeated along new axes in front and along axes of length 1, as NumPy broadcasts."""
    x = as_vector(ex, x)
    if len(shape) == x.ndim and shape[0] == x.shape[0]:
        return replace(x, shape=shape, blocks=ex.map(_broadcast_rows, x, shape[1:]).values)
    rows = even_rows(shape[0], ex.width)
    merge = x.dtype, x.ndim == len(shape), Each(rows), shape[1:]
    refs = ex.exchange(_to_all, (x, len(rows)), _broadcast_whole, merge, parts=len(rows))
    return replace(x, shape=shape, blocks=refs.values, rows=rows)


def everywhere(ex: Executor, x: Array, parts: int) -> Refs:
    """The whole of `x` for each of `parts` blocks."""
    return ex.exchange(_to_all, (x, parts), concatenate_blocks, (x.dtype,), parts=parts)


def _to_all(block: NDArray[Any], parts: int) -> list[NDArray[Any]]:
    return [block] * parts


def _broadcast_rows(block: NDArray[Any], tail: Shape) -> NDArray[Any]:
    return moving.copy(np.broadcast_to(block, (len(block), *tail)))


def _broadcast_whole(
    pieces: Sequence[NDArray[Any]], dtype: np.dtype[Any], cut: bool, rows: int, tail: Shape
) -> NDArray[Any]:
    whole = concatenate_blocks(pieces, dtype)
    return moving.copy(np.broadcast_to(whole[:rows] if cut else whole, (rows, *tail)))


def tile(ex: Executor, x: Array, reps: Shape) -> Array:
    """`x` repeated along each of its axes."""
    x = as_vector(ex, x)
    inner = tuple(n * r for n, r in zip(x.shape[1:], reps[1:], strict=True))
    if inner != x.shape[1:] or reps[0] == 1:
        x = replace(x, shape=(x.shape[0], *inner), blocks=ex.map(_tiled, x, reps[1:]).values)
    if reps[0] == 1:
        return x
    return reshaped(ex, broadcast(ex, x, (reps[0], *x.shape)), (reps[0] * x.shape[0], *inner))


def _tiled(block: NDArray[Any], reps: Shape) -> NDArray[Any]:
    return np.tile(block, (1, *reps))


def roll(ex: Executor, x: Array, shifts: Sequence[int], axes: Sequence[int]) -> Array:
    """The elements moved along axes; those that leave at one end come in at the other."""
    by = [0] * x.ndim
    for shift, axis in zip(shifts, axes, strict=True):
        by[axis] += shift
    cut = -by[0] % max(1, x.shape[0])
    if any(by[1:]) or cut == 0:
        x = array_of(ex.map(_rolled, x, tuple(by[1:])), x)
    if cut == 0:
        return x
    heads, tails = ex.map_parts(2, _split_at, x, Each(cut - start for start in starts(x.rows)))
    before = tuple(min(max(cut - start, 0), n) for start, n in zip(starts(x.rows), x.rows, strict=True))
    rows = (*(n - b for n, b in zip(x.rows, before, strict=True)), *before)
    turned = replace(x, blocks=(*tails.values, *heads.values), rows=rows)
    return relayout(ex, turned, even_rows(x.shape[0], ex.width))


def _rolled(block: NDArray[Any], by: Shape) -> NDArray[Any]:
    return np.roll(block, by, tuple(range(1, 1 + len(by)))) if any(by) else moving.copy(block)


def _split_at(block: NDArray[Any], position: int) -> tuple[NDArray[Any], NDArray[Any]]:
    position = max(position, 0)
    return block[:position], block[position:]


def repeat(ex: Executor, x: Array, counts: Array, axis: int) -> Array:
    """Each position of an axis as often as `counts` says (1-D, as long as the axis)."""
    if axis > 0:
        whole = everywhere(ex, counts, len(x.rows))
        refs = ex.map(_repeated, x, whole, axis)
        longer = ex.collect(_length, refs, axis)[0]
        return replace(x, shape=(*x.shape[:axis], longer, *x.shape[axis + 1 :]), blocks=refs.values)
    if counts.rows != x.rows:
        counts = relayout(ex, counts, x.rows)
    refs = ex.map(_repeated, x, counts, 0)
    rows = tuple(ex.collect(_length, refs, 0))
    return rebalance(ex, replace(x, shape=(sum(rows), *x.shape[1:]), blocks=refs.values, rows=rows))


def _repeated(block: NDArray[Any], counts: NDArray[Any], axis: int) -> NDArray[Any]:
    return np.repeat(block, counts.astype(np.int64, copy=False), axis)


def _length(block: NDArray[Any], axis: int) -> int:
    return int(block.shape[axis])


def pad(ex: Executor, x: Array, widths: Widths, values: Sequence[tuple[Any, Any]]) -> Array:
    """Constants before and after `x` along each axis; where axes meet, the later one counts."""
    (before, after), (first, last) = widths[0], values[0]
    longer = _joined(ex, [_constant(ex, x, before, first), x, _constant(ex, x, after, last)])
    shape = (longer.shape[0], *(n + sum(w) for n, w in zip(x.shape[1:], widths[1:], strict=True)))
    refs = ex.map(_padded, longer, shape[1:], widths[1:], values[1:])
    return replace(x, shape=shape, blocks=refs.values, rows=longer.rows)


def _constant(ex: Executor, x: Array, rows: int, value: Any) -> Array:
    """Rows of one value, as wide as those of `x`."""
    blocks = ex.map(moving.full, Each([(rows, *x.shape[1:])]), value, x.dtype).values
    return replace(x, shape=(rows, *x.shape[1:]), blocks=blocks, rows=(rows,))


def _padded(block: NDArray[Any], tail: Shape, widths: Widths, values: Sequence[tuple[Any, Any]]) -> NDArray[Any]:
    out = empty((len(block), *tail), block.dtype)
    inside = (slice(b, b + n) for (b, _), n in zip(widths, block.shape[1:], strict=True))
    moving.copy_into(out[(slice(None), *inside)], block)
    for axis, ((before, after), (first, last)) in enumerate(zip(widths, values, strict=True), 1):
        lanes = np.moveaxis(out, axis, 0)
        lanes[:before], lanes[len(lanes) - after :] = first, last
    return out


# --- selection -------------------------------------------------------------------------------------------------------


def keep(ex: Executor, x: Array, mask: Array, axis: int) -> Array:
    """The positions of an inner axis where a mask is true."""
    whole = everywhere(ex, mask, len(x.rows))
    refs = ex.map(_kept, x, whole, axis)
    length = ex.collect(_length, refs, axis)[0]
    return replace(x, shape=(*x.shape[:axis], length, *x.shape[axis + 1 :]), blocks=refs.values)


def _kept(block: NDArray[Any], mask: NDArray[np.bool_], axis: int) -> NDArray[Any]:
    return np.compress(mask, block, axis)
