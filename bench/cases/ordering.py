"""Sorting: full and narrow ranges, floats, data that is sorted already, reversed, of few values, with heavy tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Data, case


def _keys(make: Callable[[int, np.random.Generator], Any]) -> Callable[[int, np.random.Generator], Data]:
    return lambda n, rng: {"a": make(n, rng)}


def full_range(n: int, rng: np.random.Generator) -> Any:
    """All 64 bits."""
    return rng.integers(-(2**63), 2**63 - 1, n)


INTEGERS: dict[str, Callable[[int, np.random.Generator], Any]] = {
    "full range": full_range,
    "32-bit range": lambda n, rng: rng.integers(0, 2**32, n),
    "16-bit range": lambda n, rng: rng.integers(0, 2**16, n),
    "few values": lambda n, rng: rng.integers(-(2**62), 2**62, 100)[rng.integers(0, 100, n)],
    "sorted": lambda n, rng: np.sort(full_range(n, rng)),
    "reversed": lambda n, rng: np.sort(full_range(n, rng))[::-1].copy(),
    "power law": lambda n, rng: np.minimum(rng.pareto(1.0, n) * 1000, 2.0**62).astype(np.int64),
    "edges of a graph": lambda n, rng: (
        (np.minimum(rng.geometric(2.0**-16, n), 2**32) << 20) + rng.integers(0, 2**20, n)
    ),
}

for _name, _make in INTEGERS.items():
    case(
        Case(
            f"argsort {_name}",
            "int64",
            _keys(_make),
            lambda s, d: d["a"].argsort(),
            {
                "numpy": peers.numpy(lambda d: np.argsort(d["a"], kind="stable")),
                "polars": peers.polars(lambda f: f["a"].arg_sort()),
                "duckdb": peers.duckdb("select rowid as r from t order by a"),
            },
            bytes_per_row=16,
        )
    )

for _op, _dtype, _make in (
    ("sort full range", "int64", full_range),
    ("sort", "float64", lambda n, rng: rng.normal(size=n)),
):
    case(
        Case(
            _op,
            _dtype,
            _keys(_make),
            lambda s, d: d["a"].sorted(),
            {
                "numpy": peers.numpy(lambda d: np.sort(d["a"])),
                "polars": peers.polars(lambda f: f["a"].sort()),
                "duckdb": peers.duckdb("select a from t order by a"),
            },
            bytes_per_row=16,
        )
    )


def _columns(count: int, high: int) -> Callable[[int, np.random.Generator], Data]:
    return lambda n, rng: {f"k{i}": rng.integers(0, high, n) for i in range(count)}


for _count, _high, _sizes in (
    (1, 2**32, (10**6, 10**7)),
    (2, 2**20, (10**6, 10**7)),
    (8, 2**8, (10**6, 10**7)),
    (16, 2**16, (10**6,)),
):
    _names = [f"k{i}" for i in range(_count)]
    case(
        Case(
            f"coargsort of {_count} keys",
            "int64",
            _columns(_count, _high),
            lambda s, d, names=tuple(_names): s.xp.lexsort([d[k] for k in names]),  # type: ignore[misc]
            {
                "numpy": peers.numpy(lambda d, names=tuple(_names): np.lexsort([d[k] for k in names[::-1]])),  # type: ignore[misc]
                "polars": peers.polars(lambda f, names=tuple(_names): f.select(_arg_sort_by(names))),  # type: ignore[misc]
                "duckdb": peers.duckdb(f"select rowid as r from t order by {', '.join(_names)}"),
            },
            bytes_per_row=8 * (_count + 1),
            sizes=_sizes,
        )
    )


def _arg_sort_by(names: tuple[str, ...]) -> Any:
    import polars as pl

    return pl.arg_sort_by(list(names))


case(
    Case(
        "searchsorted, n in a million",
        "int64",
        lambda n, rng: {"a": rng.integers(0, 2**62, n), "sorted": np.sort(rng.integers(0, 2**62, 10**6))},
        lambda s, d: s.xp.searchsorted(d["sorted"], d["a"]),
        {
            "numpy": peers.numpy(lambda d: np.searchsorted(d["sorted"], d["a"])),
            "polars": peers.polars_series(lambda d: d["sorted"].search_sorted(d["a"])),
        },
        sizes=(10**6, 10**7),
    )
)
