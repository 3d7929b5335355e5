"""Reading and writing CSV."""

from __future__ import annotations

from pathlib import Path

from arkserver.commands.parquet import each_readable
from arkserver.commands.registry import command
from arkserver.commands.results import Json, ReadAll
from arkserver.engine.executor import Executor
from arkserver.engine.storage import csv, csv_text, csv_writing, paths
from arkserver.engine.values import Column
from arkserver.errors import ArgumentError, StorageError


@command("lscsv", distributed="server")
def list_columns(filename: str, col_delim: str) -> Json:
    """Name the columns of a CSV file."""
    return Json(list(csv_text.peek(paths.first_match(filename), col_delim).names))


def text_file_bytes(filenames: list[str]) -> int:
    """What reading text takes: the text, and as much again for the values."""
    found = paths.expand(filenames)
    return sum(2 * Path(path).stat().st_size for path in found if Path(path).is_file())


@command("readcsv", project=text_file_bytes)
def read(
    ex: Executor, filenames: list[str], datasets: list[str], col_delim: str, allow_errors: bool = False
) -> ReadAll:
    """Read columns of CSV files by name."""
    files = paths.expand(filenames)

    def readable(path: str) -> str:
        csv.check_names(path, csv_text.peek(path, col_delim), datasets)
        return path

    found, errors = each_readable(files, readable, allow_errors=allow_errors)
    return ReadAll(csv.read(ex, found, datasets, col_delim, lenient=allow_errors), tuple(errors))


@command("writecsv", project=lambda datasets: sum(3 * c.nbytes for c in datasets))
def write(
    ex: Executor,
    datasets: list[Column],
    col_names: list[str],
    filename: str,
    col_delim: str,
    overwrite: bool = False,
) -> str:
    """Write columns to CSV files, one a block."""
    if len(datasets) != len(col_names):
        raise ArgumentError(f"{len(datasets)} columns have {len(col_names)} names")
    if not Path(filename).parent.is_dir():
        raise StorageError(f"the folder {Path(filename).parent} does not exist")
    columns = dict(zip(col_names, datasets, strict=True))
    csv_writing.write(ex, filename, columns, col_delim, overwrite=overwrite)
    return "CSV Data written successfully!"
