"""Reading and writing Parquet."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from arkserver.commands import projection
from arkserver.commands.arguments import SymbolName
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.results import ReadAll, Warned
from arkserver.engine.executor import Executor
from arkserver.engine.storage import parquet, parquet_writing, paths
from arkserver.engine.storage.arrow import Lists
from arkserver.engine.storage.parquet import Nulls, Plan, Source
from arkserver.engine.storage.tagging import TAG, file_codes
from arkserver.engine.values import Array, Column, Strings
from arkserver.errors import ArgumentError, StorageError, UnsupportedError

WRITTEN = "Dataset written successfully!"
OVERWRITTEN = "Warning: possibly overwriting existing files matching filename pattern"

APPEND = 1

T = TypeVar("T")


def each_readable(files: Sequence[str], read: Callable[[str], T], *, allow_errors: bool) -> tuple[list[T], list[str]]:
    """``read(file)`` for every file, and the errors of those that are left out.

    Raises
    ------
    StorageError
        At the first that cannot be read unless `allow_errors`, or if none can be read.
    """
    found: list[T] = []
    errors: list[str] = []
    for path in files:
        try:
            found.append(read(path))
        except StorageError as e:
            if not allow_errors:
                raise
            errors.append(str(e))
    if not found:
        raise StorageError(f"none of the files can be read: {'; '.join(errors[:3])}")
    return found, errors


# --- reading ---------------------------------------------------------------------------------------------------------


def _planned(
    filenames: list[str], names: list[str] | None, *, strict: bool, allow_errors: bool
) -> tuple[Plan, list[str]]:
    files = paths.expand(filenames)
    sources, errors = each_readable(files, parquet.source, allow_errors=allow_errors)
    return parquet.plan(sources, names, strict=strict), errors


def _named_bytes(filenames: list[str], dsets: list[str], strict_types: bool = True, allow_errors: bool = False) -> int:
    return _planned(filenames, dsets, strict=strict_types, allow_errors=allow_errors)[0].nbytes


def _all_bytes(filenames: list[str], strict_types: bool = True, allow_errors: bool = False) -> int:
    return _planned(filenames, None, strict=strict_types, allow_errors=allow_errors)[0].nbytes


@command("readAllParquet", project=_named_bytes)
def read_named(
    ex: Executor,
    filenames: list[str],
    dsets: list[str],
    strict_types: bool = True,
    allow_errors: bool = False,
    tag_data: bool = False,
    has_non_float_nulls: bool = False,
) -> ReadAll:
    """Read columns of Parquet files by name."""
    plan, errors = _planned(filenames, dsets, strict=strict_types, allow_errors=allow_errors)
    return _read(ex, plan, errors, Nulls.TO_FLOAT if has_non_float_nulls else Nulls.REFUSE, tag_data=tag_data)


@command("readAllColsParquet", project=_all_bytes)
def read_all(
    ex: Executor,
    filenames: list[str],
    strict_types: bool = True,
    allow_errors: bool = False,
    tag_data: bool = False,
    null_handling: str = Nulls.REFUSE.value,
) -> ReadAll:
    """Read all columns of Parquet files."""
    plan, errors = _planned(filenames, None, strict=strict_types, allow_errors=allow_errors)
    return _read(ex, plan, errors, _nulls(null_handling), tag_data=tag_data)


def _nulls(text: str) -> Nulls:
    known = {"none": Nulls.REFUSE, "only floats": Nulls.REFUSE, "all": Nulls.TO_FLOAT}
    if text not in known:
        raise ArgumentError(f"null_handling is {text!r}; known are {', '.join(known)}")
    return known[text]


def _read(ex: Executor, plan: Plan, errors: list[str], nulls: Nulls, *, tag_data: bool) -> ReadAll:
    tags = {TAG: file_codes(ex, [s.rows for s in plan.sources])} if tag_data else {}
    return ReadAll({**tags, **parquet.read(ex, plan, nulls=nulls)}, tuple(errors))


@command("getnullparquet", project=_named_bytes)
def null_indices(ex: Executor, filenames: list[str], dsets: list[str]) -> ReadAll:
    """Say where columns of strings are null or empty."""
    plan, _ = _planned(filenames, dsets, strict=True, allow_errors=False)
    return ReadAll({name: parquet.null_indices(ex, plan, name) for name in dsets})


def sources_of(filenames: list[str]) -> list[Source]:
    """The footers of the files that a request names."""
    return [parquet.source(path) for path in paths.expand(filenames)]


# --- writing ---------------------------------------------------------------------------------------------------------


@command("writeParquet", project=projection.times(1, "values"))
def write_one(
    ex: Executor,
    values: Column,
    prefix: str,
    dset: str,
    obj_type: str = "pdarray",
    mode: int = 0,
    compression: str = "none",
    segments: Array | None = None,
) -> str | Warned:
    """Write one column to Parquet files, one a block."""
    if obj_type.lower() == "segarray" and segments is None:
        raise ArgumentError("a SegArray is written from segments and values; segments is missing")
    column = values if segments is None else Lists(segments, values)
    return _write(ex, prefix, {dset: column}, compression, append=mode == APPEND, done=WRITTEN)


@command("toParquet_multi", project=projection.nothing)
def write_many(
    ex: Executor,
    context: Context,
    columns: list[str],
    col_names: list[str],
    filename: str,
    col_objtypes: list[str],
    compression: str = "none",
) -> str | Warned:
    """Write several columns to Parquet files, one a block."""
    if not len(columns) == len(col_names) == len(col_objtypes):
        raise ArgumentError(f"{len(columns)} columns have {len(col_names)} names and {len(col_objtypes)} types")
    found = [_column(context, text, kind) for text, kind in zip(columns, col_objtypes, strict=True)]
    named = dict(zip(col_names, found, strict=True))
    return _write(ex, filename, named, compression, append=False, done="File written successfully!")


def _column(context: Context, text: str, kind: str) -> Column | Lists:
    """A column by its symbol, or by the symbols of its parts in JSON."""
    if kind.lower() != "segarray":
        return _value(context, SymbolName(text))
    parts = msgspec.json.decode(text)
    segments = _value(context, parts["segments"])
    if not isinstance(segments, Array):
        raise UnsupportedError(f"{parts['segments']} is no array; the segments of a SegArray are int64")
    return Lists(segments, _value(context, parts["values"]))


def _value(context: Context, name: str) -> Column:
    value = context.engine.symbols.get(name)
    if not isinstance(value, Array | Strings):
        raise UnsupportedError(f"{name} is {type(value).__name__}; columns are arrays or strings")
    return value


def _write(
    ex: Executor, prefix: str, columns: dict[str, Column | Lists], compression: str, *, append: bool, done: str
) -> str | Warned:
    overwrites = bool(paths.existing(prefix)) and not append
    if overwrites:
        paths.delete_existing(prefix)
    parquet_writing.write(ex, prefix, columns, compression, append=append)
    return Warned(OVERWRITTEN) if overwrites else done
