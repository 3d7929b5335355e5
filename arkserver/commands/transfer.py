"""Upload and download of whole arrays as raw bytes."""

from __future__ import annotations

import math

import numpy as np

from arkserver.commands import projection
from arkserver.commands.arguments import Payload
from arkserver.commands.registry import ALL, FIXED, command
from arkserver.commands.results import Binary
from arkserver.engine import layout
from arkserver.engine.algorithms.text import forms
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType, Strings
from arkserver.errors import ArgumentError, UnsupportedError

# The receiver of a frame may hand out memory that is not aligned when the frame is small; such bytes are copied.
SMALL_FRAME = 1 << 14


@command("array<dtype,nd>", dtypes=FIXED, project=projection.array_of_shape)
def upload(ex: Executor, dtype: DType, nd: int, shape: tuple[int, ...], payload: Payload) -> Array:
    """An array from the bytes beside the request, in C order; large ones are not copied."""
    if len(shape) != nd and shape:
        raise ArgumentError(f"the shape {list(shape)} has {len(shape)} axes; the command says {nd}")
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or payload.nbytes != expected:
        raise ArgumentError(f"{payload.nbytes} bytes came for shape {list(shape)} of {dtype}; expected {expected}")
    x = np.frombuffer(payload, dtype).reshape(shape)
    if dtype == np.bool_:
        x = x.view(np.uint8) != 0  # a client's bytes may hold more than 0 and 1
    return layout.from_numpy(ex, x.copy() if x.nbytes < SMALL_FRAME or not x.flags.aligned else x)


@command("tondarray<array.dtype,array.nd>", dtypes=FIXED, project=projection.nothing)
def download(ex: Executor, array: Array) -> Binary:
    """The bytes of an array in C order; those of one local block are sent from where they are."""
    return Binary(layout.to_numpy(ex, array))


def _text_bytes(size: int) -> int:
    # The characters, once, and at most half as many strings as bytes, each with a place and a length.
    return 4 * projection.array_of_shape((size,))


@command("arraySegString<dtype>", dtypes=ALL, project=_text_bytes)
def upload_strings(ex: Executor, dtype: DType, size: int, payload: Payload) -> Strings:
    """Strings from the bytes beside the request, a NUL after each; the bytes need not be valid UTF-8."""
    if dtype != np.uint8:
        raise UnsupportedError("arraySegString supports only uint(8) arrays")
    if payload.nbytes != size:
        raise ArgumentError(f"{payload.nbytes} bytes came for strings of {size} bytes")
    return forms.from_bytes(ex, np.frombuffer(payload, np.uint8))


@command("segStr-assemble", project=projection.times(2, "offsets", "values"))
def assemble(ex: Executor, offsets: Array, values: Array) -> Strings:
    """Strings from an int64 array of starts and a uint8 array of bytes, a NUL after each string."""
    if offsets.dtype != np.int64 or values.dtype != np.uint8 or offsets.ndim != 1 or values.ndim != 1:
        raise UnsupportedError(f"strings are made of int64 and uint8 arrays, not of {offsets.dtype} and {values.dtype}")
    return forms.assemble(ex, offsets, values)


def _form(ex: Executor, strings: Strings, component: str) -> Array:
    match component:
        case "offsets" | "get_offsets":
            return forms.wire_offsets(ex, strings)
        case "values" | "get_bytes":
            return forms.wire_bytes(ex, strings)
    raise ArgumentError(f"Unrecognized component: {component}")


@command("segStr-tondarray")
def download_strings(ex: Executor, obj: Strings, comp: str) -> Binary:
    """The bytes of strings, or where each starts in them."""
    return Binary(layout.to_numpy(ex, _form(ex, obj, comp)))


@command("getSegStringProperty")
def component(ex: Executor, obj: Strings, property_: str) -> Array:
    """The bytes of strings, or where each starts in them, as an array."""
    return _form(ex, obj, property_)
