"""Fields of a piece of delimited text without quotation marks; what is not spelt plainly is left to others.

A piece is the work of one thread. `SPARE` bytes behind a text can be read and mean nothing.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from arkserver_kernels import fields as kernels
from numpy.typing import NDArray

from arkserver.engine.blocks.views import plain
from arkserver.engine.buffers import empty
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

Bytes = NDArray[np.uint8]

SPARE = 8

MOST_BYTES = np.iinfo(np.int32).max
"""that the end of a field can be counted in"""

# A tile of text fits the cache, and after it a search that has found something ends.
TILE = 1 << 18


class Fields(NamedTuple):
    """Rows of equally many fields."""

    text: Bytes
    ends: NDArray[np.int32]
    """of the fields, row by row"""
    columns: int

    @property
    def rows(self) -> int:
        """Lines of the text."""
        return len(self.ends) // self.columns


def holds_either(text: Bytes, a: int, b: int) -> bool:
    """Whether one of two bytes is in a text."""
    text = plain(text)

    def found(start: int, stop: int) -> bool:
        tiles = range(start, stop, TILE)
        return any(kernels.holds_either(text[i : min(i + TILE, stop)], np.uint8(a), np.uint8(b)) for i in tiles)

    return any(threads().each_chunk(found, len(text), TILE))


def split(text: Bytes, delimiter: int, columns: int) -> Fields | None:
    """The fields of whole lines; None if a line has more or fewer than `columns`, or they are too long."""
    if len(text) > MOST_BYTES:
        return None
    text, ends = plain(text), empty(len(text) + 1, np.int32)
    ends = ends[: kernels.field_ends(text, np.uint8(delimiter), ends)]
    return Fields(text, ends, columns) if kernels.are_rows(text, ends, columns) else None


def numbers(fields: Fields, column: int, dtype: np.dtype[Any], *, blanks: bool) -> NDArray[Any] | None:
    """A column of int64, uint64, float64 or bool; None if one of its fields is not spelt plainly.

    Parameters
    ----------
    blanks : bool
        An empty field is nan in float64.
    """
    out = empty(fields.rows, dtype)
    where = fields.text, fields.ends, column, fields.columns
    if dtype.kind == "f":
        done = kernels.parse_floats(*where, blanks, out)
    elif dtype.kind == "b":
        done = kernels.parse_bools(*where, out)
    else:
        done = kernels.parse_integers(*where, np.uint64(np.iinfo(dtype).max), dtype.kind == "i", out)
    return out if done else None


def strings(fields: Fields, column: int) -> TextBlock:
    """A column of strings, whatever their bytes."""
    offsets = empty(fields.rows + 1, np.int64)
    kernels.field_offsets(fields.ends, column, fields.columns, offsets)
    size = int(offsets[-1])
    data = empty(size + SPARE, np.uint8)
    kernels.copy_fields(fields.text, fields.ends, column, fields.columns, offsets, data)
    return TextBlock(offsets, data[:size])
