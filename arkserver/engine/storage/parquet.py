"""Reading Parquet: row groups are dealt out to blocks, and each block reads its own."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import FLOAT, Kind, Lists, as_text, kind_of, lists, null_or_empty, numbers, text
from arkserver.engine.threads import split, threads
from arkserver.engine.values import Array, Column, TextBlock, starts
from arkserver.errors import StorageError, UnsupportedError

Read = Column | Lists
"""What a column of a file becomes."""

JOBS = 4
"""for each thread, so that all end at about the same time"""


class Nulls(StrEnum):
    """What becomes of nulls in columns of integers and bools (in floats they are nan, in strings empty)."""

    REFUSE = "only floats"
    TO_FLOAT = "all"


@dataclass(frozen=True, slots=True)
class Source:
    """The footer of one file."""

    path: str
    schema: Any
    """Arrow's"""
    groups: tuple[int, ...]
    """rows of the row groups"""
    text_bytes: Mapping[str, int]
    """by column: bytes of all pages, uncompressed"""

    @property
    def rows(self) -> int:
        """Rows of the file."""
        return sum(self.groups)


Piece = tuple[str, tuple[int, ...]]
"""Row groups of one file."""


def source(path: str) -> Source:
    """Read the footer of a file (or remember it from the last time, if the file is the same).

    Raises
    ------
    StorageError
        If the file is not there or is no Parquet file.
    """
    try:
        stat = Path(path).stat()
        return _footer(path, stat.st_mtime_ns, stat.st_size)
    except FileNotFoundError:
        raise StorageError(f"File {path} does not exist in a location accessible to Arkouda") from None
    except (OSError, pa.ArrowException) as e:
        raise StorageError(f"{path} cannot be read as Parquet: {e}") from None


@functools.lru_cache(maxsize=4096)
def _footer(path: str, _modified: int, _size: int) -> Source:
    found = pq.read_metadata(path)
    groups = [found.row_group(i) for i in range(found.num_row_groups)]
    sizes: dict[str, int] = {}
    for group in groups:
        for i in range(group.num_columns):
            column = group.column(i)
            name = column.path_in_schema.partition(".")[0]
            sizes[name] = sizes.get(name, 0) + column.total_uncompressed_size
    return Source(path, found.schema.to_arrow_schema(), tuple(g.num_rows for g in groups), sizes)


def column_names(path: str, *, nested: bool) -> list[str]:
    """The columns of a file that can be read; those of lists if `nested`."""
    return [f.name for f in source(path).schema if _readable(f, nested=nested)]


def _readable(field: Any, *, nested: bool) -> bool:
    try:
        kind = kind_of(field.type, field.name)
    except UnsupportedError:
        return False
    return nested or not kind.is_list


# --- what is to be read ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """Which columns of which files, and what they become."""

    sources: tuple[Source, ...]
    kinds: Mapping[str, Kind]
    """by column, in the order that was asked for"""

    @property
    def rows(self) -> int:
        """Rows of all files."""
        return sum(s.rows for s in self.sources)

    @property
    def nbytes(self) -> int:
        """Bytes that the result will take, as far as the footers tell."""
        return sum(self._column_bytes(name, kind) for name, kind in self.kinds.items())

    def _column_bytes(self, name: str, kind: Kind) -> int:
        pages = sum(s.text_bytes.get(name, 0) for s in self.sources)
        return 8 * self.rows + (pages if kind.dtype is None or kind.is_list else 0)


def plan(sources: Sequence[Source], names: Sequence[str] | None, *, strict: bool = True) -> Plan:
    """Look up columns in the footers.

    Parameters
    ----------
    names : sequence of str, optional
        All readable columns of the first file if not given.
    strict : bool
        All files must have the same type; otherwise the same kind (such as whole numbers of any width) is enough.

    Raises
    ------
    StorageError
        If a file lacks a column or has it in another type.
    UnsupportedError
        If a column is of a type that cannot be read.
    """
    if names is None:
        names = column_names(sources[0].path, nested=True)
    return Plan(tuple(sources), {name: _common_kind(sources, name, strict=strict) for name in names})


