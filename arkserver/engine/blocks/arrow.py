"""Blocks as Arrow arrays and back, without a copy where it can be, and Arrow's kernels over chunks of strings."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arkserver.engine.layout import join_text
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

CHUNK = 1 << 13
"""strings that are worth a thread"""


def to_arrow(block: TextBlock, start: int = 0, stop: int | None = None) -> Any:
    """Strings ``start:stop`` as a ``large_string`` array over the same memory; the bytes need not be valid UTF-8."""
    stop = len(block.offsets) - 1 if stop is None else stop
    offsets = np.ascontiguousarray(block.offsets[start : stop + 1])
    data = np.ascontiguousarray(block.data)
    return pa.LargeStringArray.from_buffers(stop - start, pa.py_buffer(offsets), pa.py_buffer(data))


def from_numbers(block: NDArray[Any]) -> Any:
    """Numbers or bools as an Arrow array, numbers over the same memory.

    ``pyarrow.array`` would import pandas wherever that is installed, to see that this is none of its types; the first
    file that a server writes would wait half a second for it.
    """
    block = np.ascontiguousarray(block)
    kind = pa.from_numpy_dtype(block.dtype)
    data = np.packbits(block, bitorder="little") if block.dtype == np.bool_ else block
    return pa.Array.from_buffers(kind, len(block), [None, pa.py_buffer(data)])


def from_arrow(array: Any) -> TextBlock:
    """An array of any type of strings as a block, over the same memory where it can be; missing ones are empty."""
    if array.null_count:
        array = array.fill_null("")
    array = array.cast(pa.large_string())
    _, offsets, data = array.buffers()
    if offsets is None or not len(array):
        return TextBlock(np.zeros(1, np.int64), np.empty(0, np.uint8))
    starts = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    text = np.frombuffer(data, np.uint8) if data is not None else np.empty(0, np.uint8)
    first = int(starts[0])
    return TextBlock(starts - first if first else starts, text[first : int(starts[-1])])


def to_texts(fn: Callable[[Any], Any], block: TextBlock) -> TextBlock:
    """The strings that an Arrow kernel makes of a block, chunk by chunk."""
    return join_text(threads().each_chunk(lambda a, b: from_arrow(fn(to_arrow(block, a, b))), _count(block), CHUNK))


def to_bools(fn: Callable[[Any], Any], block: TextBlock) -> NDArray[np.bool_]:
    """The bools that an Arrow kernel makes of a block, chunk by chunk."""
    parts = threads().each_chunk(lambda a, b: _bools(fn(to_arrow(block, a, b))), _count(block), CHUNK)
    return parts[0] if len(parts) == 1 else np.concatenate(parts)


def _count(block: TextBlock) -> int:
    return len(block.offsets) - 1


def _bools(array: Any) -> NDArray[np.bool_]:
    return np.asarray(array.to_numpy(zero_copy_only=False), np.bool_)
