"""CSV: files are dealt out to blocks; each block is written to a file of its own.

A file that Arkouda wrote starts with three lines that give the dtypes of its columns; in any other the first line gives
the names, and all columns are strings unless the types are to be found out from the contents.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import as_text, kind_of, numbers, text
from arkserver.engine.threads import threads
from arkserver.engine.values import STRING_KIND, Column, DType, starts
from arkserver.errors import StorageError, UnsupportedError

HEADER_START, HEADER_END = "**HEADER**", "*/HEADER/*"
HEADER_LINES = 3

# A delimiter of several characters is exchanged for this one before the text is taken apart.
STAND_IN = "\x1f"

# How much of a file is looked at for its names, and for types that it does not declare.
PEEK_BYTES = 1 << 20
GUESS_BYTES = 1 << 20

# Bytes that Arrow hands to a thread: the larger the fewer pieces, but each thread needs some.
SMALL_BLOCK, LARGE_BLOCK = 1 << 20, 1 << 22

QUOTE, TILE = ord('"'), 1 << 16

_TYPES = {"int64": pa.int64(), "uint64": pa.uint64(), "float64": pa.float64(), "bool": pa.bool_(), "str": pa.string()}
WRITABLE = tuple(_TYPES)

# What a column becomes whose type was guessed from its beginning and does not fit further on.
_WIDER = {pa.int64(): pa.float64(), pa.float64(): pa.string(), pa.bool_(): pa.string()}


@dataclass(frozen=True, slots=True)
class Layout:
    """What the beginning of a file says."""

    names: tuple[str, ...]
    types: tuple[str, ...] | None
    """dtypes of the columns; None if the file does not say"""


def peek(path: str, delimiter: str) -> Layout:
    """Read the beginning of a file.

    Raises
    ------
    StorageError
        If it cannot be read or is empty.
    """
    types, data = _declared_types(_beginning(path, delimiter, PEEK_BYTES))
    lines = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=_character(delimiter))
    first = next(lines, [])
    if not first:
        raise StorageError(f"{path} is empty; the first line must hold the names of the columns")
    return Layout(tuple(n.replace(STAND_IN, delimiter).strip() for n in first), types)


def _declared_types(data: bytes) -> tuple[tuple[str, ...] | None, bytes]:
    """The dtypes of Arkouda's header, if there is one, and what follows it."""
    if data.split(b"\n", 1)[0].strip() != HEADER_START.encode():
        return None, data
    _, types, _, rest = (data.split(b"\n", HEADER_LINES) + [b""] * HEADER_LINES)[: HEADER_LINES + 1]
    return tuple(t.strip() for t in types.decode().split(",")), rest


def _character(delimiter: str) -> str:
    return delimiter if len(delimiter) == 1 else STAND_IN


def _beginning(path: str, delimiter: str, limit: int) -> bytes:
    """Whole lines from the beginning of a file, as far as these end within the limit."""
    with _readable(path), Path(path).open("rb") as f:
        data = f.read(limit)
    if len(data) == limit:
        data = data[: data.rfind(b"\n") + 1] or data
    return _one_character(data, delimiter)


def _contents(path: str, delimiter: str) -> Any:
    """A file as an Arrow buffer, mapped rather than copied."""
    with _readable(path):
        if len(delimiter) > 1 or not Path(path).stat().st_size:  # an empty file cannot be mapped
            return pa.py_buffer(_one_character(Path(path).read_bytes(), delimiter))
        with pa.memory_map(path) as file:
            return file.read_buffer()


