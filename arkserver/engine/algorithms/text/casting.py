"""Strings from numbers, numbers from strings."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.text.forms import BOOL, column
from arkserver.engine.blocks import arrow, text
from arkserver.engine.executor import Executor
from arkserver.engine.formats import float_text
from arkserver.engine.threads import threads
from arkserver.engine.values import BIGINT, Array, DType, Strings, TextBlock, dtype_name
from arkserver.errors import ArgumentError

_INTEGER = re.compile(r"([+-]?)(?:0[xX]([0-9a-fA-F]+)|0[oO]([0-7]+)|0[bB]([01]+)|([0-9]+))")
_BASES = (16, 8, 2, 10)
# Longer ones Python does not read, as that takes the square of their length.
_MOST_DIGITS = 4300

# What stands for a text that is no number.
MISSING = {"f": np.nan, "i": np.iinfo(np.int64).min}


def to_strings(ex: Executor, x: Array) -> Strings:
    """Each element of a 1-D array as text: floats with 17 digits, bools in lower case."""
    return layout.strings_of(ex, ex.map(_to_text, x), x.rows)


def _to_text(block: NDArray[Any]) -> TextBlock:
    if block.dtype == BIGINT:
        return text.from_list([b"%d" % v for v in block])
    if block.dtype.kind == "f":
        return text.from_list([float_text(v).encode() for v in block.tolist()])
    return arrow.from_arrow(pc.cast(arrow.from_numbers(block), pa.large_string()))


def from_strings(ex: Executor, s: Strings, dtype: DType) -> tuple[Array, Array]:
    """The numbers that strings hold, and which of them hold one.

    There may be blanks around a number, and an integer may have a base (``0x``, ``0o``, ``0b``). For uint8 integers are
    taken modulo 256, as those of arrays are. What is no number gives nan, the least int64, 0 or False.
    """
    values, valid = ex.map_parts(2, _parsed, s, dtype)
    return column(s, values, dtype), column(s, valid, BOOL)


def from_valid_strings(ex: Executor, s: Strings, dtype: DType) -> Array:
    """The numbers that strings hold.

    Raises
    ------
    ArgumentError
        If one holds none.
    """
    values, valid = from_strings(ex, s, dtype)
    bad = sum(ex.collect(_count_false, valid))
    if bad:
        raise ArgumentError(f"{bad} of {s.size} strings are no {dtype_name(dtype)}")
    return values


def _count_false(valid: NDArray[np.bool_]) -> int:
    return int(np.count_nonzero(~valid))


def _parsed(block: TextBlock, dtype: DType) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    parts = threads().each_chunk(lambda a, b: _parsed_chunk(block, a, b, dtype), text.size(block), arrow.CHUNK)
    values, valid = zip(*parts, strict=True)
    return layout.concatenate_blocks(values, dtype), layout.concatenate_blocks(valid, BOOL)


def _parsed_chunk(block: TextBlock, start: int, stop: int, dtype: DType) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Arrow reads a chunk of well-formed numbers; one with anything else is read string by string."""
    if dtype.kind in "iuf":
        wide = dtype if dtype.itemsize == 8 else np.dtype(np.int64)
        try:
            found = pc.cast(arrow.to_arrow(block, start, stop), pa.from_numpy_dtype(wide))
            return found.to_numpy(zero_copy_only=False).astype(dtype, copy=False), np.ones(stop - start, np.bool_)
        except pa.ArrowInvalid:
            pass  # one of them is no number, or written in another way
    parse = _parser(dtype)
    values = [parse(raw) for raw in text.to_list(layout.slice_text(block, start, stop))]
    valid = np.array([v is not None for v in values], np.bool_)
    missing = MISSING.get(dtype.kind, 0)
    out = np.empty(len(values), dtype)
    out[:] = [missing if v is None else v for v in values]
    return out, valid


def _parser(dtype: DType) -> Callable[[bytes], Any]:
    if dtype == BIGINT:
        return _integer
    if dtype.kind == "b":
        return lambda raw: {b"true": True, b"false": False}.get(raw.strip().lower())
    if dtype.kind == "f":
        return _float
    if dtype.itemsize == 1:
        return lambda raw: None if (v := _integer(raw)) is None else v % 256
    info = np.iinfo(dtype)
    return lambda raw: v if (v := _integer(raw)) is not None and info.min <= v <= info.max else None


def _integer(raw: bytes) -> int | None:
    found = _INTEGER.fullmatch(raw.strip().decode(errors="replace"))
    if found is None or len(raw) > _MOST_DIGITS:
        return None
    sign, *by_base = found.groups()
    return next(int(sign + digits, base) for base, digits in zip(_BASES, by_base, strict=True) if digits)


def _float(raw: bytes) -> float | None:
    """Underscores in a number are not accepted."""
    if b"_" in raw:
        return None
    try:
        return float(raw)
    except ValueError:
        return None
