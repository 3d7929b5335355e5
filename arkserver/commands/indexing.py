"""Elements, slices, index arrays and masks: reading and assignment."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from arkserver.commands import projection
from arkserver.commands.arguments import Target
from arkserver.commands.registry import ALL, FIXED, INTEGRAL, command
from arkserver.engine.algorithms import indexing, slicing
from arkserver.engine.algorithms.bigint import mask_of
from arkserver.engine.algorithms.limbs import bounded
from arkserver.engine.executor import Executor
from arkserver.engine.layout import as_vector
from arkserver.engine.values import BIGINT, Array, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import normalise_axis, parse_scalar


def value_for(array: Array, text: str) -> Any:
    """A scalar's text as an element of `array`, within its bound if it has one."""
    value, mask = parse_scalar(text, array.dtype), mask_of(array.max_bits)
    return value if array.dtype != BIGINT or mask is None else value & mask


def _values_for(ex: Executor, array: Array, values: Array) -> Array:
    """An array as elements of `array`, within its bound if it has one."""
    values = as_vector(ex, values)
    return bounded(ex, values, array.max_bits) if array.dtype == BIGINT else values


# --- one element -----------------------------------------------------------------------------------------------------


@command("[int]<array.dtype,array.nd>", project=projection.nothing)
def get_element(ex: Executor, array: Array, idx: tuple[int, ...]) -> Any:
    """One element."""
    return slicing.element(ex, array, idx)


@command("[int]=val<array.dtype,array.nd>", project=projection.nothing)
def set_element(ex: Executor, array: Target, idx: tuple[int, ...], value: str) -> Array:
    """Change one element."""
    return slicing.set_element(ex, array, idx, value_for(array, value))


# --- slices ----------------------------------------------------------------------------------------------------------

Ints = tuple[int, ...]


