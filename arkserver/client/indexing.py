"""``x[key]`` and ``x[key] = value``: integers, slices, ellipsis, new axes, masks and index arrays."""

from __future__ import annotations

import operator
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client import dtypes
from arkserver.client.dtypes import DTYPES
from arkserver.client.errors import ServerError
from arkserver.client.operators import broadcast_to, is_scalar, rank, typed
from arkserver.client.remote import Remote

if TYPE_CHECKING:
    from arkserver.client.arrays import Array
    from arkserver.client.strings import Strings

MAX_BITS = {"bigint": -1}
"""what ``max_bits`` is sent as; 0 for every other dtype"""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangular part of an array: a slice along every axis, and the shape that the part is shown in."""

    starts: tuple[int, ...]
    stops: tuple[int, ...]
    strides: tuple[int, ...]
    shape: tuple[int, ...]
    """extents along all axes of the array"""
    shown: tuple[int, ...]
    """without the axes that an integer picked, with the new ones"""

    @property
    def is_element(self) -> bool:
        """Whether it is one element, picked by integers alone."""
        return not self.shown

    def slices(self) -> dict[str, Any]:
        """The parameters of the protocol."""
        return {"starts": self.starts, "stops": self.stops, "strides": self.strides}


def normalise_key(x: Array, key: Any) -> tuple[Any, ...]:
    """The key as a tuple with one entry an axis (and those for new axes), the ellipsis spelt out."""
    entries = list(key) if isinstance(key, tuple) else [key]
    entries = [_entry(x, e) for e in entries]
    used = sum(_axes_of(e) for e in entries)
    if sum(e is Ellipsis for e in entries) > 1:
        raise IndexError("an index can only have a single ellipsis ('...')")
    if Ellipsis not in (e for e in entries if e is Ellipsis):
        entries.append(Ellipsis)
    if used > x.ndim:
        raise IndexError(f"too many indices: the array has {x.ndim} axes, {used} were indexed")
    at = next(i for i, e in enumerate(entries) if e is Ellipsis)
    return (*entries[:at], *[slice(None)] * (x.ndim - used), *entries[at + 1 :])


def _axes_of(entry: Any) -> int:
    if entry is None or entry is Ellipsis:
        return 0
    return int(entry.ndim) if _is_mask(entry) else 1


def _entry(x: Array, entry: Any) -> Any:
    if entry is None or entry is Ellipsis or isinstance(entry, slice | Remote):
        return entry
    if isinstance(entry, bool | np.bool_):
        raise IndexError("a single bool is no index; use an array of bools")
    if isinstance(entry, list | np.ndarray):
        return x.session.asarray(entry if len(entry) else np.empty(0, np.int64))
    try:
        return operator.index(entry)
    except TypeError:
        raise IndexError(f"{type(entry).__name__} is no index; use integers, slices, ..., None or arrays") from None


def _is_mask(entry: Any) -> bool:
    return isinstance(entry, Remote) and entry.dtype_name == "bool"


def box(x: Array, key: tuple[Any, ...]) -> Box:
    """The part that integers, slices and new axes pick.

    Raises
    ------
    IndexError
        For an integer beyond its axis.
    """
    ranges: list[range] = []
    shown: list[int] = []
    for entry in key:
        if entry is None:
            shown.append(1)
            continue
        axis = len(ranges)
        if isinstance(entry, slice):
            ranges.append(range(*entry.indices(x.shape[axis])))
            shown.append(len(ranges[-1]))
        else:
            at = position(entry, x.shape[axis], axis)
            ranges.append(range(at, at + 1))
    return Box(
        tuple(r.start for r in ranges),
        tuple(r.stop for r in ranges),
        tuple(r.step for r in ranges),
        tuple(len(r) for r in ranges),
        tuple(shown),
    )


def position(index: int, extent: int, axis: int = 0) -> int:
    """An index counted from the front.

    Raises
    ------
    IndexError
    """
    if not -extent <= index < extent:
        raise IndexError(f"index {index} is out of bounds for axis {axis} with size {extent}")
    return index % extent


# --- reading ---------------------------------------------------------------------------------------------------------


def get(x: Array, key: Any) -> Any:
    """``x[key]``: a scalar if integers pick one element, otherwise a new array (never a view)."""
    entries = normalise_key(x, key)
    if not any(isinstance(e, Remote) for e in entries):
        return get_box(x, box(x, entries))
    if len(entries) == 1 and (x.ndim == 1 or _is_mask(entries[0])):
        return _gather(x, entries[0])
    return _get_along(x, entries)


def get_box(x: Array, part: Box) -> Any:
    """A rectangular part."""
    name = f"{x.dtype_name},{rank(x)}"
    if part.is_element:
        return x.session.scalar(f"[int]<{name}>", array=x, idx=part.starts or (0,))
    if not x.ndim:
        return x.session.create(f"deepcopy<{name}>", x=x).reshape(part.shown)
    result = x.session.create(f"[slice]<{name}>", array=x, **part.slices(), max_bits=MAX_BITS.get(x.dtype_name, 0))
    return result if part.shape == part.shown else result.reshape(part.shown)


def _gather(x: Array, index: Array) -> Any:
    """Elements of a 1-d array by an index array, or of any array by a mask of its shape."""
    if _is_mask(index):
        if index.shape != x.shape:
            raise IndexError(f"the mask has shape {index.shape}; the array has {x.shape}")
        x, index = x.flatten(), index.flatten()
    flat = _integers(index).flatten() if index.dtype.kind != "b" else index
    result = retrying(x.shape[0], flat, lambda at: x.session.create("[pdarray]", **_picked(x, at)))
    return result.reshape(index.shape) if index.ndim > 1 else result


def take_rows(columns: Sequence[Array | Strings], index: Array) -> list[Any]:
    """The elements of several columns of one length, by 1-d positions or a mask, in one request."""
    size, session = columns[0].shape[0], columns[0].session
    if index.ndim != 1 or (_is_mask(index) and index.shape[0] != size):
        raise IndexError(f"the index has shape {index.shape}; the table has {size} rows")
    at = index if _is_mask(index) else _integers(index)
    found: list[Any] = retrying(size, at, lambda at: session.create_many("takeRows", columns=columns, idx=at))
    return found


def _picked(x: Array, index: Array) -> dict[str, Any]:
    return {"array": x, "nIdxArrays": 1, "idx": index, "idxDims": [0]}


def _integers(index: Array) -> Array:
    if not dtypes.is_integer(index.dtype):
        raise IndexError(f"an array of {index.dtype_name} is no index; use integers or bools")
    return index.astype("int64") if index.dtype_name == "uint8" else index


def retrying(extent: int, index: Array, run: Any) -> Any:
    """Run with `index`; negative positions, which the protocol refuses, are counted from the end and sent again."""
    try:
        return run(index)
    except ServerError as e:
        if not re.search("OOBindex|out[- ]of[- ]bounds", str(e)):
            raise
    wrapped = from_front(index, extent)
    return run(wrapped)


def from_front(index: Array, extent: int) -> Array:
    """Positions with the negative ones counted from the end.

    Raises
    ------
    IndexError
        If one is beyond the axis.
    """
    low, high = int(index.min()), int(index.max())
    if low < -extent or high >= extent:
        bad = low if low < -extent else high
        raise IndexError(f"index {bad} is out of bounds for an axis of size {extent}")
    return index + (index < 0).astype("int64") * extent


def take(x: Array, index: Array, axis: int) -> Array:
    """Rows of `x` along `axis`."""
    command = f"takeAlongAxis<{x.dtype_name},{{}},{rank(x)}>"

    def run(at: Array) -> Array:
        return x.session.create(command.format(at.dtype_name), x=x, indices=at, axis=axis)

    return retrying(x.shape[axis], _integers(index), run)


def _get_along(x: Array, entries: tuple[Any, ...]) -> Any:
    """Index arrays among slices: the slices first, then along the axis of the array."""
    advanced = [i for i, e in enumerate(entries) if isinstance(e, Remote)]
    if any(e is None for e in entries) or any(_is_mask(e) and e.ndim > 1 for e in entries):
        raise IndexError("new axes or masks of several axes cannot be mixed with index arrays; index in two steps")
    if len(advanced) > 1 or any(isinstance(e, int) for e in entries):
        return _gather(x.flatten(), flat_positions(x, entries))
    axis = advanced[0]
    index = _positions_of(entries[axis], x.shape[axis])
    part = box(x, tuple(slice(None) if i == axis else e for i, e in enumerate(entries)))
    inner = x if part.shape == x.shape and set(part.strides) == {1} else get_box(x, part)
    taken = take(inner, index.flatten(), axis)
    return taken.reshape((*inner.shape[:axis], *index.shape, *inner.shape[axis + 1 :]))


def _positions_of(index: Array, extent: int) -> Array:
    if not _is_mask(index):
        return index
    if index.shape != (extent,):
        raise IndexError(f"the mask has shape {index.shape}; the axis has {extent} positions")
    return index.session.create(f"nonzero<bool,{rank(index)}>", x=index)


def flat_positions(x: Array, entries: tuple[Any, ...]) -> Array:
    """Positions in C order that index arrays on every axis pick."""
    if any(isinstance(e, slice) for e in entries):
        raise IndexError("several index arrays cannot be mixed with slices; index in two steps")
    total: Any = 0
    for axis, (entry, extent) in enumerate(zip(entries, x.shape, strict=True)):
        if isinstance(entry, Remote):
            at: Any = from_front(_integers(entry).astype("int64"), extent)  # type: ignore[arg-type]
        else:
            at = position(entry, extent, axis)
        total = total * extent + at
    return total


# --- writing ---------------------------------------------------------------------------------------------------------


def put(x: Array, key: Any, value: Any) -> None:
    """``x[key] = value``, in place on the server.

    Raises
    ------
    IndexError, ValueError, TypeError
        As NumPy raises them.
    """
    entries = normalise_key(x, key)
    if isinstance(value, list | tuple | np.ndarray):
        value = x.session.asarray(value)
    if isinstance(value, Remote) and not value.ndim:  # type: ignore[attr-defined]
        value = value.item_scalar()  # type: ignore[attr-defined]
    if not (is_scalar(value) or isinstance(value, Remote)):
        raise TypeError(f"{type(value).__name__} cannot be assigned to an array of {x.dtype_name}")
    if not any(isinstance(e, Remote) for e in entries):
        _put_box(x, box(x, entries), value)
    elif len(entries) == 1 and x.ndim == 1:
        _put_gathered(x, entries[0], value)
    else:
        _put_flat(x, entries, value)


def _put_box(x: Array, part: Box, value: Any) -> None:
    name = f"{x.dtype_name},{rank(x)}"
    bits = MAX_BITS.get(x.dtype_name, 0)
    if not isinstance(value, Remote):
        sent = typed(value, x.dtype)
        if part.is_element:
            x.session.do(f"[int]=val<{name}>", array=x, idx=part.starts or (0,), value=sent, max_bits=bits)
        else:
            x.session.do(f"[slice]=val<{name}>", array=x, **part.slices(), value=sent, max_bits=bits)
        return
    shaped = broadcast_to(_squeezed(value, part.shown), part.shown).reshape(part.shape)  # type: ignore[arg-type]
    command = f"[slice]=pdarray<{x.dtype_name},{shaped.dtype_name},{rank(x)}>"
    x.session.do(command, array=x, **part.slices(), value=shaped)


def _squeezed(value: Array, shown: tuple[int, ...]) -> Array:
    """Without leading axes of length 1 that the target lacks; NumPy's assignment drops them."""
    extra = value.ndim - len(shown)
    if extra > 0 and set(value.shape[:extra]) == {1}:
        return value.reshape(value.shape[extra:])
    return value


