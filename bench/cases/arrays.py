"""Making, streaming, reducing, scanning, moving."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Data, case


def floats(n: int, rng: np.random.Generator) -> Data:
    """Three columns of numbers."""
    return {"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.normal(size=n)}


def integers(n: int, rng: np.random.Generator) -> Data:
    """One column over the full range."""
    return {"a": rng.integers(-(2**63), 2**63 - 1, n)}


def indexed(n: int, rng: np.random.Generator) -> Data:
    """Values, and positions in random order."""
    return {"a": rng.normal(size=n), "at": rng.permutation(n), "mask": rng.random(n) < 0.5}


case(
    Case(
        "stream a + 3 b",
        "float64",
        floats,
        lambda s, d: d["a"] + 3.0 * d["b"],
        {
            "numpy": peers.numpy(lambda d: d["a"] + 3.0 * d["b"]),
            "polars": peers.polars(lambda f: f.select(f["a"] + 3.0 * f["b"])),
            "duckdb": peers.duckdb("select a + 3.0 * b as r from t"),
            "dask": peers.dask_array(lambda d: d["a"] + 3.0 * d["b"]),
        },
        bytes_per_row=24,
        limit="triad",
    )
)
case(
    Case(
        "add a + b",
        "float64",
        floats,
        lambda s, d: d["a"] + d["b"],
        {
            "numpy": peers.numpy(lambda d: d["a"] + d["b"]),
            "polars": peers.polars(lambda f: f.select(f["a"] + f["b"])),
            "dask": peers.dask_array(lambda d: d["a"] + d["b"]),
        },
        bytes_per_row=24,
        limit="triad",
    )
)
case(
    Case(
        "make zeros",
        "float64",
        lambda n, rng: {"a": np.zeros(n)},
        lambda s, d: s.zeros(d["a"].size),
        {"numpy": peers.numpy(lambda d: np.full(len(d["a"]), 0.0))},
    )
)
case(
    Case(
        "upload",
        "float64",
        floats,
        lambda s, d: s.array(d["ready"]),
        prepare=lambda s, d: d["a"].to_numpy().copy(),
    )
)
case(Case("download", "float64", floats, lambda s, d: d["a"].to_numpy()))


def _reductions(name: str, dtype: str, make: Any) -> None:
    case(
        Case(
            f"reduce {name}",
            dtype,
            make,
            lambda s, d: getattr(d["a"], name)(),
            {
                "numpy": peers.numpy(lambda d: getattr(d["a"], name)()),
                "polars": peers.polars(lambda f: getattr(f["a"], name)()),
                "duckdb": peers.duckdb(f"select {name}(a{'::hugeint' if dtype == 'int64' else ''}) as r from t"),
                "dask": peers.dask_array(lambda d: getattr(d["a"], name)()),
            },
            limit="copy",
        )
    )


for _name in ("sum", "min", "max"):
    _reductions(_name, "float64", floats)
_reductions("sum", "int64", integers)

for _dtype, _make in (("int64", integers), ("float64", floats)):
    case(
        Case(
            "scan cumulative sum",
            _dtype,
            _make,
            lambda s, d: d["a"].cumsum(),
            {
                "numpy": peers.numpy(lambda d: np.cumsum(d["a"])),
                "polars": peers.polars(lambda f: f["a"].cum_sum()),
                "dask": peers.dask_array(lambda d: d["a"].cumsum(axis=0)),
            },
            bytes_per_row=16,
            limit="copy",
        )
    )

case(
    Case(
        "gather",
        "float64",
        indexed,
        lambda s, d: d["a"][d["at"]],
        {
            "numpy": peers.numpy(lambda d: d["a"][d["at"]]),
            "polars": peers.polars(lambda f: f["a"].gather(f["at"])),
        },
        bytes_per_row=24,
    )
)


def _scatter_ours(_: Any, d: Any) -> None:
    d["ready"][d["at"]] = d["a"]


def _scatter_numpy(d: Data) -> Any:
    out = np.zeros(len(d["a"]))

    def work() -> None:
        out[d["at"]] = d["a"]

    return work


case(
    Case(
        "scatter",
        "float64",
        indexed,
        _scatter_ours,
        {"numpy": _scatter_numpy, "polars": peers.polars(lambda f: f["a"].scatter(f["at"], f["a"]))},
        bytes_per_row=24,
        prepare=lambda s, d: s.zeros(d["a"].size),
    )
)
case(
    Case(
        "mask",
        "float64",
        indexed,
        lambda s, d: d["a"][d["mask"]],
        {
            "numpy": peers.numpy(lambda d: d["a"][d["mask"]]),
            "polars": peers.polars(lambda f: f["a"].filter(f["mask"])),
            "duckdb": peers.duckdb("select a from t where mask"),
        },
    )
)
case(
    Case(
        "where",
        "float64",
        indexed,
        lambda s, d: s.xp.where(d["mask"], d["a"], 0.0),
        {
            "numpy": peers.numpy(lambda d: np.where(d["mask"], d["a"], 0.0)),
            "polars": peers.polars(lambda f: f["a"].zip_with(f["mask"], f["a"] * 0.0)),
        },
        bytes_per_row=17,
    )
)
case(
    Case(
        "histogram of 100 bins",
        "float64",
        floats,
        lambda s, d: s.xp.histogram(d["a"], 100),
        {"numpy": peers.numpy(lambda d: np.histogram(d["a"], 100))},
        sizes=(10**6, 10**7),
    )
)
