"""The text of a CSV file: its bytes, and what its beginning says."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from arkserver.errors import StorageError

HEADER_START, HEADER_END = "**HEADER**", "*/HEADER/*"
HEADER_LINES = 3

# A delimiter of several characters is exchanged for this one before the text is taken apart.
STAND_IN = "\x1f"

# How much of a file is looked at for its names.
PEEK_BYTES = 1 << 20


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
    types, data = _declared_types(beginning(path, delimiter, PEEK_BYTES))
    lines = csv.reader(io.StringIO(data.decode("utf-8", "replace"), newline=""), delimiter=character(delimiter))
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


def character(delimiter: str) -> str:
    """What stands for a delimiter in the text that `contents` gives."""
    return delimiter if len(delimiter) == 1 else STAND_IN


def beginning(path: str, delimiter: str, limit: int) -> bytes:
    """Whole lines from the beginning of a file, as far as these end within the limit.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    with _readable(path), Path(path).open("rb") as f:
        data = f.read(limit)
    if len(data) == limit:
        data = data[: data.rfind(b"\n") + 1] or data
    return _onecharacter(data, delimiter)


def contents(path: str, delimiter: str) -> Any:
    """A file as an Arrow buffer, mapped rather than copied.

    Raises
    ------
    StorageError
        If it cannot be read.
    """
    with _readable(path):
        if len(delimiter) > 1 or not Path(path).stat().st_size:  # an empty file cannot be mapped
            return pa.py_buffer(_onecharacter(Path(path).read_bytes(), delimiter))
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


def _onecharacter(data: bytes, delimiter: str) -> bytes:
    return data if len(delimiter) == 1 else data.replace(delimiter.encode(), STAND_IN.encode())


def below_header(data: Any) -> Any:
    """What follows Arkouda's header."""
    beginning = io.BytesIO(data[:PEEK_BYTES])
    return data[sum(len(beginning.readline()) for _ in range(HEADER_LINES)) :]
