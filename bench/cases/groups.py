"""Groups, joins, and rows of tables."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.client.frame import DataFrame
from arkserver.client.groupby import GroupBy
from bench import peers
from bench.case import Case, Data, any_order, case

SIZES = (10**6, 10**7, 10**8)


def one_key(n: int, rng: np.random.Generator) -> Data:
    """Ten rows a key."""
    return {"k": rng.integers(0, n // 10, n), "v": rng.normal(size=n)}


def two_keys(n: int, rng: np.random.Generator) -> Data:
    """Ten rows a pair of keys."""
    return {"j": rng.integers(0, 1000, n), "k": rng.integers(0, n // 10_000, n), "v": rng.normal(size=n)}


def _sum(v: str = "v") -> Any:
    import polars as pl

    return pl.col(v).sum()


def _frame(d: Any, *names: str) -> DataFrame:
    return DataFrame({n: d[n] for n in names})


case(
    Case(
        "groupby and sum",
        "int64",
        one_key,
        lambda s, d: _frame(d, "k", "v").groupby("k").agg({"v": "sum"}),
        {
            "pandas": peers.pandas(lambda f: f.groupby("k", as_index=False)["v"].sum()),
            "polars": peers.polars(lambda f: f.group_by("k").agg(_sum())),
            "duckdb": peers.duckdb("select k, sum(v) as v from t group by k"),
            "dask": peers.dask_frame(lambda f: f.groupby("k")["v"].sum().reset_index()),
        },
        target=(4.5, 1.7),
        bytes_per_row=16,
        sizes=SIZES,
        answer=any_order,
    )
)
case(
    Case(
        "groupby of two keys and sum",
        "int64",
        two_keys,
        lambda s, d: _frame(d, "j", "k", "v").groupby(["j", "k"]).agg({"v": "sum"}),
        {
            "pandas": peers.pandas(lambda f: f.groupby(["j", "k"], as_index=False)["v"].sum()),
            "polars": peers.polars(lambda f: f.group_by("j", "k").agg(_sum())),
            "duckdb": peers.duckdb("select j, k, sum(v) as v from t group by j, k"),
        },
        target=(15.0, 3.0),
        bytes_per_row=24,
        sizes=SIZES,
        answer=any_order,
    )
)
case(
    Case(
        "aggregate, second of a GroupBy",
        "float64",
        one_key,
        lambda s, d: d["ready"].sum(d["v"]),
        {
            "pandas": peers.pandas(lambda f: f.groupby("k")["v"].sum()),
            "pandas, kept groups": peers.made(lambda d: peers.frame(d).groupby("k")["v"], lambda g: g.sum()),
            "polars": peers.polars(lambda f: f.group_by("k").agg(_sum()).sort("k")["v"]),
            "duckdb": peers.duckdb("select sum(v) as v from t group by k order by k"),
        },
        target=(10.0, 4.0),
        bytes_per_row=16,
        sizes=SIZES,
        prepare=lambda s, d: GroupBy(d["k"]),
    )
)


def two_tables(n: int, rng: np.random.Generator) -> Data:
    """A table, and one of a tenth of its rows that has each key once; half of the keys of the first are in it."""
    return {
        "k": rng.integers(0, n // 5, n),
        "v": rng.normal(size=n),
        "there": rng.permutation(n // 5)[: n // 10],
        "w": rng.normal(size=n // 10),
    }


def _pandas_tables(d: Data) -> Any:
    import pandas as pd

    return pd.DataFrame({"k": d["k"], "v": d["v"]}), pd.DataFrame({"k": d["there"], "w": d["w"]})


def _polars_tables(d: Data) -> Any:
    import polars as pl

    return pl.DataFrame({"k": d["k"], "v": d["v"]}), pl.DataFrame({"k": d["there"], "w": d["w"]})


case(
    Case(
        "join with a tenth of the rows",
        "int64",
        two_tables,
        lambda s, d: _frame(d, "k", "v").merge(DataFrame({"k": d["there"], "w": d["w"]}), on="k"),
        {
            "pandas": peers.made(_pandas_tables, lambda t: t[0].merge(t[1], on="k")),
            "polars": peers.made(_polars_tables, lambda t: t[0].join(t[1], on="k")),
            "duckdb": peers.duckdb("select k, v, w from t join s on k = there"),
        },
        target=(5.0, 1.0),
        bytes_per_row=16,
        sizes=SIZES,
        answer=any_order,
    )
)


def table(n: int, rng: np.random.Generator) -> Data:
    """Three columns, a mask of half the rows, and half of the positions in random order."""
    columns = {"a": rng.normal(size=n), "b": rng.integers(0, 2**40, n), "c": rng.integers(0, 100, n)}
    return {**columns, "mask": rng.random(n) < 0.5, "at": rng.permutation(n)[: n // 2]}


NAMES = ["a", "b", "c"]

case(
    Case(
        "dataframe by mask",
        "mixed",
        table,
        lambda s, d: _frame(d, *NAMES)[d["mask"]],
        {
            "pandas": peers.pandas(lambda f: f.loc[f["mask"], NAMES]),
            "polars": peers.polars(lambda f: f.select(NAMES).filter(f["mask"])),
            "duckdb": peers.duckdb("select a, b, c from t where mask"),
        },
        bytes_per_row=37,
        sizes=SIZES,
        note="The mask is read for each column; Polars reads it once for all three.",
    )
)


def _pandas_positions(d: Data) -> Any:
    return peers.frame(d)[NAMES], d["at"]


def _polars_positions(d: Data) -> Any:
    import polars as pl

    return pl.DataFrame({n: d[n] for n in NAMES}), pl.Series(d["at"])


case(
    Case(
        "dataframe by positions",
        "mixed",
        table,
        lambda s, d: _frame(d, *NAMES)[d["at"]],
        {
            "pandas": peers.made(_pandas_positions, lambda t: t[0].take(t[1])),
            "polars": peers.made(_polars_positions, lambda t: t[0][t[1]]),
        },
        bytes_per_row=28,
        sizes=SIZES,
    )
)
