"""Between Arrow's arrays and blocks: without a copy where the layouts agree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.blocks import arrow
from arkserver.engine.buffers import empty
from arkserver.engine.threads import MINIMUM_CHUNK, threads
from arkserver.engine.values import Array, Column, TextBlock, starts
from arkserver.errors import UnsupportedError

FLOAT = np.dtype(np.float64)


@dataclass(frozen=True, slots=True)
class Lists:
    """A column of lists: list i is ``values[segments[i]:segments[i + 1]]``."""

    segments: Array
    """int64 starts, one a row"""
    values: Column

    @property
    def columns(self) -> tuple[Column, Column]:
        """Both parts."""
        return self.segments, self.values


@dataclass(frozen=True, slots=True)
class Kind:
    """What a column becomes."""

    dtype: np.dtype[Any] | None
    """of the elements; None for strings"""
    is_list: bool = False


def kind_of(t: Any, where: str) -> Kind:
    """What a column of the Arrow type `t` becomes.

    Whole numbers widen to int64 or uint64, decimals and narrow floats to float64; times become their int64 count.

    Raises
    ------
    UnsupportedError
        For types that no value here can hold; `where` says whose.
    """
    if pa.types.is_dictionary(t):
        return kind_of(t.value_type, where)
    if pa.types.is_list(t) or pa.types.is_large_list(t):
        inner = kind_of(t.value_type, where)
        if not inner.is_list:
            return Kind(inner.dtype, is_list=True)
        raise UnsupportedError(f"{where} holds lists of lists, which are not supported")
    for is_type, dtype in _DTYPES:
        if is_type(t):
            return Kind(dtype)
    raise UnsupportedError(f"DType {t} not supported for Parquet reading ({where})")


def _is_text(t: Any) -> bool:
    binary = pa.types.is_binary(t) or pa.types.is_large_binary(t) or pa.types.is_fixed_size_binary(t)
    return bool(pa.types.is_string(t) or pa.types.is_large_string(t) or binary)


def _is_time(t: Any) -> bool:
    return bool(pa.types.is_temporal(t) and not pa.types.is_interval(t))


_DTYPES: tuple[tuple[Any, np.dtype[Any] | None], ...] = (
    (pa.types.is_boolean, np.dtype(np.bool_)),
    (pa.types.is_signed_integer, np.dtype(np.int64)),
    (pa.types.is_unsigned_integer, np.dtype(np.uint64)),
    (pa.types.is_floating, FLOAT),
    (pa.types.is_decimal, FLOAT),
    (_is_time, np.dtype(np.int64)),
    (_is_text, None),
)


# --- numbers ---------------------------------------------------------------------------------------------------------


def numbers(column: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A chunked column as a block of `dtype`, or of float64 with nan where it has nulls; one chunk is not copied."""
    chunks = [c.dictionary_decode() if pa.types.is_dictionary(c.type) else c for c in column.chunks]
    if len(chunks) == 1 and not column.null_count:
        values = _values(_plain(chunks[0]))
        if values.dtype == dtype:
            return values
    out = empty(len(column), FLOAT if column.null_count else dtype)
    parts = [c.slice(a, b - a) for c in chunks for a, b in threads().chunks(len(c), MINIMUM_CHUNK * len(chunks))]
    places = starts(tuple(map(len, parts)))
    threads().run(_write, [out[a : a + len(p)] for a, p in zip(places, parts, strict=True)], parts)
    return out


def _write(out: NDArray[Any], chunk: Any) -> None:
    """The elements of a chunk, nan for nulls."""
    np.copyto(out, _values(_plain(chunk)), casting="unsafe")
    if chunk.null_count:
        np.putmask(out, ~_bits(chunk.buffers()[0], chunk.offset, len(chunk)), np.nan)


def _plain(chunk: Any) -> Any:
    """Decimals and half floats as float64, times as the integers that they are stored as."""
    t = chunk.type
    if pa.types.is_decimal(t):
        return chunk.cast(pa.float64())
    if _is_time(t):
        return chunk.view(pa.int32() if t.bit_width == 32 else pa.int64())
    return chunk


def _values(chunk: Any) -> NDArray[Any]:
    """The elements where they are (bools are unpacked); what stands at nulls is undefined."""
    data = chunk.buffers()[1]
    if data is None:
        return np.zeros(len(chunk), np.float64)
    if pa.types.is_boolean(chunk.type):
        return _bits(data, chunk.offset, len(chunk))
    dtype = np.dtype(chunk.type.to_pandas_dtype())
    return np.frombuffer(data, dtype, len(chunk), chunk.offset * dtype.itemsize)


