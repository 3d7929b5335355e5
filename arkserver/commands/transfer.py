"""Upload and download of whole arrays as raw bytes."""

from __future__ import annotations

import math

import numpy as np

from arkserver.commands import projection
from arkserver.commands.arguments import Payload
from arkserver.commands.registry import FIXED, command
from arkserver.commands.results import Binary
from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.errors import ArgumentError

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