def _slice_bytes(array: Array, starts: Ints, stops: Ints, strides: Ints) -> int:
    """The part itself; twice that when it lies in several blocks and may have to be cut anew."""
    spans = zip(array.shape, starts, stops, strides, strict=False)
    size = math.prod(min(n, -(-abs(stop - start) // max(1, abs(step)))) for n, start, stop, step in spans)
    return size * projection.WORD * (2 if len(array.blocks) > 1 else 1)


@command("[slice]<array.dtype,array.nd>", project=_slice_bytes)
def get_slice(ex: Executor, array: Array, starts: Ints, stops: Ints, strides: Ints) -> Array:
    """A slice along every axis."""
    array = as_vector(ex, array)
    return slicing.take_slice(ex, array, slicing.ranges_of(array.shape, starts, stops, strides))


@command("[slice]=val<array.dtype,array.nd>", project=projection.nothing)
def fill_slice(ex: Executor, array: Target, starts: Ints, stops: Ints, strides: Ints, value: str) -> Array:
    """Write one value over a slice."""
    ranges = slicing.ranges_of(array.shape, starts, stops, strides)
    return slicing.fill_slice(ex, array, ranges, value_for(array, value))


@command(
    "[slice]=pdarray<array.dtype,value.dtype,array.nd>",
    dtypes={"array.dtype": ALL, "value.dtype": ALL},
    project=projection.times(1, "value"),
)
def put_slice(ex: Executor, array: Target, starts: Ints, stops: Ints, strides: Ints, value: Array) -> Array:
    """Write an array over a slice."""
    if value.dtype == BIGINT != array.dtype:
        raise UnsupportedError("Cannot assign bigint pdarray to slice of non-bigint pdarray")
    if array.dtype == BIGINT and value.dtype == np.float64:
        raise UnsupportedError("Cannot assign float pdarray to slice of bigint pdarray")
    ranges = slicing.ranges_of(array.shape, starts, stops, strides)
    return slicing.put_slice(ex, array, ranges, _values_for(ex, array, value))


# --- index arrays and masks ------------------------------------------------------------------------------------------

GET, SET_VALUE, SET_ARRAY = "pdarrayIndexMsg", "setPdarrayIndexToValueMsg", "setPdarrayIndexToPdarrayMsg"
"""The routines that the protocol's error texts name."""


def _index_of(ex: Executor, array: Array, idx: Array, routine: str) -> Array:
    """The index, checked: a mask of the array's length, or positions in range."""
    if array.ndim != 1 or idx.ndim > 1:
        raise UnsupportedError(f"Error: {routine}: arrays of {array.ndim} and {idx.ndim} axes not implemented")
    if idx.dtype == np.bool_:
        if idx.size != array.size:
            raise ArgumentError(f"Error: {routine}: bool iv must be same size {array.size} != {idx.size}")
    elif idx.dtype in (np.int64, np.uint64):
        indexing.check_bounds(ex, idx, array.size, routine)
    else:
        names = f"({dtype_name(array.dtype)},{dtype_name(idx.dtype)})"
        raise UnsupportedError(f"Error: {routine}: {names} not implemented")
    return as_vector(ex, idx)


def _gathered(array: Array, idx: Array) -> int:
    """The result; with several blocks the indexes and values under way as well."""
    across = len(array.blocks) > 1 or len(idx.blocks) > 1
    return projection.WORD * idx.size * (5 if across else 1)


@command("[pdarray]", project=_gathered)
def get_points(ex: Executor, array: Array, idx: Array) -> Array:
    """The elements at positions, or where a mask is true, of a 1-D array."""
    array = as_vector(ex, array)
    index = _index_of(ex, array, idx, GET)
    return indexing.compress(ex, array, index) if index.dtype == np.bool_ else indexing.gather(ex, array, index)


def _gathered_points(array: Array, idx: list[Array]) -> int:
    rest = array.size // max(1, array.shape[0] if array.shape else 1)
    return 3 * projection.WORD * sum(i.size for i in idx) * max(1, rest)


@command(
    "[pdarray]<array.dtype,idxdtype,nd>", dtypes={"array.dtype": ALL, "idxdtype": INTEGRAL}, project=_gathered_points
)
def get_points_nd(ex: Executor, array: Array, idxdtype: Any, nd: int, idx: list[Array], idx_dims: Ints) -> Array:
    """The elements at points that index arrays give along some axes."""
    axes = tuple(sorted(idx_dims))
    if (
        axes != idx_dims
        or len(set(axes)) != len(axes)
        or not axes
        or not (axes[0] >= 0 and axes[-1] < nd == array.ndim)
    ):
        raise ArgumentError(f"Invalid index dimensions: {list(idx_dims)} for {nd}D array")
    if len(idx) != len(axes) or any(i.shape != idx[0].shape or i.ndim != 1 for i in idx):
        raise ArgumentError("All index arrays must have the same length")
    if any(i.dtype != idxdtype for i in idx):
        raise UnsupportedError(f"all index arrays must have the dtype {dtype_name(idxdtype)}")
    for i, axis in zip(idx, axes, strict=True):
        indexing.check_bounds(ex, i, array.shape[axis], GET)
    return indexing.take_points(ex, array, axes, idx)


@command("[pdarray]=val", project=projection.times(3, "idx"))
def set_points(ex: Executor, array: Target, idx: Array, value: str) -> Array:
    """Write one value at positions, or where a mask is true."""
    index = _index_of(ex, array, idx, SET_VALUE)
    write = indexing.fill_where if index.dtype == np.bool_ else indexing.scatter_value
    return write(ex, array, index, value_for(array, value))


@command("[pdarray]=pdarray", project=projection.times(2, "idx", "value"))
def set_points_to_array(ex: Executor, array: Target, idx: Array, value: Array) -> Array:
    """Write the elements of an array at positions, or in turn where a mask is true."""
    values = as_vector(ex, value)
    fits = values.dtype == array.dtype or (array.dtype == BIGINT and values.dtype in (np.int64, np.uint64))
    if not fits or values.ndim > 1:
        names = ",".join(dtype_name(x.dtype) for x in (array, idx, value))
        raise UnsupportedError(f"Error: {SET_ARRAY}: ({names}) not implemented")
    if idx.dtype != np.bool_ and idx.size != values.size:
        raise ArgumentError(f"Error: {SET_ARRAY}: size mismatch {idx.size} {values.size}")
    index = _index_of(ex, array, idx, SET_ARRAY)
    write = indexing.put_where if index.dtype == np.bool_ else indexing.scatter
    return write(ex, array, index, _values_for(ex, array, values))


# --- along an axis ---------------------------------------------------------------------------------------------------


@command("nonzero<x.dtype,x.nd>", dtypes=FIXED, project=lambda x: 2 * projection.WORD * x.size * max(1, x.ndim))
def nonzero(ex: Executor, x: Array) -> Any:
    """Where the elements are that are not zero: one array of positions an axis."""
    found = indexing.nonzero(ex, as_vector(ex, x))
    return found if len(found) > 1 else found[0]


def _taken(x: Array, indices: Array, axis: int) -> int:
    """The result and a copy; across blocks the indices travel as well."""
    shape = x.shape or (1,)
    row = x.size // max(1, shape[axis % len(shape)])
    return projection.WORD * indices.size * (2 * row + 6)


@command(
    "takeAlongAxis<x.dtype,indices.dtype,x.nd>",
    dtypes={"x.dtype": ALL, "indices.dtype": (*INTEGRAL, "uint8")},
    project=_taken,
)
def take_along_axis(ex: Executor, x: Array, indices: Array, axis: int) -> Array:
    """The positions of one axis that a 1-D array of indices names."""
    x = as_vector(ex, x)
    axis, n = normalise_axis(axis, x.ndim), x.shape[normalise_axis(axis, x.ndim)]
    if indices.ndim > 1:
        raise UnsupportedError(f"the indices have {indices.ndim} axes; expected 1")
    low, high = indexing.bounds(ex, indices)
    if low < 0 or high >= n:
        raise ArgumentError(f"index array contains out-of-bounds indices ({low}, {high}) along axis {axis} (0,{n - 1})")
    return indexing.take(ex, x, as_vector(ex, indices), axis)
