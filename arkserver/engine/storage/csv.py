"""CSV: files are dealt out to blocks; each block is written to a file of its own.

A file that Arkouda wrote starts with three lines that give the dtypes of its columns; in any other the first line gives
the names, and all columns are strings unless the types are to be found out from the contents.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import as_text, kind_of
from arkserver.engine.storage.csv_parsing import How, parse, read_files
from arkserver.engine.storage.csv_text import Layout, beginning, contents, peek
from arkserver.engine.values import STRING_KIND, Column, DType, starts
from arkserver.errors import StorageError, UnsupportedError

# How much of a file is looked at for types that it does not declare.
GUESS_BYTES = 1 << 20

_TYPES = {"int64": pa.int64(), "uint64": pa.uint64(), "float64": pa.float64(), "bool": pa.bool_(), "str": pa.string()}
WRITABLE = tuple(_TYPES)

# What a column becomes whose type was guessed from its beginning and does not fit further on.
_WIDER = {pa.int64(): pa.float64(), pa.float64(): pa.string(), pa.bool_(): pa.string()}


def guess_types(path: str, names: Sequence[str], delimiter: str) -> dict[str, Any]:
    """The Arrow types of the columns, by the beginning of a file."""
    try:
        table = parse(pa.py_buffer(beginning(path, delimiter, GUESS_BYTES)), names, delimiter, path)
    except StorageError:  # cut in the middle of a quoted text
        table = parse(contents(path, delimiter), names, delimiter, path)
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
    how = How(dict(types), delimiter, lenient=lenient, blanks=blanks)
    parts = ex.map_parts(len(types), read_files, Each(deal(files, ex.width)), how)
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
