"""Files of any format: what they are, which there are, what is in them."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.csv import text_file_bytes
from arkserver.commands.parquet import sources_of
from arkserver.commands.registry import FIXED, command
from arkserver.commands.results import Json, ReadAll
from arkserver.engine.executor import Executor
from arkserver.engine.storage import csv, csv_text, hdf5_contents, parquet, paths
from arkserver.engine.storage.paths import FileType
from arkserver.engine.values import Array, starts
from arkserver.errors import UnsupportedError


@command("getfiletype", distributed="server", project=projection.nothing)
def filetype(filename: str) -> str:
    """Name the format of a file."""
    return paths.file_type(paths.first_match(filename)).value


@command("globExpansion", distributed="server", project=projection.nothing)
def glob_expansion(filenames: list[str]) -> Json:
    """The files that a pattern matches; several names stay as they are."""
    return Json(paths.expand(filenames))


@command("lsany", distributed="server", project=projection.nothing)
def list_any(filename: str, col_delim: str = ",", read_nested: bool = True) -> Json:
    """Name the columns of a file of any format."""
    path = paths.first_match(filename)
    match paths.file_type(path):
        case FileType.PARQUET:
            return Json(parquet.column_names(path, nested=read_nested))
        case FileType.CSV:
            return Json(list(csv_text.peek(path, col_delim).names))
        case FileType.HDF5:
            return Json(hdf5_contents.names(path))


@command("deleteMatchingFilenames", distributed="server", project=projection.nothing)
def delete_matching(prefix: str) -> str:
    """Delete the files that the blocks of a value were written to."""
    paths.delete_existing(prefix)
    return "Files deleted successfully!"


@command("chunkInfoAsString<array.dtype,array.nd>", dtypes=FIXED, project=projection.nothing)
def chunk_info(array: Array) -> str:
    """Where each block begins along each axis."""
    first = list(starts(array.rows)) if array.ndim else [0]
    rest = [[0]] * max(0, array.ndim - 1)
    return f"str {[first, *rest]}"


# --- arkserver's own -------------------------------------------------------------------------------------------------


def _table_bytes(filenames: list[str], columns: list[str] | None = None, format: str = "") -> int:  # noqa: A002 - the wire's word
    if _is_parquet(filenames, format):
        return parquet.plan(sources_of(filenames), columns, strict=False).nbytes
    return text_file_bytes(filenames)


def _is_parquet(filenames: list[str], format: str) -> bool:  # noqa: A002
    if format:
        return format == "parquet"
    kind = paths.file_type(paths.expand(filenames)[0])
    if kind is FileType.HDF5:
        raise UnsupportedError(
            f"{filenames[0]} is HDF5, which has objects of any length; readAllHdf reads them by name"
        )
    return kind is FileType.PARQUET


@command("readTable", project=_table_bytes)
def read_table(
    ex: Executor,
    filenames: list[str],
    columns: list[str] | None = None,
    format: str = "",  # noqa: A002
    col_delim: str = ",",
) -> ReadAll:
    """Read a table in one request: typed columns, missing numbers as nan, missing texts as empty strings."""
    if _is_parquet(filenames, format):
        return ReadAll(parquet.read(ex, parquet.plan(sources_of(filenames), columns, strict=False)))
    return ReadAll(csv.read_guessing(ex, paths.expand(filenames), columns, col_delim))
