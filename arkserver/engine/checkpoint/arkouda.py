"""Checkpoints that Arkouda wrote (protocol reference 14.5): reading them, so that its sessions can move here.

A folder with ``server.md``, and for each symbol ``<id>.md``: lines of JSON about the entry, the array, and each of its
files. Numbers are Parquet with a column ``data``; bigint is a format of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from arkserver.engine import layout
from arkserver.engine.checkpoint import manifest
from arkserver.engine.executor import Executor
from arkserver.engine.storage import parquet
from arkserver.engine.values import BIGINT, DTYPES, Array
from arkserver.errors import StorageError, UnsupportedError

COLUMN = "data"
ARRAY_TYPE = "PrimitiveTypedArraySymEntry"

_NEGATIVE = 1 << 31


class _Server(msgspec.Struct):
    numLocales: int  # noqa: N815 - the file's word


class _Entry(msgspec.Struct):
    entryName: str  # noqa: N815
    entryType: str  # noqa: N815


class _About(msgspec.Struct):
    dtype: str
    size: int
    ndim: int
    numTargetLocales: int  # noqa: N815
    numChunks: int  # noqa: N815


class _Chunk(msgspec.Struct):
    filename: str
    numElems: int  # noqa: N815


class _Lines:
    """The lines of a file, each decoded as what it must be."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: Iterator[str] = iter(path.read_text().splitlines()) if path.exists() else iter(())

    def next(self, what: str, kind: Any) -> Any:
        text = self.text(what)
        try:
            return msgspec.json.decode(text, type=kind)
        except msgspec.ValidationError as e:
            raise StorageError(f"invalid {what} in {self._path}: {_upstream_words(e)}") from None
        except msgspec.DecodeError as e:
            raise StorageError(f"could not read {what} from {self._path}: {e}") from None

    def text(self, what: str) -> str:
        text = next(self._lines, None)
        if text is None:
            raise StorageError(f"could not read {what} from {self._path}: the file ends before it")
        return text


def _upstream_words(error: msgspec.ValidationError) -> str:
    """As Arkouda's tests look for it."""
    _, found, field = str(error).partition("missing required field `")
    return f"field '{field.rstrip('`')}' not found" if found else str(error)


def read(ex: Executor, folder: Path, locales: int) -> dict[str, Array]:
    """The arrays of a checkpoint by their symbols.

    Raises
    ------
    StorageError
        If it was written by another number of locales, or a file cannot be read.
    UnsupportedError
        For what Arkouda itself does not load: strings, several axes, uint8.
    """
    server = _Lines(folder / manifest.SERVER).next("server metadata", _Server)
    if server.numLocales != locales:
        raise StorageError(
            "Attempting to load a checkpoint that was made with a different number of locales "
            f"({server.numLocales}) than the current execution ({locales})"
        )
    paths = [p for p in sorted(folder.glob("*.md")) if p.name != manifest.SERVER]
    return dict(_read_entry(ex, folder, path) for path in paths)


def _read_entry(ex: Executor, folder: Path, path: Path) -> tuple[str, Array]:
    lines = _Lines(path)
    entry = lines.next("entry metadata", _Entry)
    if entry.entryType != ARRAY_TYPE:
        raise UnsupportedError(f"loading {entry.entryType} from {path} is not implemented")
    about = lines.next("array metadata", _About)
    if about.dtype == "bigint":
        return entry.entryName, layout.from_numpy(ex, _bigints(folder, lines.text("base path"), about.numTargetLocales))
    chunks = [lines.next(f"chunk {i} metadata", _Chunk) for i in range(1, about.numChunks + 1)]
    sources = [parquet.source(str(_found(folder, c.filename))) for c in chunks]
    array = parquet.read(ex, parquet.plan(sources, [COLUMN]))[COLUMN]
    if not isinstance(array, Array) or array.dtype != DTYPES.get(about.dtype) or array.size != about.size:
        raise StorageError(f"the files of {path} are not the {about.size} elements of {about.dtype} that it names")
    return entry.entryName, array


def _found(folder: Path, name: str) -> Path:
    """A file by the path that was noted, or beside the notes, where it is when the folder has moved."""
    return Path(name) if Path(name).exists() else folder / Path(name).name


def _bigints(folder: Path, base: str, locales: int) -> Any:
    values: list[int] = []
    for i in range(1, locales + 1):
        path = _found(folder, f"{base}_LOCALE{i:04d}.bin")
        try:
            values += _decoded(path.read_bytes())
        except OSError as e:
            raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    out = np.empty(len(values), BIGINT)
    out[:] = values
    return out


def _decoded(data: bytes) -> Iterator[int]:
    """A count, then for each number its length with the sign in the top bit, and its bytes."""
    at = 8
    for _ in range(int.from_bytes(data[:8], "little")):
        head = int.from_bytes(data[at : at + 4], "little")
        length = head & (_NEGATIVE - 1)
        value = int.from_bytes(data[at + 4 : at + 4 + length], "big")
        yield -value if head & _NEGATIVE else value
        at += 4 + length
