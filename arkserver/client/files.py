"""Files that the server reads and writes; paths are the server's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any

import msgspec

from arkserver.client.creation import Creation
from arkserver.client.frame import DataFrame
from arkserver.client.groupby import Column

Path = str | PathLike[str]


class Files(Creation):
    """Reads and writes files on the server, and makes tables."""

    # --- tables from here --------------------------------------------------------------------------------------------

    def frame(self, columns: Any) -> DataFrame:
        """A table of the server from a mapping of columns or a pandas DataFrame.

        Missing numbers become nan, missing texts empty strings, categories texts, dates their nanoseconds.
        """
        pairs = columns.items() if isinstance(columns, Mapping) else [(str(n), columns[n]) for n in columns]
        return DataFrame({name: self.asarray(values) for name, values in pairs})

    # --- reading -----------------------------------------------------------------------------------------------------

    def read_parquet(self, path: Path | Sequence[Path], columns: Sequence[str] | None = None) -> DataFrame:
        """Read Parquet files, with a wild card in a single `path`, one after the other.

        Whole numbers become int64 or uint64, those with missing values float64 with nan; missing texts become empty
        strings, dates their int64 count.

        Raises
        ------
        ServerError
            If a file cannot be read or lacks a column.
        """
        return self._read(path, columns, format="parquet")

    def read_csv(
        self, path: Path | Sequence[Path], columns: Sequence[str] | None = None, *, delimiter: str = ","
    ) -> DataFrame:
        """Read CSV files; the first line has the names, the dtypes are found out. `delimiter` may be of any length.

        Raises
        ------
        ServerError
            If a file cannot be read or lacks a column.
        """
        return self._read(path, columns, format="csv", col_delim=delimiter)

    def _read(self, path: Path | Sequence[Path], columns: Sequence[str] | None, **more: str) -> DataFrame:
        files = [fspath(path)] if isinstance(path, str | PathLike) else [fspath(p) for p in path]
        chosen = {} if columns is None else {"columns": list(columns)}
        answer = self.json("readTable", filenames=files, **chosen, **more)
        found: dict[str, Column] = {}
        for item in msgspec.json.decode(answer["items"]):
            if item["arkouda_type"] == "SEGARRAY":
                raise TypeError(f"{item['dataset_name']} holds lists; name the columns that are to be read")
            (found[item["dataset_name"]],) = self.made(item["created"])
        return DataFrame(found)

    # --- writing -----------------------------------------------------------------------------------------------------

    def write_parquet(self, frame: DataFrame, path: Path, *, compression: str = "snappy") -> None:
        """Let the server write a table as Parquet, one file a block: ``x.parquet`` becomes ``x_LOCALE0000.parquet``."""
        columns = frame.values()
        self.do(
            "toParquet_multi",
            columns=columns,
            col_names=frame.columns,
            col_objtypes=["Strings" if c.dtype_name == "str" else "pdarray" for c in columns],
            filename=fspath(path),
            num_cols=len(columns),
            compression=compression,
        )

    def write_csv(self, frame: DataFrame, path: Path, *, delimiter: str = ",", overwrite: bool = False) -> None:
        """Let the server write a table as CSV, one file a block.

        Raises
        ------
        ServerError
            If there are such files and `overwrite` is false.
        """
        self.do(
            "writecsv",
            datasets=frame.values(),
            col_names=frame.columns,
            filename=fspath(path),
            num_dsets=len(frame.columns),
            col_delim=delimiter,
            dtypes=list(frame.dtypes.values()),
            row_count=len(frame),
            overwrite=overwrite,
        )

    # --- checkpoints -------------------------------------------------------------------------------------------------

    def checkpoint(self) -> dict[str, Any]:
        """Have the server write all it holds, of all sessions, into its own folder: name, path, nbytes, seconds.

        Raises
        ------
        ServerError
            If the server has no such folder or the disk refuses.
        """
        return dict(self.json("checkpoint"))

    def save_checkpoint(self, path: Path, name: str, *, mode: str = "error") -> str:
        """Have the server write all it holds into the folder `name` of the folder `path`.

        Parameters
        ----------
        mode : str
            For a checkpoint of this name: ``error``, ``overwrite``, or ``preserve_previous``, which renames it.

        Raises
        ------
        ServerError
            If the disk refuses or there is a checkpoint of this name.
        """
        return self.text("save_checkpoint", path=fspath(path), name=name, mode=mode)

    def load_checkpoint(self, path: Path, name: str) -> None:
        """Bring back what a checkpoint holds, under its old names and in place of what has them now.

        Raises
        ------
        ServerError
            If it is not there, damaged, or does not fit; nothing is changed then.
        """
        self.do("load_checkpoint", path=fspath(path), name=name)
