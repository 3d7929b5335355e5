"""Unique values, set operations, membership."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Columns, Data, case

SIZES = (10**6, 10**7, 10**8)


def keys(n: int, rng: np.random.Generator) -> Data:
    """Ten rows a key."""
    return {"a": rng.integers(0, n // 10, n)}


def scattered(n: int, rng: np.random.Generator) -> Data:
    """Ten rows a key, the keys spread over 64 bits."""
    return {"a": rng.integers(-(2**63), 2**63 - 1, n // 10)[rng.integers(0, n // 10, n)]}


def two(n: int, rng: np.random.Generator) -> Data:
    """Two columns that share about half of their values."""
    return {"a": rng.integers(0, n, n), "b": rng.integers(n // 2, n + n // 2, n)}


def sorted_values(_: Data, result: Columns) -> Columns:
    """The values; pandas gives them in the order of their rows."""
    return [np.sort(result[0])]


def only_last(_: Data, result: Columns) -> Columns:
    """The inverse; Polars gives no values with it."""
    return result[-1:]


for _name, _make in (("", keys), (", wide keys", scattered)):
    case(
        Case(
            f"unique{_name}",
            "int64",
            _make,
            lambda s, d: s.xp.unique_values(d["a"]),
            {
                "numpy": peers.direct(lambda d: np.unique(d["a"])),
                "pandas": peers.pandas(lambda f: f["a"].unique()),
                "polars": peers.polars(lambda f: f["a"].unique().sort()),
                "duckdb": peers.duckdb("select distinct a from t order by a"),
            },
            target=(30.0, 1.5),
            answer=sorted_values,
            sizes=SIZES,
        )
    )
    case(
        Case(
            f"unique with inverse{_name}",
            "int64",
            _make,
            lambda s, d: s.xp.unique_inverse(d["a"]),
            {
                "numpy": peers.direct(lambda d: np.unique(d["a"], return_inverse=True)),
                "pandas": peers.pandas(lambda f: _factorized(f["a"])),
                "polars": peers.polars(lambda f: f["a"].rank("dense") - 1),
            },
            target=(10.0, 1.5),
            answer=only_last,
            sizes=SIZES,
        )
    )


def _factorized(column: Any) -> Any:
    import pandas as pd

    numbers, values = pd.factorize(column, sort=True)
    return values, numbers


def _is_in(d: dict[str, Any]) -> Any:
    return d["a"].is_in(d["b"].implode())


case(
    Case(
        "in1d",
        "int64",
        two,
        lambda s, d: s.xp.isin(d["a"], d["b"]),
        {
            "numpy": peers.direct(lambda d: np.isin(d["a"], d["b"])),
            "pandas": peers.pandas(lambda f: f["a"].isin(f["b"])),
            "polars": peers.polars_series(_is_in),
            "duckdb": peers.duckdb("select a in (select b from t) as r from t"),
        },
        target=(15.0, 1.2),
        sizes=SIZES,
        unordered=("duckdb",),
    )
)


def _intersect(a: Any, b: Any) -> Any:
    return a.filter(a.is_in(b.implode())).unique().sort()


def _union(a: Any, b: Any) -> Any:
    return a.clone().append(b).unique().sort()


def _difference(a: Any, b: Any) -> Any:
    return a.filter(~a.is_in(b.implode())).unique().sort()


for _op, _ours, _numpy, _sql, _polars in (
    ("intersect", "intersect1d", np.intersect1d, "intersect", _intersect),
    ("union", "union1d", np.union1d, "union", _union),
    ("setdiff", "setdiff1d", np.setdiff1d, "except", _difference),
):
    case(
        Case(
            _op,
            "int64",
            two,
            lambda s, d, name=_ours: getattr(s.xp, name)(d["a"], d["b"]),  # type: ignore[misc]
            {
                "numpy": peers.direct(lambda d, fn=_numpy: fn(d["a"], d["b"])),  # type: ignore[misc]
                "polars": peers.polars(lambda f, fn=_polars: fn(f["a"], f["b"])),  # type: ignore[misc]
                "duckdb": peers.duckdb(f"(select a from t {_sql} select b from t) order by 1"),
            },
            target=(15.0, 1.2),
            sizes=SIZES,
        )
    )
