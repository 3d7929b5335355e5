"""Strings."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Data, case

SIZES = (10**5, 10**6)


def words(n: int, rng: np.random.Generator) -> Data:
    """Texts of 3 to 20 letters, ten rows a text."""
    letters = rng.integers(97, 123, (n // 10, 20), np.uint8)
    lengths = rng.integers(3, 21, n // 10)
    distinct = np.array([bytes(row[:k]).decode() for row, k in zip(letters, lengths, strict=True)])
    return {"a": distinct[rng.integers(0, n // 10, n)].astype(object)}


def _is_in(f: Any) -> Any:
    return f["a"].is_in(f["a"][:1000].implode())


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
        sizes=SIZES,
    )
)
case(
    Case(
        "str-gather",
        "str",
        words,
        lambda s, d: d["a"][d["ready"]],
        {
            "pandas": peers.pandas(lambda f: f["a"].take(_positions(len(f)))),
            "polars": peers.polars(lambda f: f["a"].gather(_positions(len(f)))),
        },
        prepare=lambda s, d: s.array(_positions(len(d["a"]))),
        sizes=SIZES,
    )
)
case(
    Case(
        "str-in1d",
        "str",
        words,
        lambda s, d: d["a"].isin(d["ready"]),
        {
            "pandas": peers.pandas(lambda f: f["a"].isin(f["a"][:1000])),
            "polars": peers.polars(_is_in),
        },
        prepare=lambda s, d: d["a"][:1000],
        sizes=SIZES,
    )
)


def _positions(n: int) -> Any:
    return np.random.default_rng(n).permutation(n)
