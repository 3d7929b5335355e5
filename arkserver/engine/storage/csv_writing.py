"""Writing CSV: one file for each block, with the three lines at its beginning that give the dtypes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import as_text, is_utf8, to_arrow
from arkserver.engine.storage.csv import WRITABLE
from arkserver.engine.storage.csv_text import HEADER_END, HEADER_START
from arkserver.engine.threads import threads
from arkserver.engine.values import DTYPES, STRING_KIND, Array, Column, Strings, TextBlock, dtype_name
from arkserver.errors import ArgumentError, StorageError, UnsupportedError

ROWS = 1 << 16
"""rows that a thread turns into text at a time"""


def write(ex: Executor, prefix: str, columns: Mapping[str, Column], delimiter: str, *, overwrite: bool) -> None:
    """Write columns of equal length, each block to a file of its own.

    Strings are quoted only where they hold the delimiter, a quote or the end of a line. Floats are written with as many
    digits as it takes to read the same number again.

    Raises
    ------
    ArgumentError
        If there are files of that name and `overwrite` is false, or for columns of different lengths.
    UnsupportedError
        For bigint, uint8 or several axes.
    """
    if paths.existing(prefix) and not overwrite:
        raise ArgumentError(
            "Filenames for the provided name exist. Overwrite must be set to true in order to save with the name "
            f"{prefix}"
        )
    types = [_written_type(name, c) for name, c in columns.items()]
    if len({c.shape[0] for c in columns.values()}) > 1:
        raise ArgumentError(f"the columns have different lengths: {sorted({c.shape[0] for c in columns.values()})}")
    aligned = layout.align(ex, *columns.values())
    paths.delete_existing(prefix)
    targets = Each(paths.block_paths(prefix, len(aligned[0].rows)))
    ex.collect(_write_block, targets, tuple(columns), tuple(types), delimiter, *aligned)


def _written_type(name: str, column: Column) -> str:
    kind = STRING_KIND if isinstance(column, Strings) else dtype_name(column.dtype)
    if kind not in WRITABLE:
        raise UnsupportedError(f"Data Type {kind} cannot be written to CSV ({name}); known are {as_text(WRITABLE)}")
    if isinstance(column, Array) and column.ndim != 1:
        raise UnsupportedError(f"{name} has {column.ndim} axes; CSV columns have one")
    return kind


def _write_block(path: str, names: tuple[str, ...], types: tuple[str, ...], delimiter: str, *blocks: Any) -> None:
    head = [HEADER_START, ",".join(types), HEADER_END, delimiter.join(_quoted(n, delimiter) for n in names)]
    special = len(delimiter.encode()) > 1 or any(
        isinstance(b, TextBlock) and _has_special(b, delimiter) for b in blocks
    )
    lines = _lines_by_python if special else _lines_by_arrow
    try:
        with paths.replacing(Path(path)) as scratch, scratch.open("wb") as file:
            file.write("".join(f"{line}\n" for line in head).encode())
            file.writelines(lines(blocks, delimiter))
    except OSError as e:
        raise StorageError(f"{path} cannot be written: {e.strerror}") from None


def _has_special(block: TextBlock, delimiter: str) -> bool:
    """Whether a string has to be quoted, or is no text."""
    special = np.zeros(256, np.bool_)
    special[[*b'"\n\r', *delimiter.encode()]] = True
    chunks = threads().each_chunk(lambda a, b: bool(special[block.data[a:b]].any()), len(block.data))
    return any(chunks) or not is_utf8(block)


def _lines_by_arrow(blocks: Sequence[Any], delimiter: str) -> Iterator[Any]:
    """The rows as buffers, which all threads make."""
    table = pa.table({str(i): to_arrow(b) for i, b in enumerate(blocks)})
    options = pacsv.WriteOptions(include_header=False, delimiter=delimiter, quoting_style="none")

    def write(start: int) -> Any:
        sink = pa.BufferOutputStream()
        pacsv.write_csv(table.slice(start, ROWS), sink, options)
        return sink.getvalue()

    wave = ROWS * threads().count
    for first in range(0, len(table), wave):
        yield from threads().run(write, range(first, min(first + wave, len(table)), ROWS))


def _lines_by_python(blocks: Sequence[Any], delimiter: str) -> Iterator[bytes]:
    columns = [_texts(b, delimiter) for b in blocks]
    return (f"{delimiter.join(row)}\n".encode() for row in zip(*columns, strict=True))


def _texts(block: Any, delimiter: str) -> list[str]:
    if isinstance(block, TextBlock):
        data, edges = block.data.tobytes(), block.offsets.tolist()
        found = (data[a:b].decode("utf-8", "replace") for a, b in itertools.pairwise(edges))
        return [_quoted(t, delimiter) for t in found]
    if block.dtype == DTYPES["bool"]:
        return ["true" if v else "false" for v in block.tolist()]
    return [repr(v) for v in block.tolist()]


def _quoted(value: str, delimiter: str) -> str:
    if delimiter in value or '"' in value or "\n" in value or "\r" in value:
        return '"' + value.replace('"', '""') + '"'
    return value
