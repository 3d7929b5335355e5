"""Fresh memory for results, out of a pool.

Memory-bound work spends most of its time in the page faults of fresh buffers, so results are allocated from Arrow's
mimalloc pool, which keeps freed pages for the next result, instead of from the system.
"""

from __future__ import annotations

import os
import resource
from functools import cache
from itertools import cycle
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

# What mimalloc reads when pyarrow is loaded. Its own second, after which it gives freed pages back, is shorter than the
# pause between two commands, and the page faults of fresh memory take longer than most commands.
os.environ.setdefault("MIMALLOC_PURGE_DELAY", "60000")
# It keeps pages in arenas of 1 GiB, where an array of 800 MB leaves a fifth unused, and none of arrays beyond 2 GiB.
# The largest arenas there are cost address space only, where that has no limit.
if resource.getrlimit(resource.RLIMIT_AS)[0] == resource.RLIM_INFINITY:
    os.environ.setdefault("MIMALLOC_ARENA_RESERVE", "16G")
    os.environ.setdefault("MIMALLOC_ARENA_MAX_OBJECT_SIZE", "8G")

import pyarrow as pa

# Below this the allocator of NumPy is as fast, and a small array drags no Arrow buffer along.
POOLED_FROM = 1 << 16

# Large buffers begin this many bytes (some pages and a line) behind where the allocator has them, in turn: it has all
# of them at the same place of 32 MB, and what is written to many places of two arrays side by side then fights for the
# same sets of the processor's page table cache (rows went into 123 buckets in 35 ms, so in 17).
SHIFTED_FROM = 1 << 21
_shifts = cycle([0, 16_448, 32_896, 49_344])


@cache
def _pool() -> Any:
    if "mimalloc" in pa.supported_memory_backends():
        return pa.mimalloc_memory_pool()
    return pa.default_memory_pool()


def empty(shape: int | tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """An uninitialised C-ordered array, from the pool when it is large.

    Parameters
    ----------
    shape : int or tuple of int
    dtype : dtype
        ``object`` gives an ordinary NumPy array of None.

    Returns
    -------
    ndarray
        Writable; its memory returns to the pool when the last view of it is gone.
    """
    dtype = np.dtype(dtype)
    shape = (shape,) if isinstance(shape, int) else shape
    count = 1
    for n in shape:
        count *= n
    if dtype.hasobject or count * dtype.itemsize < POOLED_FROM:
        return np.empty(shape, dtype)
    size = count * dtype.itemsize
    shift = next(_shifts) if size >= SHIFTED_FROM else 0
    buffer = pa.allocate_buffer(size + shift, memory_pool=_pool())
    return np.frombuffer(buffer, dtype=dtype, count=count, offset=shift).reshape(shape)


def empty_like(x: NDArray[Any]) -> NDArray[Any]:
    """An uninitialised array of the shape and dtype of `x`."""
    return empty(x.shape, x.dtype)


def release() -> None:
    """Give what the pool keeps for later back to the operating system."""
    _pool().release_unused()