def _bits(buffer: Any, offset: int, count: int) -> NDArray[np.bool_]:
    packed = np.frombuffer(buffer, np.uint8)[offset // 8 : (offset + count + 7) // 8]
    unpacked = np.unpackbits(packed, bitorder="little")
    return unpacked[offset % 8 : offset % 8 + count].view(np.bool_)


# --- text and lists --------------------------------------------------------------------------------------------------


def text(column: Any) -> TextBlock:
    """A chunked column of strings as a block; a null becomes the empty string."""
    chunks = [_text_chunk(c) for c in column.chunks]
    if len(chunks) == 1 and chunks[0].offsets.dtype == np.int64:
        return layout.join_text(chunks)
    return layout.join_text([piece for c in chunks for piece in _cut(c, MINIMUM_CHUNK * len(chunks))])


def _cut(block: TextBlock, minimum: int) -> list[TextBlock]:
    """A block in pieces for the threads, over the same memory."""
    edges, data = block.offsets, block.data
    first = int(edges[0])
    cuts = threads().chunks(len(edges) - 1, minimum)
    return [TextBlock(edges[a : b + 1], data[int(edges[a]) - first : int(edges[b]) - first]) for a, b in cuts]


def _text_chunk(chunk: Any) -> TextBlock:
    """A chunk over the same memory: its offsets may be narrow, and begin anywhere."""
    if pa.types.is_dictionary(chunk.type):
        chunk = chunk.dictionary_decode()
    if pa.types.is_fixed_size_binary(chunk.type):
        chunk = chunk.cast(pa.large_binary())
    wide = pa.types.is_large_string(chunk.type) or pa.types.is_large_binary(chunk.type)
    _, offsets, data = chunk.buffers()
    if offsets is None or not len(chunk):
        return TextBlock(np.zeros(len(chunk) + 1, np.int64), np.empty(0, np.uint8))
    step = np.dtype(np.int64 if wide else np.int32)
    edges = np.frombuffer(offsets, step, len(chunk) + 1, chunk.offset * step.itemsize)
    characters = np.empty(0, np.uint8) if data is None else np.frombuffer(data, np.uint8)
    return TextBlock(edges, characters[int(edges[0]) : int(edges[-1])])


def null_or_empty(column: Any) -> NDArray[np.int64]:
    """1 where a chunked column of strings is null or empty, else 0."""
    empty_: NDArray[np.bool_] = np.diff(text(column).offsets) == 0
    return empty_.astype(np.int64)


def lists(column: Any, dtype: np.dtype[Any] | None) -> tuple[NDArray[np.int64], Any]:
    """A chunked column of lists as the starts of the lists and the block of their values; null is an empty list."""
    column = column.combine_chunks()
    column = pa.chunked_array([column]) if isinstance(column, pa.Array) else column
    lengths = [_lengths(c) for c in column.chunks]
    flat = pa.chunked_array([c.flatten() for c in column.chunks], column.type.value_type)
    values = text(flat) if dtype is None else numbers(flat, dtype)
    ends = np.cumsum(np.concatenate([np.zeros(0, np.int64), *lengths]))
    return np.concatenate([np.zeros(1, np.int64), ends])[:-1], values


def _lengths(chunk: Any) -> NDArray[np.int64]:
    found = chunk.value_lengths().fill_null(0)
    return np.asarray(found.to_numpy(zero_copy_only=False), np.int64)


# --- to Arrow --------------------------------------------------------------------------------------------------------


def to_arrow(block: Any) -> Any:
    """A block as an Arrow array, not copied but for bools."""
    return arrow.to_arrow(block) if isinstance(block, TextBlock) else arrow.from_numbers(block)


def is_utf8(block: TextBlock) -> bool:
    """Whether all strings of a block are UTF-8."""
    if not len(block.data) or block.data.max() < 0x80:
        return True
    try:
        to_arrow(block).validate(full=True)
    except pa.ArrowInvalid:
        return False
    return True


def lists_to_arrow(starts: NDArray[np.int64], values: Any) -> Any:
    """The lists of one block; the last ends where the values do."""
    inner = to_arrow(values)
    first = starts[0] if len(starts) else 0
    offsets = np.append(starts - first, len(inner))
    return pa.LargeListArray.from_arrays(arrow.from_numbers(offsets), inner)


def as_text(sequence: Sequence[str]) -> str:
    """Names in a message, the first few."""
    return ", ".join(sequence[:10]) + (", ..." if len(sequence) > 10 else "")
