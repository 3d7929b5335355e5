"""Parquet and CSV, read and written. Files are in the page cache: what is measured is the work, not a disk."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.client.frame import DataFrame
from bench import peers
from bench.case import Case, Data, Make, case, nothing

SIZES = (10**6, 10**7)

Columns = dict[str, Any]


@cache
def folder() -> Path:
    """Where the files are; gone at the end."""
    path = Path(tempfile.mkdtemp(prefix="arkserver-bench-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    return path


def integers(n: int, rng: np.random.Generator) -> Columns:
    """One column of small and one of large numbers."""
    return {"a": rng.integers(0, 1000, n), "b": rng.integers(0, 2**60, n)}


def floats(n: int, rng: np.random.Generator) -> Columns:
    """Two columns."""
    return {"a": rng.normal(size=n), "b": np.round(rng.normal(size=n), 2)}


def texts(n: int, rng: np.random.Generator) -> Columns:
    """Texts of 3 to 20 letters, ten rows a text."""
    import pyarrow as pa

    letters = rng.integers(97, 123, (n // 10, 20), np.uint8)
    lengths = rng.integers(3, 21, n // 10)
    distinct = pa.array([bytes(row[:k]).decode() for row, k in zip(letters, lengths, strict=True)])
    return {"s": distinct.take(pa.array(rng.integers(0, n // 10, n)))}


def mixed(n: int, rng: np.random.Generator) -> Columns:
    """A key, a measure and a name."""
    return {"k": rng.integers(0, n, n), "v": np.round(rng.normal(size=n), 4), **texts(n, rng)}


def parquet_file(make: Callable[[int, np.random.Generator], Columns]) -> Make:
    """The columns in a Parquet file."""

    def write(n: int, rng: np.random.Generator) -> Data:
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = folder() / "in.parquet"
        pq.write_table(pa.table(make(n, rng)), path)
        return {"path": str(path)}

    return write


def csv_file(n: int, rng: np.random.Generator) -> Data:
    """The columns of `mixed` in a CSV file."""
    import pyarrow as pa
    from pyarrow import csv

    path = folder() / "in.csv"
    csv.write_csv(pa.table(mixed(n, rng)), path, csv.WriteOptions(quoting_style="none"))
    return {"path": str(path)}


def _pyarrow_parquet(d: Data) -> Any:
    import pyarrow.parquet as pq

    return pq.read_table(d["path"])


def _pandas_parquet(d: Data) -> Any:
    import pandas as pd

    return pd.read_parquet(d["path"])


def _polars_parquet(d: Data) -> Any:
    import polars as pl

    return pl.read_parquet(d["path"])


for _name, _make in (("integers", integers), ("floats", floats), ("texts", texts), ("mixed", mixed)):
    case(
        Case(
            "Parquet read",
            _name,
            parquet_file(_make),
            lambda s, d: s.read_parquet(d["path"]),
            {
                "pyarrow": peers.direct(_pyarrow_parquet),
                "pandas": peers.direct(_pandas_parquet),
                "polars": peers.direct(_polars_parquet),
                "duckdb": peers.duckdb("select * from read_parquet('{path}')"),
            },
            target=(0.95, 0.9),
            note="Arrow's reader, which takes 1.5 times the processor time of Polars' for the mixed file; after it "
            "each column is put into one piece, strings with offsets of 64 bits.",
            sizes=SIZES,
        )
    )


def _pyarrow_csv(d: Data) -> Any:
    from pyarrow import csv

    return csv.read_csv(d["path"])


def _pandas_csv(d: Data) -> Any:
    import pandas as pd

    return pd.read_csv(d["path"], keep_default_na=False)  # the texts may spell "nan"


def _polars_csv(d: Data) -> Any:
    import polars as pl

    return pl.read_csv(d["path"])


case(
    Case(
        "CSV read",
        "mixed",
        csv_file,
        lambda s, d: s.read_csv(d["path"]),
        {
            "pyarrow": peers.direct(_pyarrow_csv),
            "pandas": peers.direct(_pandas_csv),
            "polars": peers.direct(_polars_csv),
            "duckdb": peers.duckdb("select * from read_csv('{path}')"),
        },
        target=(0.95, 0.9),
        note="Our kernels where a piece of the file is spelt plainly, Arrow's reader for the rest and for files with "
        "quotation marks; types are guessed from the beginning.",
        sizes=SIZES,
    )
)


# --- writing ---------------------------------------------------------------------------------------------------------


def numbers(n: int, rng: np.random.Generator) -> Data:
    """A column of integers and one of floats."""
    return {"k": rng.integers(0, n, n), "v": np.round(rng.normal(size=n), 4)}


def _arrow_table(d: Data) -> Any:
    import pyarrow as pa

    return pa.table({"k": d["k"], "v": d["v"]})


def _write_pyarrow_parquet(table: Any) -> None:
    import pyarrow.parquet as pq

    pq.write_table(table, folder() / "pyarrow.parquet")


def _write_pyarrow_csv(table: Any) -> None:
    from pyarrow import csv

    csv.write_csv(table, folder() / "pyarrow.csv")


def _ours_frame(_: Any, d: Any) -> DataFrame:
    return DataFrame({"k": d["k"], "v": d["v"]})


def _write_ours_parquet(_: Any, d: Any) -> None:
    d["ready"].to_parquet(str(folder() / "ours.parquet"))


def _write_ours_csv(_: Any, d: Any) -> None:
    d["ready"].to_csv(str(folder() / "ours.csv"), overwrite=True)


for _format, _ours, _pyarrow in (
    ("parquet", _write_ours_parquet, _write_pyarrow_parquet),
    ("csv", _write_ours_csv, _write_pyarrow_csv),
):
    case(
        Case(
            f"{'CSV' if _format == 'csv' else 'Parquet'} write",
            "mixed",
            numbers,
            _ours,
            {
                "pyarrow": peers.made(_arrow_table, _pyarrow),
                "polars": peers.polars(
                    lambda f, kind=_format: getattr(f, f"write_{kind}")(folder() / f"polars.{kind}")  # type: ignore[misc]
                ),
            },
            sizes=SIZES,
            prepare=_ours_frame,
            answer=nothing,
            note="Arrow makes the text, on all threads; on one it takes four times as long as Polars on two."
            if _format == "csv"
            else "",
        )
    )
