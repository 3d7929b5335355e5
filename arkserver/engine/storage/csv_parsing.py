"""The rows of CSV files as blocks.

A file without quotation marks below the names is cut at ends of lines into pieces that threads take. The kernels read
the columns of a piece if all of it is spelt plainly; otherwise Arrow reads the piece, and says what is wrong with it.
Arrow reads a file with quotation marks as one piece, on its own threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.blocks import fields
from arkserver.engine.buffers import empty
from arkserver.engine.storage import arrow
from arkserver.engine.storage.csv_text import STAND_IN, below_header, character, contents, peek
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock
from arkserver.errors import StorageError

# Bytes that a thread takes, of a small and of a large file: the larger the fewer pieces, but each thread needs some.
SMALL_PIECE, LARGE_PIECE = 1 << 17, 1 << 22

# The same for Arrow's threads.
SMALL_BLOCK, LARGE_BLOCK = 1 << 20, 1 << 22

QUOTE, NEW_LINE, RETURN = b'"'[0], b"\n"[0], b"\r"[0]


@dataclass(frozen=True, slots=True)
class How:
    """What is wanted of files, the same of each."""

    types: Mapping[str, Any]
    """Arrow's, by column"""
    delimiter: str
    lenient: bool = False
    """what cannot be read as its dtype becomes the least value of it, instead of an error"""
    blanks: bool = False
    """an empty number is nan, instead of an error"""

    @property
    def convert(self) -> Any:
        """The same for Arrow."""
        wanted = {n: pa.string() if self.lenient else t for n, t in self.types.items()}
        nulls: dict[str, Any] = {} if self.blanks else {"null_values": []}
        return pacsv.ConvertOptions(column_types=wanted, include_columns=list(wanted), **nulls)


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole lines of a file."""

    path: str
    names: tuple[str, ...]
    """of all columns of the file"""
    text: NDArray[np.uint8]
    is_file: bool
    """with the line of names, and perhaps with quotation marks or other ends of lines; `fields.SPARE` bytes may be
    read behind any other piece"""


def read_files(files: Sequence[str], how: How) -> list[Any]:
    """The blocks of the columns, files one behind the other.

    Raises
    ------
    StorageError
        If a file cannot be read.
    """
    pieces = [p for path in files for p in _pieces(path, how.delimiter)]
    found = threads().run(lambda p: _read(p, how), pieces)
    columns = [[blocks[i] for blocks in found] for i in range(len(how.types))]
    del found
    columns.reverse()  # the pieces of a column are gone when its block is made
    return [_joined(columns.pop(), t) for t in how.types.values()]


def _joined(parts: list[Any], t: Any) -> Any:
    dtype = arrow.kind_of(t, "CSV").dtype
    if dtype is None:
        return layout.join_text(parts or [TextBlock(np.zeros(1, np.int64), np.empty(0, np.uint8))])
    filled = [p for p in parts if len(p)]
    if any(p.dtype == arrow.FLOAT for p in filled):
        dtype = arrow.FLOAT
    return layout.concatenate_blocks(filled, dtype) if filled else np.empty(0, dtype)


# --- pieces ----------------------------------------------------------------------------------------------------------


def _pieces(path: str, delimiter: str) -> Iterator[Piece]:
    found = peek(path, delimiter)
    data = contents(path, delimiter)
    text = np.frombuffer(data if found.types is None else below_header(data), np.uint8)
    start, size = _line_end(text, 0), _share(len(text), SMALL_PIECE, LARGE_PIECE)
    goes_on = np.count_nonzero(text[:start] == QUOTE) % 2  # a name that holds the end of a line
    if goes_on or fields.holds_either(text[start:], QUOTE, RETURN):
        yield Piece(path, found.names, text, is_file=True)
        return
    while start < len(text):
        stop = _line_end(text, min(start + size, len(text)))
        spare = len(text) - stop >= fields.SPARE  # beyond the file may be no memory
        yield Piece(path, found.names, text[start:stop] if spare else _copied(text[start:stop]), is_file=False)
        start = stop


def _share(size: int, least: int, most: int) -> int:
    """Bytes of a text of `size` that a thread takes at a time."""
    return min(max(size // 8, least), most)


def _line_end(text: NDArray[np.uint8], start: int) -> int:
    """Behind the end of a line, the first from `start` on."""
    for i in range(start, len(text), fields.TILE):
        ends = np.flatnonzero(text[i : i + fields.TILE] == NEW_LINE)
        if len(ends):
            return i + int(ends[0]) + 1
    return len(text)


def _copied(text: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """A copy with bytes to spare, and an end of the last line."""
    out = empty(len(text) + 1 + fields.SPARE, np.uint8)
    out[: len(text)], out[len(text) :] = text, NEW_LINE
    return out[: len(text) + (text[-1] != NEW_LINE)]


def _read(piece: Piece, how: How) -> list[Any]:
    """The blocks of the columns of a piece."""
    return _by_kernels(piece, how) or _by_arrow(piece, how)


# --- kernels ---------------------------------------------------------------------------------------------------------


def _by_kernels(piece: Piece, how: How) -> list[Any] | None:
    """None if something is not spelt plainly."""
    if piece.is_file or how.lenient:
        return None
    found = fields.split(piece.text, ord(character(how.delimiter)), len(piece.names))
    if found is None:
        return None
    blocks = []
    for name, t in how.types.items():
        block = _values(found, piece.names.index(name), t, blanks=how.blanks)
        if block is None:
            return None
        blocks.append(block)
    return blocks


_KNOWN = {
    pa.int64(): np.dtype(np.int64),
    pa.uint64(): np.dtype(np.uint64),
    pa.float64(): np.dtype(np.float64),
    pa.bool_(): np.dtype(np.bool_),
}


def _values(found: fields.Fields, column: int, t: Any, *, blanks: bool) -> Any:
    if pa.types.is_string(t):
        block = fields.strings(found, column)
        return block if arrow.is_utf8(block) else None
    return fields.numbers(found, column, _KNOWN[t], blanks=blanks) if t in _KNOWN else None


# --- Arrow -----------------------------------------------------------------------------------------------------------


def _by_arrow(piece: Piece, how: How) -> list[Any]:
    data = pa.py_buffer(piece.text)
    table = parse(data, piece.names, how.delimiter, piece.path, how.convert, is_file=piece.is_file)
    return [_block(table.column(name), t, how) for name, t in how.types.items()]


def parse(
    data: Any, names: Sequence[str], delimiter: str, path: str, convert: Any = None, *, is_file: bool = True
) -> Any:
    """A table of the rows of a text, below the line of names if it is a file's.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    size = _share(len(data), SMALL_BLOCK, LARGE_BLOCK)
    reading = pacsv.ReadOptions(
        column_names=list(names), skip_rows_after_names=int(is_file), block_size=size, use_threads=is_file
    )
    # An empty line is a row of a single column, and no row of several.
    parsing = pacsv.ParseOptions(
        delimiter=character(delimiter), newlines_in_values=is_file, ignore_empty_lines=len(names) > 1
    )
    try:
        return pacsv.read_csv(
            pa.BufferReader(data), read_options=reading, parse_options=parsing, convert_options=convert
        )
    except pa.ArrowException as e:
        raise StorageError(f"{path} cannot be read: {e}; set allow_errors to True to read what can be read") from None


def _block(column: Any, t: Any, how: How) -> Any:
    if how.lenient:
        column = _lenient(column, t)
    dtype = arrow.kind_of(t, "CSV").dtype
    if dtype is not None:
        return arrow.numbers(column, dtype)
    if len(how.delimiter) > 1:
        column = pc.replace_substring(column, STAND_IN, how.delimiter)
    return arrow.text(column)


def _lenient(column: Any, t: Any) -> Any:
    """Texts as numbers; what is none becomes the least value of the dtype."""
    if pa.types.is_string(t):
        return column
    return pa.chunked_array([pa.array([_number(v, t) for v in column.to_pylist()], t)])


def _number(value: str, t: Any) -> Any:
    try:
        return pa.scalar(value.strip()).cast(t).as_py()
    except pa.ArrowInvalid:
        dtype = np.dtype(t.to_pandas_dtype())
        return False if dtype.kind == "b" else (np.finfo(dtype) if dtype.kind == "f" else np.iinfo(dtype)).min