@contextmanager
def _readable(path: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise StorageError(f"The file {path} does not exist") from None
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None


def _one_character(data: bytes, delimiter: str) -> bytes:
    return data if len(delimiter) == 1 else data.replace(delimiter.encode(), STAND_IN.encode())


def _parse(data: Any, names: Sequence[str], delimiter: str, path: str, convert: Any) -> Any:
    """The rows below the line of names."""
    size = min(max(len(data) // 8, SMALL_BLOCK), LARGE_BLOCK)
    reading = pacsv.ReadOptions(column_names=list(names), skip_rows_after_names=1, block_size=size)
    # An empty line is a row of a single column, and no row of several. Without a quote no value holds a line's end,
    # and the blocks of the file can be told apart faster.
    parsing = pacsv.ParseOptions(
        delimiter=_character(delimiter), newlines_in_values=_has_quote(data), ignore_empty_lines=len(names) > 1
    )
    try:
        return pacsv.read_csv(
            pa.BufferReader(data), read_options=reading, parse_options=parsing, convert_options=convert
        )
    except pa.ArrowException as e:
        raise StorageError(f"{path} cannot be read: {e}; set allow_errors to True to read what can be read") from None


def _has_quote(data: Any) -> bool:
    """Whether there is a quotation mark; looked for in tiles that fit the cache."""
    letters = np.frombuffer(data, np.uint8)

    def found(start: int, stop: int) -> bool:
        return any((letters[i : min(i + TILE, stop)] == QUOTE).any() for i in range(start, stop, TILE))

    return any(threads().each_chunk(found, len(letters), TILE))


def guess_types(path: str, names: Sequence[str], delimiter: str) -> dict[str, Any]:
    """The Arrow types of the columns, by the beginning of a file."""
    try:
        table = _parse(_beginning(path, delimiter, GUESS_BYTES), names, delimiter, path, pacsv.ConvertOptions())
    except StorageError:  # cut in the middle of a quoted text
        table = _parse(_contents(path, delimiter), names, delimiter, path, pacsv.ConvertOptions())
    return {f.name: _guessed(f.type) for f in table.schema}


def _guessed(t: Any) -> Any:
    return pa.string() if pa.types.is_null(t) else t


# --- reading ---------------------------------------------------------------------------------------------------------


def check_names(path: str, found: Layout, names: Sequence[str]) -> None:
    """See that a file has the columns.

    Raises
    ------
    StorageError
    """
    for name in names:
        if name not in found.names:
            raise StorageError(f"The dataset {name} was not found in {path}; it has {as_text(found.names)}")


def read(
    ex: Executor, files: Sequence[str], names: Sequence[str], delimiter: str, *, lenient: bool = False
) -> dict[str, Column]:
    """Columns in the dtypes that the files declare; strings where they declare none.

    Parameters
    ----------
    lenient : bool
        What cannot be read as its dtype becomes the least value of it, instead of an error.

    Raises
    ------
    StorageError
        If a file lacks a column, cannot be read, or declares other dtypes than the first.
    """
    declared = [_declared(path, names, delimiter) for path in files]
    if any(d != declared[0] for d in declared):
        raise StorageError(f"the files declare different dtypes: {declared[0]} and others")
    return _read_as(ex, files, declared[0], delimiter, lenient=lenient)


def _declared(path: str, names: Sequence[str], delimiter: str) -> dict[str, Any]:
    found = peek(path, delimiter)
    check_names(path, found, names)
    dtypes = dict(zip(found.names, found.types or [STRING_KIND] * len(found.names), strict=False))
    unknown = [t for t in dtypes.values() if t not in _TYPES]
    if unknown:
        raise UnsupportedError(f"Invalid DType Found, {unknown[0]}")
    return {name: _TYPES[dtypes[name]] for name in names}


def read_guessing(ex: Executor, files: Sequence[str], names: Sequence[str] | None, delimiter: str) -> dict[str, Column]:
    """Columns in dtypes that fit their contents; empty numbers are nan.

    Raises
    ------
    StorageError
        If a file lacks a column or cannot be read.
    """
    first = peek(files[0], delimiter)
    wanted = list(first.names if names is None else names)
    if first.types is not None:
        return read(ex, files, wanted, delimiter)
    check_names(files[0], first, wanted)
    guessed = guess_types(files[0], first.names, delimiter)
    types = {name: guessed[name] for name in wanted}
    while True:
        try:
            return _read_as(ex, files, types, delimiter, blanks=True)
        except StorageError as e:
            column = _misfit(str(e), first.names)
            if column is None or types[column] not in _WIDER:
                raise
            types[column] = _WIDER[types[column]]


def _misfit(message: str, names: Sequence[str]) -> str | None:
    """The column that Arrow could not convert."""
    found = re.search(r"In CSV column #(\d+)", message)
    return names[int(found[1])] if found else None


def _read_as(
    ex: Executor,
    files: Sequence[str],
    types: Mapping[str, Any],
    delimiter: str,
    *,
    lenient: bool = False,
    blanks: bool = False,
) -> dict[str, Column]:
    """`blanks`: an empty number is nan; otherwise it is an error."""
    parts = ex.map_parts(len(types), _read_block, Each(deal(files, ex.width)), dict(types), delimiter, lenient, blanks)
    return {name: _column(ex, refs, types[name]) for (name, refs) in zip(types, parts, strict=True)}


def deal(files: Sequence[str], width: int) -> list[tuple[str, ...]]:
    """Files for each block: consecutive, in order, near-equal in bytes."""
    sizes = [Path(path).stat().st_size for path in files]
    blocks: list[list[str]] = [[] for _ in range(width)]
    for path, start, size in zip(files, starts(tuple(sizes)), sizes, strict=True):
        # A file belongs to the block in whose share its middle lies.
        blocks[min(width - 1, (start + size // 2) * width // max(1, sum(sizes)))].append(paths.absolute(path))
    return [tuple(b) for b in blocks]


def _column(ex: Executor, refs: Refs, t: Any) -> Column:
    if pa.types.is_string(t):
        return layout.rebalance(ex, layout.strings_of(ex, refs))
    dtypes = {d for d, n in ex.collect(_dtype, refs) if n}
    dtype = np.dtype(np.float64) if len(dtypes) > 1 else next(iter(dtypes), kind_of(t, "").dtype)
    assert dtype is not None  # noqa: S101 - strings left above
    return layout.array_of_unknown(ex, ex.map(_as, refs, dtype), dtype)


def _dtype(block: Any) -> tuple[DType, int]:
    return block.dtype, len(block)


def _as(block: Any, dtype: DType) -> Any:
    return block.astype(dtype, copy=False)


def _read_block(
    files: tuple[str, ...], types: dict[str, Any], delimiter: str, lenient: bool, blanks: bool
) -> list[Any]:
    tables = [_read_file(path, types, delimiter, lenient=lenient, blanks=blanks) for path in files]
    empty = pa.schema(list(types.items())).empty_table()
    table = pa.concat_tables(tables) if tables else empty
    return [_block(table.column(name), types[name], delimiter) for name in types]


def _read_file(path: str, types: dict[str, Any], delimiter: str, *, lenient: bool, blanks: bool) -> Any:
    found = peek(path, delimiter)
    data = _contents(path, delimiter)
    data = data if found.types is None else _below_header(data)
    wanted = {n: pa.string() if lenient else t for n, t in types.items()}
    nulls: dict[str, Any] = {} if blanks else {"null_values": []}
    convert = pacsv.ConvertOptions(column_types=wanted, include_columns=list(types), **nulls)
    table = _parse(data, found.names, delimiter, path, convert)
    if not lenient:
        return table
    return pa.table({n: _lenient(table.column(n), t) for n, t in types.items()})


def _below_header(data: Any) -> Any:
    """What follows Arkouda's header."""
    beginning = io.BytesIO(data[:PEEK_BYTES])
    return data[sum(len(beginning.readline()) for _ in range(HEADER_LINES)) :]


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


def _block(column: Any, t: Any, delimiter: str) -> Any:
    if not pa.types.is_string(t):
        return numbers(column, _dtype_of(t))
    if len(delimiter) > 1:
        column = pc.replace_substring(column, STAND_IN, delimiter)
    return text(column)


def _dtype_of(t: Any) -> DType:
    found = kind_of(t, "CSV").dtype
    assert found is not None  # noqa: S101 - a number
    return found
