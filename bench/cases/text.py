"""Strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.client.frame import DataFrame
from bench import peers
from bench.case import Case, Data, any_order, case, ordered_by

SIZES = (10**5, 10**6)


def words(n: int, rng: np.random.Generator) -> Data:
    """Texts of 3 to 20 letters, ten rows a text."""
    letters = rng.integers(97, 123, (n // 10, 20), np.uint8)
    lengths = rng.integers(3, 21, n // 10)
    distinct = np.array([bytes(row[:k]).decode() for row, k in zip(letters, lengths, strict=True)])
    return {"a": distinct[rng.integers(0, n // 10, n)].astype(object)}


def with_positions(n: int, rng: np.random.Generator) -> Data:
    """Texts, and their positions in random order."""
    return {**words(n, rng), "at": rng.permutation(n)}


def with_test(n: int, rng: np.random.Generator) -> Data:
    """Texts, and a tenth as many of which half are among them."""
    found = words(n, rng)
    return {**found, "b": np.concatenate([found["a"][: n // 20], found["a"][: n // 20] + "!"])}


case(
    Case(
        "str-argsort",
        "str",
        words,
        lambda s, d: d["a"].argsort(),
        {
            "pandas": peers.pandas(lambda f: f["a"].argsort()),
            "polars": peers.polars(lambda f: f["a"].arg_sort()),
            "duckdb": peers.duckdb("select rowid as r from t order by a"),
        },
        target=(4.0, 0.9),
        sizes=SIZES,
        answer=ordered_by("a"),
    )
)
case(
    Case(
        "str-sort",
        "str",
        words,
        lambda s, d: d["a"][d["a"].argsort()],
        {
            "pandas": peers.pandas(lambda f: f["a"].sort_values()),
            "polars": peers.polars(lambda f: f["a"].sort()),
            "duckdb": peers.duckdb("select a from t order by a"),
        },
        target=(4.0, 0.9),
        sizes=SIZES,
    )
)
case(
    Case(
        "str-gather",
        "str",
        with_positions,
        lambda s, d: d["a"][d["at"]],
        {
            "pandas": peers.pandas(lambda f: f["a"].take(f["at"])),
            "polars": peers.polars(lambda f: f["a"].gather(f["at"])),
        },
        sizes=SIZES,
        note="Polars keeps a string as a view of 16 bytes and moves only the views; we move offsets and bytes.",
    )
)


def _count() -> Any:
    import polars as pl

    return pl.len()


case(
    Case(
        "str-groupby",
        "str",
        words,
        lambda s, d: DataFrame({"a": d["a"]}).groupby("a").size(),
        {
            "pandas": peers.pandas(lambda f: f.groupby("a", as_index=False).size()),
            "polars": peers.polars(lambda f: f.group_by("a").agg(_count())),
            "duckdb": peers.duckdb("select a, count(*) as n from t group by a"),
        },
        target=(4.0, 0.9),
        sizes=SIZES,
        answer=any_order,
    )
)


def _pandas_columns(d: Data) -> Any:
    import pandas as pd

    return pd.Series(d["a"]), pd.Series(d["b"])


def _is_in(d: dict[str, Any]) -> Any:
    return d["a"].is_in(d["b"].implode())


case(
    Case(
        "str-in1d",
        "str",
        with_test,
        lambda s, d: d["a"].isin(d["b"]),
        {
            "pandas": peers.made(_pandas_columns, lambda t: t[0].isin(t[1])),
            "polars": peers.polars_series(_is_in),
            "duckdb": peers.duckdb("select a in (select b from s) as r from t"),
        },
        target=(4.0, 0.9),
        sizes=SIZES,
        unordered=("duckdb",),
    )
)
