"""Other shapes, orders and dtypes of arrays; names and arguments of the Python array API standard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike

from arkserver.client import dtypes, operators
from arkserver.client.operators import rank
from arkserver.client.reductions import normalise_axes, normalise_axis

if TYPE_CHECKING:
    from arkserver.client.arrays import Array


def astype(x: Array, dtype: DTypeLike, /, *, copy: bool = True, device: Any = None) -> Array:  # noqa: ARG001 - one device
    """The elements as another dtype."""
    wanted = dtypes.resolve(dtype)
    if wanted == x.dtype:
        return x.copy() if copy else x
    if x.dtype == dtypes.BIGINT and wanted.kind == "b":
        return x != 0
    return x.session.create(f"cast<{x.dtype_name},{dtypes.dtype_name(wanted)},{rank(x)}>", name=x)


def reshape(x: Array, /, shape: int | tuple[int, ...], *, copy: bool | None = None) -> Array:
    """The elements in C order in another shape; one extent may be -1.

    Raises
    ------
    ValueError
        If the number of elements differs.
    """
    wanted = _completed((shape,) if isinstance(shape, int) else tuple(shape), x)
    if wanted == x.shape:
        return x.copy() if copy else x
    if not wanted:
        return x.session.scalar_array(x.item_scalar(), x.dtype)
    return x.session.create(f"reshape<{x.dtype_name},{rank(x)},{len(wanted)}>", name=x, shape=wanted)


def _completed(shape: tuple[int, ...], x: Array) -> tuple[int, ...]:
    known = int(np.prod([n for n in shape if n != -1], dtype=np.int64))
    if shape.count(-1) == 1 and known and x.size % known == 0:
        shape = tuple(x.size // known if n == -1 else n for n in shape)
    if -1 in shape or int(np.prod(shape, dtype=np.int64)) != x.size:
        raise ValueError(f"cannot reshape an array of shape {x.shape} into {shape}")
    return shape


def expand_dims(x: Array, /, *, axis: int = 0) -> Array:
    """A new axis of length 1 at `axis`."""
    at = normalise_axis(axis, x.ndim + 1)
    return reshape(x, (*x.shape[:at], 1, *x.shape[at:]))


def squeeze(x: Array, /, axis: int | tuple[int, ...]) -> Array:
    """Without the axes `axis`, which must have length 1.

    Raises
    ------
    ValueError
        If one has not.
    """
    axes = normalise_axes(axis, x.ndim)
    if any(x.shape[a] != 1 for a in axes):
        raise ValueError(f"axes {axes} of shape {x.shape} cannot be squeezed; they do not all have length 1")
    return reshape(x, tuple(n for i, n in enumerate(x.shape) if i not in axes))


def broadcast_to(x: Array, /, shape: tuple[int, ...]) -> Array:
    """`x` repeated to `shape`."""
    return operators.broadcast_to(x, tuple(shape))


def broadcast_arrays(*arrays: Array) -> list[Array]:
    """All arrays in their common shape."""
    shape = np.broadcast_shapes(*[x.shape for x in arrays])
    return [operators.broadcast_to(x, shape) for x in arrays]


def permute_dims(x: Array, /, axes: tuple[int, ...]) -> Array:
    """The axes in another order."""
    order = tuple(normalise_axis(a, x.ndim) for a in axes)
    if sorted(order) != list(range(x.ndim)):
        raise ValueError(f"{axes} is no order of {x.ndim} axes")
    if x.ndim < 2:
        return x.copy()
    return x.session.create(f"permuteDims<{x.dtype_name},{rank(x)}>", name=x, axes=order)


def reversed_axes(x: Array) -> Array:
    """All axes in reverse order."""
    return permute_dims(x, tuple(reversed(range(x.ndim))))


def matrix_transpose(x: Array, /) -> Array:
    """The last two axes exchanged."""
    if x.ndim < 2:
        raise ValueError(f"an array of {x.ndim} axes is no matrix")
    return permute_dims(x, (*range(x.ndim - 2), x.ndim - 1, x.ndim - 2))


def moveaxis(x: Array, source: int | tuple[int, ...], destination: int | tuple[int, ...], /) -> Array:
    """Axes `source` at the places `destination`."""
    sources, targets = normalise_axes(source, x.ndim), normalise_axes(destination, x.ndim)
    order = [a for a in range(x.ndim) if a not in sources]
    for target, origin in sorted(zip(targets, sources, strict=True)):
        order.insert(target, origin)
    return permute_dims(x, tuple(order))


def flip(x: Array, /, *, axis: int | tuple[int, ...] | None = None) -> Array:
    """Reversed along axes."""
    axes = normalise_axes(axis, x.ndim)
    return x.session.create(f"flip<{x.dtype_name},{rank(x)}>", name=x, nAxes=len(axes), axis=list(axes))


def roll(x: Array, /, shift: int | tuple[int, ...], *, axis: int | tuple[int, ...] | None = None) -> Array:
    """Shifted along axes (without them, as if flattened); what leaves at one end comes in at the other."""
    if axis is None:
        return roll(x.flatten(), shift, axis=0).reshape(x.shape)
    axes = normalise_axes(axis, x.ndim)
    shifts = [shift] * len(axes) if isinstance(shift, int) else list(shift)
    parameters = {"nShifts": len(shifts), "shift": shifts, "nAxes": len(axes), "axis": list(axes)}
    return x.session.create(f"roll<{x.dtype_name},{rank(x)}>", name=x, **parameters)


def repeat(x: Array, repeats: int | Array, /, *, axis: int | None = None) -> Array:
    """Each element `repeats` times along an axis (without one, flattened)."""
    flat = x.flatten() if axis is None else x
    at = normalise_axis(axis or 0, flat.ndim)
    counts = x.session.asarray([repeats] if isinstance(repeats, int) else repeats)
    counts = operators.broadcast_to(counts, (flat.shape[at],))
    positions = x.session.arange(flat.shape[at])
    index = x.session.create("repeatFlat<int64,1>", name=positions, repeats=counts)
    return x.session.xp.take(flat, index, axis=at)


def tile(x: Array, repetitions: tuple[int, ...], /) -> Array:
    """Copies side by side along each axis."""
    ndim = max(x.ndim, len(repetitions))
    reps = (1,) * (ndim - len(repetitions)) + tuple(repetitions)
    x = reshape(x, (1,) * (ndim - x.ndim) + x.shape)
    return x.session.create(f"tile<{x.dtype_name},{rank(x)}>", name=x, reps=reps)


def concat(arrays: Sequence[Array], /, *, axis: int | None = 0) -> Array:
    """Arrays end to end along an axis (None: flattened), in their common dtype."""
    parts = [x.flatten() for x in arrays] if axis is None else list(arrays)
    dtype = np.result_type(*[x.dtype for x in parts])
    parts = [x.astype(dtype) for x in parts]
    first = parts[0]
    at = normalise_axis(axis or 0, first.ndim)
    lengths = [x.shape[at] for x in parts]
    offsets = [sum(lengths[:i]) for i in range(len(parts))]
    command = f"concatenate<{first.dtype_name},{rank(first)}>"
    return first.session.create(command, names=parts, axis=at, offsets=offsets)


def stack(arrays: Sequence[Array], /, *, axis: int = 0) -> Array:
    """Arrays of one shape side by side along a new axis."""
    return concat([expand_dims(x, axis=axis) for x in arrays], axis=axis)


def unstack(x: Array, /, *, axis: int = 0) -> tuple[Array, ...]:
    """The parts along an axis, without it."""
    at = normalise_axis(axis, x.ndim)
    return tuple(x[(slice(None),) * at + (i,)] for i in range(x.shape[at]))


def _triangle(command: str, x: Array, k: int) -> Array:
    if x.ndim < 2:
        raise ValueError(f"an array of {x.ndim} axes is no matrix")
    return x.session.create(f"{command}<{x.dtype_name},{rank(x)}>", array=x, diag=k)


def tril(x: Array, /, *, k: int = 0) -> Array:
    """Zero above the `k`-th diagonal."""
    return _triangle("tril", x, k)


def triu(x: Array, /, *, k: int = 0) -> Array:
    """Zero below the `k`-th diagonal."""
    return _triangle("triu", x, k)