def _put_gathered(x: Array, index: Array, value: Any) -> None:
    if _is_mask(index):
        if index.shape != x.shape:
            raise IndexError(f"the mask has shape {index.shape}; the array has {x.shape}")
        shape: tuple[int, ...] = (int(index.sum()),) if isinstance(value, Remote) else ()
    else:
        shape, index = index.shape, _integers(index).flatten()
    if isinstance(value, Remote):
        value = broadcast_to(value, shape).flatten().astype(x.dtype)  # type: ignore[arg-type]

    def run(at: Array) -> None:
        if isinstance(value, Remote):
            x.session.do("[pdarray]=pdarray", array=x, idx=at, value=value)
        else:
            x.session.do("[pdarray]=val", array=x, idx=at, dtype=x.dtype_name, value=typed(value, x.dtype))

    retrying(x.shape[0], index, run)


def _put_flat(x: Array, entries: tuple[Any, ...], value: Any) -> None:
    """Several axes: assign by position in C order, then write the whole array back."""
    flat = x.flatten()
    if len(entries) == 1 and _is_mask(entries[0]):
        at = entries[0].flatten()
    else:
        positions: Array = get(x.session.arange(x.size, dtype=DTYPES["int64"]).reshape(x.shape), entries)
        at = positions.flatten()
        if isinstance(value, Remote):
            value = broadcast_to(value, positions.shape)  # type: ignore[arg-type]
    _put_gathered(flat, at, value.flatten() if isinstance(value, Remote) else value)  # type: ignore[attr-defined]
    x[...] = flat.reshape(x.shape)
