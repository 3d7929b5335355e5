"""The same work by other libraries. Each function takes what is needed from the data and returns what is timed.

All are allowed the same number of threads; frames and tables are made before the timing; what an operation gives stays
in memory, in the library's own form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bench.case import Data, Peer


def numpy(work: Callable[[Data], Any]) -> Peer:
    """NumPy on the arrays as they are."""
    return lambda data: lambda: work(data)


def pandas(work: Callable[[Any], Any]) -> Peer:
    """Use pandas on a frame of the data (those of the longest length)."""

    def prepare(data: Data) -> Callable[[], Any]:
        import pandas as pd

        frame = pd.DataFrame(_columns(data))
        return lambda: work(frame)

    return prepare


def polars(work: Callable[[Any], Any]) -> Peer:
    """Polars on a frame of the data."""

    def prepare(data: Data) -> Callable[[], Any]:
        import polars as pl

        frame = pl.DataFrame(_columns(data))
        return lambda: work(frame)

    return prepare


def polars_series(work: Callable[[dict[str, Any]], Any]) -> Peer:
    """Polars on a series for each array, whatever their lengths."""

    def prepare(data: Data) -> Callable[[], Any]:
        import polars as pl

        series = {k: pl.Series(k, v) for k, v in data.items()}
        return lambda: work(series)

    return prepare


def duckdb(query: str) -> Peer:
    """DuckDB: the result of `query` becomes a temporary table; the arrays are tables ``t`` and, shorter ones, ``s``."""

    def prepare(data: Data) -> Callable[[], Any]:
        import duckdb as db
        import polars as pl

        connection = db.connect()
        connection.execute(f"set threads to {THREADS}")
        long = pl.DataFrame(_columns(data))
        short = pl.DataFrame({k: v for k, v in data.items() if k not in long.columns} or {"none": [0]})
        for name, frame in (("t", long), ("s", short)):
            connection.register(f"{name}_view", frame.to_arrow())
            connection.execute(f"create table {name} as select * from {name}_view")
        return lambda: connection.execute(f"create or replace temp table result as {query}")

    return prepare


def dask_array(work: Callable[[dict[str, Any]], Any]) -> Peer:
    """dask.array with two chunks an array, on its threaded scheduler."""

    def prepare(data: Data) -> Callable[[], Any]:
        import dask
        import dask.array as da

        arrays = {k: da.from_array(v, chunks=max(1, -(-len(v) // THREADS))) for k, v in data.items()}

        def run() -> Any:
            with dask.config.set(scheduler="threads", num_workers=THREADS):
                return dask.compute(work(arrays))

        return run

    return prepare


THREADS = 2
"""set by the command line before anything is prepared"""


def _columns(data: Data) -> dict[str, Any]:
    longest = max(len(v) for v in data.values())
    return {k: v for k, v in data.items() if len(v) == longest}
