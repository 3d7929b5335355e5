"""Reading and writing Zarr."""

from __future__ import annotations

import math

from arkserver.commands import projection
from arkserver.commands.registry import FIXED, command
from arkserver.engine.executor import Executor
from arkserver.engine.storage import zarr
from arkserver.engine.storage.zarr_format import MOST_CHUNK_BYTES
from arkserver.engine.threads import threads
from arkserver.engine.values import Array, DType


@command(
    "readAllZarr<dtype,nd>", dtypes=FIXED, project=lambda store_path, dtype: zarr.nbytes(store_path, dtype.itemsize)
)
def read(ex: Executor, store_path: str, dtype: DType, nd: int) -> Array:
    """Read an array from a Zarr store."""
    return zarr.read(ex, store_path, dtype, nd)


def _bytes_written(arr: Array, chunk_shape: tuple[int, ...]) -> int:
    chunk = max(0, math.prod(chunk_shape)) * arr.dtype.itemsize
    return projection.bytes_like(arr) + 3 * min(chunk, MOST_CHUNK_BYTES) * threads().count


@command("writeAllZarr<arr.dtype,arr.nd>", dtypes=FIXED, project=_bytes_written)
def write(ex: Executor, store_path: str, arr: Array, chunk_shape: tuple[int, ...]) -> str:
    """Write an array to a Zarr store, one file a chunk."""
    zarr.write(ex, store_path, arr, chunk_shape)
    return "success"
