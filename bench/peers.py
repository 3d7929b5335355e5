"""The same work by other libraries. Each function takes what is needed from the data and returns what is timed.

All are allowed the same number of threads; frames and tables are made before the timing; what an operation gives stays
in memory, in the library's own form.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench.case import Data, Peer

_threads = 1


def allow(threads: int) -> None:
    """Let every peer use so many threads; Polars reads its own variable when it is imported."""
    import pyarrow as pa

    global _threads
    _threads = threads
    pa.set_cpu_count(threads)
    pa.set_io_thread_count(threads)


def direct(work: Callable[[Data], Any]) -> Peer:
    """A library that takes the data as they are."""
    return lambda data: lambda: work(data)


def made(make: Callable[[Data], Any], work: Callable[[Any], Any]) -> Peer:
    """What `make` does with the data is not timed, `work` on the result is."""

    def prepare(data: Data) -> Callable[[], Any]:
        value = make(data)
        return lambda: work(value)

    return prepare


def frame(data: Data) -> Any:
    """The data (those of the greatest length) as a frame of pandas."""
    import pandas as pd

    return pd.DataFrame(_columns(data))


def pandas(work: Callable[[Any], Any]) -> Peer:
    """Use pandas on `frame`."""
    return made(frame, work)


def polars(work: Callable[[Any], Any]) -> Peer:
    """Polars on a frame of the data (those of the greatest length)."""
    return made(_polars_frame, work)


def _polars_frame(data: Data) -> Any:
    import polars as pl

    return pl.DataFrame(_columns(data))


def polars_series(work: Callable[[dict[str, Any]], Any]) -> Peer:
    """Polars on a series for each array, whatever their lengths."""

    def make(data: Data) -> dict[str, Any]:
        import polars as pl

        return {k: pl.Series(k, v) for k, v in _arrays(data).items()}

    return made(make, work)


def duckdb(query: str) -> Peer:
    """DuckDB: the result of `query` becomes a temporary table.

    The arrays are tables ``t`` and, shorter ones, ``s``; ``{name}`` in the query is what else is among the data.
    """

    def prepare(data: Data) -> Callable[[], Any]:
        import duckdb as db
        import polars as pl

        connection = db.connect()
        connection.execute(f"set threads to {_threads}")
        long = _columns(data)
        short = {k: v for k, v in _arrays(data).items() if k not in long}
        for name, columns in (("t", long), ("s", short)):
            if columns:
                connection.register("given", pl.DataFrame(columns).to_arrow())
                connection.execute(f"create table {name} as select * from given")
        statement = query.format(**{k: v for k, v in data.items() if not isinstance(v, np.ndarray)})
        return lambda: connection.execute(f"create or replace temp table result as {statement}")

    return prepare


def dask_array(work: Callable[[dict[str, Any]], Any]) -> Peer:
    """dask.array with two chunks an array, on its threaded scheduler."""

    def make(data: Data) -> dict[str, Any]:
        import dask.array as da

        return {k: da.from_array(v, chunks=max(1, -(-len(v) // _threads))) for k, v in _arrays(data).items()}

    return made(make, lambda arrays: _computed(work(arrays)))


def dask_frame(work: Callable[[Any], Any]) -> Peer:
    """dask.dataframe with a partition a thread, on its threaded scheduler."""

    def make(data: Data) -> Any:
        import dask.dataframe as dd

        return dd.from_pandas(frame(data), npartitions=_threads)

    return made(make, lambda given: _computed(work(given)))


def _computed(value: Any) -> Any:
    import dask

    with dask.config.set(scheduler="threads", num_workers=_threads):
        return dask.compute(value)[0]


def _arrays(data: Data) -> dict[str, Any]:
    return {k: v for k, v in data.items() if isinstance(v, np.ndarray)}


def _columns(data: Data) -> dict[str, Any]:
    arrays = _arrays(data)
    longest = max((len(v) for v in arrays.values()), default=0)
    return {k: v for k, v in arrays.items() if len(v) == longest}