def _common_kind(sources: Sequence[Source], name: str, *, strict: bool) -> Kind:
    first, *others = [_field_type(s, name) for s in sources]
    kind = kind_of(first, name)
    for s, other in zip(sources[1:], others, strict=True):
        if kind_of(other, name) != kind or (strict and other != first):
            found = f"{first} in {sources[0].path}, {other} in {s.path}"
            raise StorageError(f"Inconsistent types in dataset {name}: {found}")
    return kind


def _field_type(s: Source, name: str) -> Any:
    if name not in s.schema.names:
        raise StorageError(f"Dataset {name} not found in file {s.path}; it has {as_text(s.schema.names)}")
    t = s.schema.field(name).type
    return t.value_type if pa.types.is_dictionary(t) else t


def deal(sources: Sequence[Source], width: int) -> list[tuple[Piece, ...]]:
    """Row groups for each block: consecutive, in order, near-equal in rows."""
    total = sum(s.rows for s in sources)
    blocks: list[list[Piece]] = [[] for _ in range(width)]
    at = 0
    for s in sources:
        owners: dict[int, list[int]] = {}
        for group, rows in enumerate(s.groups):
            # A group belongs to the block in whose share its middle lies.
            owners.setdefault(min(width - 1, (at + rows // 2) * width // max(1, total)), []).append(group)
            at += rows
        for block, groups in owners.items():
            blocks[block].append((s.path, tuple(groups)))
    return [tuple(b) for b in blocks]


# --- reading ---------------------------------------------------------------------------------------------------------


def read(ex: Executor, wanted: Plan, *, nulls: Nulls = Nulls.TO_FLOAT) -> dict[str, Read]:
    """The columns, block by block, with one pass over the files.

    Raises
    ------
    StorageError
        If a file cannot be read, or if integers or bools have nulls that `nulls` refuses.
    """
    dealt = _shares(ex, wanted.sources)
    names, kinds = tuple(wanted.kinds), tuple(wanted.kinds.values())
    parts = ex.map_parts(sum(2 if k.is_list else 1 for k in kinds), _read_block, dealt, names, kinds)
    found: dict[str, Read] = {}
    remaining = iter(parts)
    for name, kind in wanted.kinds.items():
        refs = next(remaining)
        found[name] = _lists(ex, refs, next(remaining), kind.dtype) if kind.is_list else _column(ex, refs, kind.dtype)
        _check_nulls(name, kind, found[name], nulls)
    return found


def _shares(ex: Executor, sources: Sequence[Source]) -> Each:
    """What each block reads, wherever it is made."""
    dealt = deal(sources, ex.width)
    return Each(tuple((paths.absolute(path), groups) for path, groups in share) for share in dealt)


def _column(ex: Executor, refs: Refs, dtype: np.dtype[Any] | None) -> Column:
    if dtype is None:
        return layout.rebalance(ex, layout.strings_of(ex, refs))
    if dtype != FLOAT and any(ex.collect(_became_float, refs)):
        dtype = FLOAT
        refs = ex.map(_as_float, refs)
    return layout.array_of_unknown(ex, refs, dtype)


def _became_float(block: NDArray[Any]) -> bool:
    return block.dtype == FLOAT and len(block) > 0


def _as_float(block: NDArray[Any]) -> NDArray[np.float64]:
    return block.astype(np.float64, copy=False)


def _lists(ex: Executor, local: Refs, refs: Refs, dtype: np.dtype[Any] | None) -> Lists:
    counts = ex.collect(_count, refs)
    segments = ex.map(np.add, local, Each(starts(tuple(counts))))
    return Lists(layout.array_of_unknown(ex, segments, np.dtype(np.int64)), _column(ex, refs, dtype))


def _count(block: Any) -> int:
    return len(block.offsets) - 1 if isinstance(block, TextBlock) else len(block)


def _check_nulls(name: str, kind: Kind, column: Read, nulls: Nulls) -> None:
    if nulls is Nulls.REFUSE and isinstance(column, Array) and column.dtype != kind.dtype:
        raise StorageError(
            f"the dataset {name} of {kind.dtype} has nulls; read it with null_handling='all' to get them as nan"
        )


def _read_block(pieces: tuple[Piece, ...], names: tuple[str, ...], kinds: tuple[Kind, ...]) -> list[Any]:
    columns = _read_columns(pieces, dict(zip(names, kinds, strict=True)))
    blocks: list[Any] = []
    for name, kind in zip(names, kinds, strict=True):
        column = columns.pop(name) if name in columns else _no_chunks(kind)
        if kind.is_list:
            blocks.extend(lists(column, kind.dtype))
        else:
            blocks.append(text(column) if kind.dtype is None else numbers(column, kind.dtype))
    return blocks


def _read_columns(pieces: tuple[Piece, ...], kinds: Mapping[str, Kind]) -> dict[str, Any]:
    """Chunked columns, read by all threads."""
    groups = [(path, group) for path, of_file in pieces for group in of_file]
    jobs = _jobs(groups, kinds, several=len(pieces) > 1) if groups and kinds else []
    tables = threads().run(_read_groups, *zip(*jobs, strict=True)) if jobs else []
    return {name: _column_of(tables, name) for name in kinds} if groups else {}


def _jobs(
    groups: Sequence[tuple[str, int]], kinds: Mapping[str, Kind], *, several: bool
) -> list[tuple[Sequence[tuple[str, int]], list[str]]]:
    """Which columns of which row groups a thread reads at a time, the small jobs last.

    Arrow makes one piece of memory of a column of numbers that is read at once from one file, which becomes the block
    as it is, so threads share out such columns. Strings are copied anyway and take the longest: threads share out their
    rows, and with several files those of all columns, so that no thread opens all of them.
    """
    count = threads().count
    long = [name for name, kind in kinds.items() if kind.dtype is None or kind.is_list]
    short = [name for name in kinds if name not in long]
    rows = [*long, *(short if several or len(short) < count else [])] if len(groups) >= count else []
    columns = [name for name in (*long, *short) if name not in rows]
    by_column = [(groups, columns[i :: JOBS * count]) for i in range(min(JOBS * count, len(columns)))]
    by_rows = [(groups[a:b], rows) for a, b in split(len(groups), min(JOBS * count, len(groups))) if rows]
    return [*by_column, *by_rows]


def _column_of(tables: Sequence[Any], name: str) -> Any:
    parts = [t.select([name]) for t in tables if name in t.column_names]
    return pa.concat_tables(parts, promote_options="permissive").column(0)


def _read_groups(groups: Sequence[tuple[str, int]], names: Sequence[str]) -> Any:
    """Columns of row groups of one file or several."""
    by_file = itertools.groupby(groups, key=itemgetter(0))
    tables = [_read_piece(path, [group for _, group in of_file], names) for path, of_file in by_file]
    return pa.concat_tables(tables, promote_options="permissive") if len(tables) > 1 else tables[0]


def _read_piece(path: str, groups: list[int], names: Sequence[str]) -> Any:
    try:
        with pq.ParquetFile(path, memory_map=True) as file:
            return file.read_row_groups(groups, columns=list(names), use_threads=False).select(list(names))
    except (OSError, pa.ArrowException) as e:
        raise StorageError(f"{path} cannot be read: {e}") from None


def _no_chunks(kind: Kind) -> Any:
    inner = pa.large_string() if kind.dtype is None else pa.from_numpy_dtype(kind.dtype)
    return pa.chunked_array([], pa.large_list(inner) if kind.is_list else inner)


# --- about the rows --------------------------------------------------------------------------------------------------


def null_indices(ex: Executor, wanted: Plan, name: str) -> Array:
    """1 where a column of strings is null or empty, else 0.

    Raises
    ------
    UnsupportedError
        For a column of another type.
    """
    kind = wanted.kinds[name]
    if kind.dtype is not None or kind.is_list:
        raise UnsupportedError(f"Null indices only supported on Parquet string columns, not {kind.dtype}")
    refs = ex.map(_read_nulls, _shares(ex, wanted.sources), name)
    return layout.array_of_unknown(ex, refs, np.dtype(np.int64))


def _read_nulls(pieces: tuple[Piece, ...], name: str) -> NDArray[np.int64]:
    column = _read_columns(pieces, {name: Kind(None)}).get(name)
    return np.empty(0, np.int64) if column is None else null_or_empty(column)
