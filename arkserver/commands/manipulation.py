"""Other shapes and orders of the same elements: reshape, join, split, flip, roll, repeat, pad, delete."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from arkserver.commands import projection
from arkserver.commands.context import Context
from arkserver.commands.projection import bytes_like
from arkserver.commands.registry import ALL, FIXED, MAX_RANK, command
from arkserver.commands.shapes import checked
from arkserver.engine.algorithms import creating, indexing, reducing, shaping, slicing
from arkserver.engine.executor import Executor
from arkserver.engine.layout import as_vector
from arkserver.engine.values import Array, DType
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import normalise_axis, parse_scalar

Ints = tuple[int, ...]

# Bytes that an array takes beside its elements.
PART = 2048

_twice = projection.times(2, "name")


def _of_shape(name: Array, shape: Ints) -> int:
    """The result, and the operand whole in every place."""
    return projection.array_of_shape(shape) + bytes_like(name)


# --- reshape ---------------------------------------------------------------------------------------------------------


@command("reshape<name.dtype,name.nd,nd_out>", project=_twice)
def reshape(ex: Executor, name: Array, nd_out: int, shape: Ints) -> Array:
    """The same elements in another shape, in which one length may be left open."""
    wanted = _inferred(name.size, shape)
    if math.prod(wanted) != name.size or min(wanted, default=0) < 0 or len(wanted) not in (0, nd_out):
        text = f"Cannot reshape array of shape {name.shape} into shape {shape}"
        raise ArgumentError(f"{text}. The total number of elements must match")
    return shaping.reshape(ex, name, checked(wanted))


def _inferred(size: int, shape: Ints) -> Ints:
    """The shape with its one negative length, if there is one, replaced by what is left."""
    rest = math.prod(n for n in shape if n >= 0)
    if sum(n < 0 for n in shape) != 1 or rest == 0 or size % rest:
        return shape
    return tuple(size // rest if n < 0 else n for n in shape)


@command("flatten<a.dtype,a.nd>", project=projection.times(2, "a"))
def flatten(ex: Executor, a: Array) -> Array:
    """The elements in one dimension, in C order."""
    return shaping.reshape(ex, a, (a.size,))


@command("squeeze<name.dtype,name.nd,nd_out>", project=_twice)
def squeeze(ex: Executor, name: Array, nd_out: int, axes: Ints) -> Array:
    """Without axes of length 1."""
    name = as_vector(ex, name)
    drop = {normalise_axis(a, name.ndim) for a in axes}
    shape = tuple(n for a, n in enumerate(name.shape) if a not in drop)
    if any(name.shape[a] != 1 for a in drop) or max(1, len(shape)) != nd_out:
        raise ArgumentError(f"Unable to squeeze array with shape {name.shape} along axes {axes} into a {nd_out}D array")
    return shaping.reshape(ex, name, shape or (1,))


@command("expandDims<name.dtype,name.nd>", project=_twice)
def expand_dims(ex: Executor, name: Array, axis: int) -> Array:
    """With a further axis of length 1."""
    shape = as_vector(ex, name).shape
    if len(shape) == MAX_RANK:
        raise UnsupportedError(f"Cannot expand arrays with rank {MAX_RANK}, the largest that the server has")
    at = normalise_axis(axis, len(shape) + 1)
    return shaping.reshape(ex, name, (*shape[:at], 1, *shape[at:]))


@command("broadcast<name.dtype,name.nd,nd_out>", project=_of_shape)
def broadcast(ex: Executor, name: Array, nd_out: int, shape: Ints) -> Array:
    """Repeated along new axes in front and along axes of length 1."""
    name = as_vector(ex, name)
    aligned = (1,) * (len(shape) - name.ndim) + name.shape
    fits = len(aligned) == len(shape) == nd_out and min(shape, default=0) >= 0
    if not fits or any(n not in (1, wanted) for n, wanted in zip(aligned, shape, strict=True)):
        raise ArgumentError(f"Invalid broadcast: {name.shape} -> {shape}")
    return shaping.broadcast(ex, name, checked(shape))


# --- order -----------------------------------------------------------------------------------------------------------


@command("permuteDims<name.dtype,name.nd>", project=_twice)
def permute_dims(ex: Executor, name: Array, axes: Ints) -> Array:
    """The axes in another order."""
    name = as_vector(ex, name)
    order = tuple(a + name.ndim if a < 0 else a for a in axes)
    if sorted(order) != list(range(name.ndim)):
        raise ArgumentError(f"Unable to permute array with shape {name.shape} using axes {axes}")
    return shaping.permute(ex, name, order)


@command("flip<name.dtype,name.nd>", project=_twice)
def flip(ex: Executor, name: Array, axis: Ints) -> Array:
    """Backwards along axes."""
    name = as_vector(ex, name)
    if not all(-name.ndim <= a < name.ndim for a in axis):
        raise ArgumentError(f"Unable to flip array with shape {name.shape} along axes {axis}")
    return _flipped(ex, name, {a % name.ndim for a in axis})


@command("flipAll<name.dtype,name.nd>", project=_twice)
def flip_all(ex: Executor, name: Array) -> Array:
    """Backwards along all axes."""
    name = as_vector(ex, name)
    return _flipped(ex, name, set(range(name.ndim)))


def _flipped(ex: Executor, x: Array, axes: set[int]) -> Array:
    return slicing.take_slice(ex, x, [range(n)[:: -1 if a in axes else 1] for a, n in enumerate(x.shape)])


@command("roll<name.dtype,name.nd>", project=projection.times(3, "name"))
def roll(ex: Executor, name: Array, shift: Ints, axis: Ints) -> Array:
    """The elements moved along axes; those that leave at one end come in at the other."""
    name = as_vector(ex, name)
    shifts = shift * len(axis) if len(shift) == 1 else shift
    if len(shifts) != len(axis):
        raise ArgumentError("Unable to roll array; size of 'shift' must match size of 'axis' or be 1")
    return shaping.roll(ex, name, shifts, [normalise_axis(a, name.ndim) for a in axis])


@command("rollFlattened<name.dtype,name.nd>", project=projection.times(4, "name"))
def roll_flattened(ex: Executor, name: Array, shift: Ints) -> Array:
    """The elements moved in C order, the shape kept."""
    flat = shaping.reshaped(ex, name, (name.size,))
    return shaping.reshaped(ex, shaping.roll(ex, flat, [sum(shift)], [0]), name.shape)


# --- joining and splitting -------------------------------------------------------------------------------------------


def _all_of(names: list[Array]) -> int:
    return 2 * sum(map(bytes_like, names))


def _checked(ex: Executor, names: list[Array], dtype: DType, nd: int) -> list[Array]:
    if not names:
        raise ArgumentError("no arrays were given to be joined")
    if any(a.dtype != dtype for a in names):
        raise UnsupportedError("All arrays must have the same data type.")
    arrays = [as_vector(ex, a) for a in names]
    if any(a.ndim != nd for a in arrays):
        raise ArgumentError(f"arrays of {nd} axes are expected; given were {', '.join(str(a.shape) for a in arrays)}")
    return arrays


def _same_but(arrays: Sequence[Array], axis: int) -> bool:
    return len({(*a.shape[:axis], -1, *a.shape[axis + 1 :]) for a in arrays}) == 1


@command("concatenate<dtype,nd>", project=_all_of)
def concatenate(ex: Executor, dtype: DType, nd: int, names: list[Array], axis: int = 0) -> Array:
    """Arrays end to end along an axis."""
    arrays, at = _checked(ex, names, dtype, nd), normalise_axis(axis, nd)
    if not _same_but(arrays, at):
        raise ArgumentError("All arrays must have the same shape except in the concatenation axis.")
    return shaping.concatenate(ex, arrays, at)


@command("concat<dtype,nd>", project=_all_of)
def concat(ex: Executor, dtype: DType, nd: int, names: list[Array], axis: int) -> Array:
    """Arrays end to end along an axis."""
    arrays, at = _checked(ex, names, dtype, nd), normalise_axis(axis, nd)
    if not _same_but(arrays, at):
        shapes = ", ".join(str(a.shape) for a in arrays)
        raise ArgumentError(f"Arrays must have compatible shapes to concatenate: {shapes} along axis {axis}")
    return shaping.concatenate(ex, arrays, at)


@command("concatFlat<dtype,nd>", project=_all_of)
def concat_flat(ex: Executor, dtype: DType, nd: int, names: list[Array]) -> Array:
    """Arrays end to end, each in one dimension."""
    return shaping.concatenate(ex, [shaping.reshaped(ex, a, (a.size,)) for a in _checked(ex, names, dtype, nd)], 0)


@command("stack<dtype,nd>", project=_all_of)
def stack(ex: Executor, dtype: DType, nd: int, names: list[Array], axis: int) -> Array:
    """Arrays of one shape along a new axis."""
    arrays = _checked(ex, names, dtype, nd)
    if nd == MAX_RANK:
        raise UnsupportedError(f"Cannot stack arrays with rank {nd}, the largest that the server has")
    if len({a.shape for a in arrays}) > 1:
        raise ArgumentError("All arrays must have the same shape to stack")
    return shaping.stack(ex, arrays, normalise_axis(axis, nd + 1))


def _unstacked(name: Array, num_return_arrays: int) -> int:
    """The parts, and what the server keeps of each."""
    return 2 * bytes_like(name) + PART * max(0, num_return_arrays)


@command("unstack<name.dtype,name.nd>", project=_unstacked)
def unstack(ex: Executor, name: Array, axis: int, num_return_arrays: int) -> list[Array]:
    """The arrays that lie along an axis."""
    if name.ndim < 2:
        raise UnsupportedError("Cannot unstack a 1D array")
    at = normalise_axis(axis, name.ndim)
    if name.shape[at] != num_return_arrays:
        text = f"Cannot unstack array with shape {name.shape} along axis {axis}"
        raise ArgumentError(f"{text} into {num_return_arrays} arrays")
    return shaping.unstack(ex, name, at)


# --- repetition and padding ------------------------------------------------------------------------------------------


def _tiles(name: Array, reps: Ints) -> int:
    return 3 * bytes_like(name) * max(1, math.prod(reps))


@command("tile<name.dtype,name.nd>", project=_tiles)
def tile(ex: Executor, name: Array, reps: Ints) -> Array:
    """Repeated along each axis."""
    if len(reps) != max(1, name.ndim) or min(reps) < 0:
        raise ArgumentError(
            f"cannot tile an array of shape {name.shape} by {reps}; give one count of 0 or more an axis"
        )
    checked((*reps, *name.shape))
    return shaping.tile(ex, name, reps)


@command(
    "repeat<e_in.dtype,e_in.nd,reps.dtype,reps.nd>",
    dtypes={"e_in.dtype": ALL, "reps.dtype": ("int64", "uint64")},
    where=lambda _a, _n, _b, rank: rank == "1",
    project=projection.nothing,
)
def repeat(ex: Executor, context: Context, e_in: Array, reps: Array, axis: int) -> Array:
    """Each position of an axis as often as counts say."""
    x = as_vector(ex, e_in)
    return _repeated(ex, context, x, as_vector(ex, reps), normalise_axis(axis, x.ndim))


@command("repeatFlat<name.dtype,name.nd>", project=projection.nothing)
def repeat_flat(ex: Executor, context: Context, name: Array, repeats: Array) -> Array:
    """Each element, in C order, as often as counts say."""
    if repeats.size not in (1, name.size):
        text = f"Unable to repeat array with shape {name.shape} using repeats {repeats.shape}. "
        raise ArgumentError(text + "Repeats must be a scalar or have the same number of elements as the input array")
    flat = shaping.reshaped(ex, name, (name.size,))
    return _repeated(ex, context, flat, as_vector(ex, repeats), 0)


def _repeated(ex: Executor, context: Context, x: Array, counts: Array, axis: int) -> Array:
    """What the counts add up to is known only now, so the memory is reserved here."""
    n = x.shape[axis]
    if counts.dtype.kind not in "iu" or counts.ndim != 1 or counts.size not in (1, n):
        raise ArgumentError(f"{counts.size} counts were given for {n} positions; give integers, one or as many")
    if indexing.bounds(ex, counts)[0] < 0:
        raise ArgumentError("repeats may not contain negative values")
    total = int(reducing.fold_all(ex, counts, "sum")) * (n if counts.size == 1 else 1)
    with context.engine.accounts.reserve("repeat", 2 * projection.WORD * total * max(1, x.size // max(1, n))):
        return shaping.repeat(ex, x, shaping.broadcast(ex, counts, (n,)), axis)


def _padded(name: Array, pad_width_before: Ints, pad_width_after: Ints) -> int:
    widths = zip(name.shape or (1,), pad_width_before, pad_width_after, strict=False)
    return 3 * projection.array_of_shape(tuple(map(sum, widths)))


@command("pad<name.dtype,name.nd>", dtypes=FIXED, project=_padded)
def pad(
    ex: Executor,
    name: Array,
    pad_width_before: Ints,
    pad_width_after: Ints,
    pad_vals_before: list[str],
    pad_vals_after: list[str],
) -> Array:
    """Constants before and after the array along each axis."""
    x = as_vector(ex, name)
    widths = list(zip(pad_width_before, pad_width_after, strict=False))
    texts = list(zip(pad_vals_before, pad_vals_after, strict=False))
    if not len(widths) == len(texts) == x.ndim or min(map(min, widths)) < 0:
        raise ArgumentError(f"{widths} and {texts} do not pad an array of {x.ndim} axes; give widths of at least 0")
    checked(tuple(n + sum(w) for n, w in zip(x.shape, widths, strict=True)))
    values = [(parse_scalar(a, x.dtype), parse_scalar(b, x.dtype)) for a, b in texts]
    return shaping.pad(ex, x, widths, values)


# --- deletion --------------------------------------------------------------------------------------------------------


def _delete(name: str) -> None:
    """Register one of the two names under which clients ask for deletion."""

    def delete(ex: Executor, e_in: Array, axis: int, del_: Array) -> Array:
        x = as_vector(ex, e_in)
        at = normalise_axis(axis, x.ndim)
        mask = _kept(ex, as_vector(ex, del_), x.shape[at], at)
        return indexing.compress(ex, x, mask) if at == 0 else shaping.keep(ex, x, mask, at)

    delete.__doc__ = "Without the positions of an axis that are named or marked."
    command(
        f"{name}<e_in.dtype,e_in.nd,del_.dtype,del_.nd>",
        dtypes={"e_in.dtype": ALL, "del_.dtype": ("int64", "bool")},
        where=lambda _a, _n, _b, rank: rank == "1",
        project=projection.times(2, "e_in"),
    )(delete)


_delete("deleteAggCopy")
_delete("deleteBulkCopy")


def _kept(ex: Executor, marks: Array, n: int, axis: int) -> Array:
    """A mask of what stays of `n` positions."""
    if marks.dtype == np.bool_:
        if marks.size != n:
            text = "Boolean array argument obj to delete must be one dimensional and match the axis length"
            raise ArgumentError(f"{text} of {n}")
        return indexing.inverted(ex, marks)
    low, high = indexing.bounds(ex, marks)
    if low < -n or high >= n:
        raise ArgumentError(f"index {low if low < -n else high} is out of bounds for axis {axis} with size {n}")
    everything: Any = creating.full(ex, (n,), True, np.dtype(np.bool_))
    return indexing.scatter_value(ex, everything, indexing.from_the_front(ex, marks, n), False)
