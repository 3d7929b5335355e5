"""Reading and writing regular parts of arrays: one element, or a range along each axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from arkserver.engine.blocks import moving
from arkserver.engine.executor import Each, Executor, Refs, light
from arkserver.engine.layout import apart, rebalance, relayout
from arkserver.engine.values import Array, starts
from arkserver.errors import ArgumentError

Ranges = Sequence[range]
"""The positions along each axis, ascending or descending."""


def element(ex: Executor, x: Array, index: tuple[int, ...]) -> Any:
    """One element, here; only the block that holds it is asked.

    Raises
    ------
    ArgumentError
        If the index is outside of the array.
    """
    block, local = _locate(x, index)
    return ex.collect(_element, Refs([x.blocks[block]]), local)[0]


def set_element(ex: Executor, x: Array, index: tuple[int, ...], value: Any) -> Array:
    """Change one element.

    Raises
    ------
    ArgumentError
        If the index is outside of the array.
    """
    block, local = _locate(x, index)
    return ex.update(_set_element, x, Each(local if i == block else None for i in range(len(x.blocks))), value)


def _locate(x: Array, index: tuple[int, ...]) -> tuple[int, tuple[int, ...]]:
    """The block that holds an element, and where in it."""
    if x.ndim == 0 and index == (0,):
        return 0, ()
    if len(index) != x.ndim or not all(0 <= i < n for i, n in zip(index, x.shape, strict=True)):
        raise ArgumentError(f"index {list(index)} is out of bounds for an array of shape {list(x.shape)}")
    first = index[0] if index else 0
    block = next(b for b, (a, n) in enumerate(zip(starts(x.rows), x.rows, strict=True)) if first < a + n)
    return block, (first - starts(x.rows)[block], *index[1:]) if index else ()


@light
def _element(block: NDArray[Any], local: tuple[int, ...]) -> Any:
    return block[local]


def _set_element(block: NDArray[Any], local: tuple[int, ...] | None, value: Any) -> None:
    if local is not None:
        block[local] = value


def ranges_of(shape: tuple[int, ...], begins: Sequence[int], ends: Sequence[int], steps: Sequence[int]) -> list[range]:
    """The ranges that a request's slices select, one for each axis.

    Raises
    ------
    ArgumentError
        If a step is 0, or a position is outside of the array.
    """
    if not len(shape) == len(begins) == len(ends) == len(steps):
        raise ArgumentError(f"{len(begins)} slices were given for an array of shape {list(shape)}")
    if 0 in steps:
        raise ArgumentError("the step of a slice is 0; it must be positive or negative")
    return [_range(n, *bounds) for n, *bounds in zip(shape, begins, ends, steps, strict=True)]


def _range(n: int, begin: int, end: int, step: int) -> range:
    found = range(begin, end, step)
    inside = -1 <= begin <= n and -1 <= end <= n
    if not inside or (found and not (0 <= found[0] < n and 0 <= found[-1] < n)):
        raise ArgumentError(f"slice {begin}:{end}:{step} is out of bounds for an axis of length {n}")
    return found


def take_slice(ex: Executor, x: Array, ranges: Ranges) -> Array:
    """The elements at the crossings of `ranges`, as an array of its own."""
    local = _in_blocks(x.rows, ranges[0])
    inner = tuple(as_slice(r) for r in ranges[1:])
    blocks = ex.map(_take, x, Each(map(as_slice, local)), inner).values
    rows = tuple(map(len, local))
    if ranges[0].step < 0:
        blocks, rows = blocks[::-1], rows[::-1]
    return rebalance(ex, replace(x, shape=tuple(map(len, ranges)), blocks=blocks, rows=rows))


def _in_blocks(rows: tuple[int, ...], wanted: range) -> list[range]:
    """What each block holds of `wanted`, counted from the block's first row."""
    ascending = wanted if wanted.step > 0 else wanted[::-1]
    parts = []
    for start, n in zip(starts(rows), rows, strict=True):
        lower, upper = (max(0, -((ascending.start - edge) // ascending.step)) for edge in (start, start + n))
        part = ascending[lower:upper]
        local = range(part.start - start, part.stop - start, part.step)
        parts.append(local if wanted.step > 0 else local[::-1])
    return parts


def as_slice(r: range) -> slice:
    """The slice that selects the same positions."""
    if not len(r):
        return slice(0, 0)
    return slice(r.start, r.stop if r.stop >= 0 else None, r.step)


def _take(block: NDArray[Any], rows: slice, inner: tuple[slice, ...]) -> NDArray[Any]:
    return moving.copy(block[(rows, *inner)])


def fill_slice(ex: Executor, x: Array, ranges: Ranges, value: Any) -> Array:
    """Write one value at the crossings of `ranges`."""
    inner = tuple(as_slice(r) for r in ranges[1:])
    return ex.update(_fill, x, Each(map(as_slice, _in_blocks(x.rows, ranges[0]))), inner, value)


def _fill(block: NDArray[Any], rows: slice, inner: tuple[slice, ...], value: Any) -> None:
    block[(rows, *inner)] = value


def put_slice(ex: Executor, x: Array, ranges: Ranges, values: Array) -> Array:
    """Write `values`, cast to the dtype of `x`, at the crossings of `ranges`.

    Raises
    ------
    ArgumentError
        If the shapes differ.
    """
    shape = tuple(map(len, ranges))
    if values.shape != shape:
        raise ArgumentError(f"an array of shape {list(values.shape)} does not fit into a slice of {list(shape)}")
    local = _in_blocks(x.rows, ranges[0])
    descending = ranges[0].step < 0
    blocks = _cut_like(ex, apart(ex, values, x), local[::-1] if descending else local).blocks
    inner = tuple(as_slice(r) for r in ranges[1:])
    return ex.update(_put, x, Each(map(as_slice, local)), inner, Refs(blocks[::-1] if descending else blocks))


def _cut_like(ex: Executor, values: Array, local: list[range]) -> Array:
    rows = tuple(map(len, local))
    return values if values.rows == rows else relayout(ex, values, rows)


def _put(block: NDArray[Any], rows: slice, inner: tuple[slice, ...], values: NDArray[Any]) -> None:
    moving.copy_into(block[(rows, *inner)], values)
