"""One block as one Parquet file, a row group at a time, so that only a row group is in memory twice."""

from __future__ import annotations

import hashlib
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arkserver.engine import layout, progress
from arkserver.engine.buffers import empty
from arkserver.engine.checkpoint.manifest import BlockEntry
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import numbers, text, to_arrow
from arkserver.engine.values import BIGINT, DTYPES, TextBlock
from arkserver.errors import StorageError

COLUMN = "data"
COMPRESSION = "snappy"
GROUP_ELEMENTS = 1 << 19
GROUP_BYTES = 1 << 24
"""of strings"""
BIGINT_ELEMENTS = 1 << 15

_TYPES = {"int64": pa.int64(), "uint64": pa.uint64(), "uint8": pa.uint8(), "float64": pa.float64(), "bool": pa.bool_()}
_TYPES |= {"bigint": pa.large_binary(), "str": pa.large_string()}


# --- writing ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Written:
    """A block that is on the disk."""

    entry: BlockEntry
    digest: str


class BlockWriter:
    """Writes the pieces of a block to a file; use it in a ``with`` block.

    Parameters
    ----------
    path : Path
        The file, which is new.
    dtype : str
        Name of the elements' type.
    """

    def __init__(self, path: Path, dtype: str) -> None:
        self._schema = pa.schema([pa.field(COLUMN, _TYPES[dtype], nullable=False)])
        self._file = _HashedFile(path)
        self._writer = pq.ParquetWriter(
            self._file, self._schema, compression=COMPRESSION, use_dictionary=False, write_statistics=False,
            store_schema=False,
        )  # fmt: skip
        self._groups: list[tuple[int, int]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            self._writer.close()
        except OSError:
            if kind is None:
                raise
        finally:
            self._file.close()

    def add(self, piece: Any) -> None:
        """Write one row group."""
        column = _column(piece)
        self._writer.write_table(pa.Table.from_arrays([column], schema=self._schema), row_group_size=len(column) or 1)
        rows = len(column) if isinstance(piece, TextBlock) else len(piece)
        self._groups.append((rows, len(piece.data) if isinstance(piece, TextBlock) else 0))

    def written(self, name: str) -> Written:
        """What is in the file, which has got this name, after the ``with`` block."""
        return Written(BlockEntry(name, tuple(self._groups)), self._file.digest.hexdigest())


class _HashedFile(io.RawIOBase):
    """A file that is hashed while it is written, and on the disk when it is closed."""

    def __init__(self, path: Path) -> None:
        self.digest = hashlib.sha256()
        self._out = path.open("xb", buffering=0)

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        view = memoryview(data).cast("B")
        self.digest.update(view)
        done = 0
        while done < len(view):
            done += self._out.write(view[done:])
        return done

    def close(self) -> None:
        if not self._out.closed:
            try:
                os.fsync(self._out.fileno())
            finally:
                self._out.close()
        super().close()


def write_block(folder: str, file: str, dtype: str, block: Any) -> Written | None:
    """Write a block where it is; None if this process does not see the folder.

    Raises
    ------
    StorageError
    """
    if not Path(folder).is_dir():
        return None
    return write_pieces(folder, file, dtype, (piece(block, a, b) for a, b in pairwise(edges(block))))


def write_pieces(folder: str, file: str, dtype: str, pieces: Iterator[Any]) -> Written:
    """Write the pieces of a block.

    Raises
    ------
    StorageError
        When the disk is full, for example.
    """
    path = Path(folder) / file
    try:
        with paths.replacing(path) as scratch, BlockWriter(scratch, dtype) as out:
            for content in pieces:
                _look_up()
                out.add(content)
    except (OSError, pa.ArrowException) as e:
        if isinstance(e, StorageError):
            raise
        raise StorageError(f"{path} cannot be written: {e}") from None
    return out.written(file)


def _look_up() -> None:
    token = progress.current()
    if token is not None:
        token.raise_if_cancelled()


def edges(block: Any) -> list[int]:
    """Where the row groups of a block begin, and where the last ends."""
    if isinstance(block, TextBlock):
        return _text_edges(block)
    rows = len(block) if block.ndim else 1
    elements = BIGINT_ELEMENTS if block.dtype == BIGINT else GROUP_ELEMENTS
    step = max(1, elements // max(1, block.size // max(1, rows)))
    return [*range(0, rows, step), rows]


def _text_edges(block: TextBlock) -> list[int]:
    rows = len(block.offsets) - 1
    found = [0]
    while found[-1] < rows:
        start = found[-1]
        full = int(np.searchsorted(block.offsets, block.offsets[start] + GROUP_BYTES, side="right")) - 1
        found.append(min(max(full, start + 1), start + GROUP_ELEMENTS, rows))
    return found


def piece(block: Any, start: int, stop: int) -> Any:
    """Rows of a block."""
    if isinstance(block, TextBlock):
        return layout.slice_text(block, start, stop)
    return block[start:stop] if block.ndim else block.reshape(1)


def _column(content: Any) -> Any:
    if isinstance(content, TextBlock):
        return to_arrow(content)
    flat = np.ascontiguousarray(content).reshape(-1)
    return pa.array(map(_to_bytes, flat), pa.large_binary()) if flat.dtype == BIGINT else to_arrow(flat)


def _to_bytes(value: int) -> bytes:
    return int(value).to_bytes(value.bit_length() // 8 + 1, "big", signed=True)


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Part:
    """Row groups of one file that belong to one new block."""

    file: str
    groups: tuple[int, ...]
    rows: tuple[int, ...]
    """of each group"""
    chars: tuple[int, ...]
    """bytes of strings in each group"""


def deal(blocks: Sequence[BlockEntry], width: int) -> list[tuple[Part, ...]]:
    """Row groups for each of `width` new blocks: consecutive, in order, near-equal in rows."""
    total = sum(rows for b in blocks for rows, _ in b.groups)
    dealt: list[list[Part]] = [[] for _ in range(width)]
    at = 0
    for b in blocks:
        owners: dict[int, list[int]] = {}
        for i, (rows, _) in enumerate(b.groups):
            # A group belongs to the block in whose share its middle lies.
            owners.setdefault(min(width - 1, (at + rows // 2) * width // max(1, total)), []).append(i)
            at += rows
        for owner, groups in owners.items():
            rows_of, chars = zip(*(b.groups[i] for i in groups), strict=True)
            dealt[owner].append(Part(b.file, tuple(groups), rows_of, chars))
    return [tuple(parts) for parts in dealt]


def read_block(folder: str, parts: Sequence[Part], dtype: str, tail: tuple[int, ...]) -> Any:
    """A block of strings, or of an array whose rows have the shape `tail`.

    Raises
    ------
    StorageError
    """
    return _text(folder, parts) if dtype == "str" else _array(folder, parts, DTYPES[dtype], tail)


def _text(folder: str, parts: Sequence[Part]) -> TextBlock:
    rows, chars = sum(sum(p.rows) for p in parts), sum(sum(p.chars) for p in parts)
    offsets, data = empty(rows + 1, np.dtype(np.int64)), empty(chars, np.dtype(np.uint8))
    offsets[0] = row = at = 0
    for column in _columns(folder, parts):
        found = text(column)
        n, k = len(found.offsets) - 1, len(found.data)
        np.add(found.offsets[1:], at, out=offsets[row + 1 : row + 1 + n])
        data[at : at + k] = found.data
        row, at = row + n, at + k
    return TextBlock(offsets, data)


def _array(folder: str, parts: Sequence[Part], dtype: np.dtype[Any], tail: tuple[int, ...]) -> NDArray[Any]:
    out = empty((sum(sum(p.rows) for p in parts), *tail), dtype)
    flat = out.reshape(-1)
    at = 0
    for column in _columns(folder, parts):
        found = _integers(column) if dtype == BIGINT else numbers(column, dtype)
        flat[at : at + len(found)] = found
        at += len(found)
    return out


def _integers(column: Any) -> NDArray[Any]:
    out = np.empty(len(column), object)
    out[:] = [int.from_bytes(v.as_py(), "big", signed=True) for v in column]
    return out


def _columns(folder: str, parts: Sequence[Part]) -> Iterator[Any]:
    for part in parts:
        path = Path(folder) / part.file
        try:
            with pq.ParquetFile(path) as file:
                for group in part.groups:
                    yield file.read_row_group(group, columns=[COLUMN]).column(0)
        except (OSError, pa.ArrowException) as e:
            raise StorageError(f"{path} cannot be read: {e}") from None
