"""Writing Parquet: one file for each block."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor
from arkserver.engine.storage import paths
from arkserver.engine.storage.arrow import Lists, lists_to_arrow, to_arrow
from arkserver.engine.values import Array, Column, dtype_name
from arkserver.errors import ArgumentError, StorageError, UnsupportedError

COMPRESSIONS = ("none", "snappy", "gzip", "brotli", "zstd", "lz4")
ROWS_PER_GROUP = 1 << 20
"""so that readers can share a file"""

_WRITABLE = ("int64", "uint64", "float64", "bool")

Written = Column | Lists


def write(ex: Executor, prefix: str, columns: Mapping[str, Written], compression: str, *, append: bool = False) -> None:
    """Write columns of equal length, each block to a file of its own.

    Parameters
    ----------
    append : bool
        Add the columns to the files that are there; there must be one a block, and none may have such a column.

    Raises
    ------
    UnsupportedError
        For bigint, uint8 or several axes.
    ArgumentError
        For columns of different lengths, or a compression that is not known.
    StorageError
        If a file cannot be written or the files do not fit.
    """
    if compression.lower() not in COMPRESSIONS:
        raise ArgumentError(f"{compression} is no compression; known are {', '.join(COMPRESSIONS)}")
    operands = _operands(ex, columns)
    targets = paths.block_paths(prefix, len(_rows(operands[0])))
    if append and paths.existing(prefix) not in ([], targets):
        raise StorageError(f"{prefix} is {len(paths.existing(prefix))} files; the columns are {len(targets)} blocks")
    flat = [part for o in operands for part in (o if isinstance(o, tuple) else (o,))]
    shapes = tuple(isinstance(o, tuple) for o in operands)
    adds = append and bool(paths.existing(prefix))
    if adds:
        ex.collect(_check_new, Each(targets), tuple(columns))
    ex.collect(_write_block, Each(targets), tuple(columns), shapes, compression.lower(), adds, *flat)


def _operands(ex: Executor, columns: Mapping[str, Written]) -> list[Any]:
    """The columns with one cut; a column of lists as its starts and values, cut at the same lists."""
    leaders = [c.segments if isinstance(c, Lists) else c for c in columns.values()]
    lengths = {c.shape[:1] for c in leaders}
    if len(lengths) > 1:
        raise ArgumentError(f"the columns have different lengths: {sorted(n for (n,) in lengths)}")
    for name, column in columns.items():
        _check_writable(name, column)
    aligned = layout.align(ex, *leaders)
    return [
        (a, layout.values_of_lists(ex, a, c.values)) if isinstance(c, Lists) else a
        for a, c in zip(aligned, columns.values(), strict=True)
    ]


def _check_writable(name: str, column: Written) -> None:
    parts = column.columns if isinstance(column, Lists) else (column,)
    for part in parts:
        if part.ndim != 1:
            raise UnsupportedError(f"{name} has {part.ndim} axes; Parquet columns have one")
        if isinstance(part, Array) and dtype_name(part.dtype) not in _WRITABLE:
            known = ", ".join(_WRITABLE)
            raise UnsupportedError(f"{name} is {dtype_name(part.dtype)}; Parquet can hold {known} and strings")


def _rows(operand: Any) -> tuple[int, ...]:
    found: tuple[int, ...] = (operand[0] if isinstance(operand, tuple) else operand).rows
    return found


def _check_new(path: str, names: tuple[str, ...]) -> None:
    try:
        taken = sorted({*pq.read_schema(path).names} & {*names})
    except (OSError, pa.ArrowException) as e:
        raise StorageError(f"{path} cannot be read: {e}") from None
    if taken:
        raise StorageError(f"A column with name {', '.join(taken)} already exists in {path}")


def _write_block(
    path: str, names: tuple[str, ...], shapes: tuple[bool, ...], compression: str, adds: bool, *blocks: Any
) -> None:
    remaining = iter(blocks)
    arrays = [
        lists_to_arrow(next(remaining), next(remaining)) if is_list else to_arrow(next(remaining)) for is_list in shapes
    ]
    table = table_of(names, arrays)
    try:
        if adds:
            table = _added(pq.read_table(path), table, path)
        with paths.replacing(Path(path)) as scratch:
            pq.write_table(table, scratch, compression=compression, row_group_size=ROWS_PER_GROUP, store_schema=False)
    except (OSError, pa.ArrowException) as e:
        raise StorageError(f"{path} cannot be written: {e}") from None


def table_of(names: Sequence[str], arrays: Sequence[Any]) -> Any:
    """A table of columns without nulls."""
    fields = [pa.field(n, a.type, nullable=pa.types.is_large_list(a.type)) for n, a in zip(names, arrays, strict=True)]
    return pa.Table.from_arrays(list(arrays), schema=pa.schema(fields))


def _added(before: Any, table: Any, path: str) -> Any:
    """The columns of both; one that is there is that of this command, whose task runs again."""
    for field, column in zip(table.schema, table.columns, strict=True):
        if len(column) != len(before):
            raise StorageError(f"{path} has {len(before)} rows; {field.name} has {len(column)}")
        if field.name in before.column_names:
            before = before.drop_columns(field.name)
        before = before.append_column(field, column)
    return before
