"""Making, streaming, reducing, scanning, moving."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Data, case, only_first


def floats(n: int, rng: np.random.Generator) -> Data:
    """Three columns of numbers."""
    return {"a": rng.normal(size=n), "b": rng.normal(size=n), "c": rng.normal(size=n)}


def integers(n: int, rng: np.random.Generator) -> Data:
    """One column whose sums fit 64 bits."""
    return {"a": rng.integers(-(2**31), 2**31, n)}


def _computed(result: Any) -> Any:
    """A result, once it is there: that of an operator may wait until somebody needs its values."""
    _ = result[0]
    return result


def _polars_full(d: Data) -> Any:
    import polars as pl

    return pl.repeat(0.5, d["n"], eager=True)


def _polars_arange(d: Data) -> Any:
    import polars as pl

    return pl.int_range(0, d["n"], eager=True)


def indexed(n: int, rng: np.random.Generator) -> Data:
    """Values, and positions in random order."""
    return {"a": rng.normal(size=n), "at": rng.permutation(n), "mask": rng.random(n) < 0.5}


case(
    Case(
        "stream a + 3 b",
        "float64",
        floats,
        lambda s, d: _computed(d["a"] + 3.0 * d["b"]),
        {
            "numpy": peers.direct(lambda d: d["a"] + 3.0 * d["b"]),
            "polars": peers.polars(lambda f: f.select(f["a"] + 3.0 * f["b"])),
            "duckdb": peers.duckdb("select a + 3.0 * b as r from t"),
            "dask": peers.dask_array(lambda d: d["a"] + 3.0 * d["b"]),
        },
        target=(1.8, None),
        bytes_per_row=24,
        limit="triad",
        limit_share=0.85,
        note="Three requests, the last of which waits for the values.",
    )
)
case(
    Case(
        "add a + b",
        "float64",
        floats,
        lambda s, d: _computed(d["a"] + d["b"]),
        {
            "numpy": peers.direct(lambda d: d["a"] + d["b"]),
            "polars": peers.polars(lambda f: f.select(f["a"] + f["b"])),
            "dask": peers.dask_array(lambda d: d["a"] + d["b"]),
        },
        bytes_per_row=24,
        limit="triad",
    )
)
case(
    Case(
        "array-create full",
        "float64",
        lambda n, rng: {"n": n},
        lambda s, d: s.full(d["n"], 0.5),
        {
            "numpy": peers.direct(lambda d: np.full(d["n"], 0.5)),
            "polars": peers.direct(_polars_full),
            "duckdb": peers.duckdb("select 0.5::double as r from range({n})"),
        },
        limit="copy",
    )
)
case(
    Case(
        "array-create arange",
        "int64",
        lambda n, rng: {"n": n},
        lambda s, d: s.arange(d["n"]),
        {
            "numpy": peers.direct(lambda d: np.arange(d["n"])),
            "polars": peers.direct(_polars_arange),
            "duckdb": peers.duckdb("select range as r from range({n})"),
        },
        limit="copy",
    )
)


def _reductions(name: str, dtype: str, make: Any) -> None:
    case(
        Case(
            f"reduce {name}",
            dtype,
            make,
            lambda s, d: getattr(d["a"], name)(),
            {
                "numpy": peers.direct(lambda d: getattr(d["a"], name)()),
                "polars": peers.polars(lambda f: getattr(f["a"], name)()),
                "duckdb": peers.duckdb(f"select {name}(a){'::bigint' if dtype == 'int64' else ''} as r from t"),
                "dask": peers.dask_array(lambda d: getattr(d["a"], name)()),
            },
            target=(1.2, 1.0),
            limit="read",
            note="A request takes about half a millisecond, mostly to wake threads; the rest is the speed at which "
            "two cores of this machine read its memory, which one core nearly reaches.",
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
                "numpy": peers.direct(lambda d: np.cumsum(d["a"])),
                "polars": peers.polars(lambda f: f["a"].cum_sum()),
                "duckdb": peers.duckdb("select sum(a) over (rows unbounded preceding) as r from t"),
                "dask": peers.dask_array(lambda d: d["a"].cumsum(axis=0)),
            },
            target=(1.6, 1.0),
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
            "numpy": peers.direct(lambda d: d["a"][d["at"]]),
            "polars": peers.polars(lambda f: f["a"].gather(f["at"])),
            "dask": peers.dask_array(lambda d: d["a"][d["at"].compute()]),
        },
        target=(1.7, 1.1),
        bytes_per_row=24,
    )
)


def _scatter_ours(_: Any, d: Any) -> Any:
    d["ready"][d["at"]] = d["a"]
    return d["ready"]


def _scatter_numpy(d: Data) -> Any:
    out = np.zeros(len(d["a"]))

    def work() -> Any:
        out[d["at"]] = d["a"]
        return out

    return work


def _scatter_polars(d: Data) -> Any:
    import polars as pl

    # A series that is used elsewhere is copied; one of one's own is changed in place.
    own, at, values = [pl.Series(np.zeros(len(d["a"])))], pl.Series(d["at"]), pl.Series(d["a"])

    def work() -> Any:
        own.append(own.pop().scatter(at, values))
        return own[0]

    return work


case(
    Case(
        "scatter",
        "float64",
        indexed,
        _scatter_ours,
        {"numpy": _scatter_numpy, "polars": _scatter_polars},
        target=(1.5, 1.1),
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
            "numpy": peers.direct(lambda d: d["a"][d["mask"]]),
            "polars": peers.polars(lambda f: f["a"].filter(f["mask"])),
            "duckdb": peers.duckdb("select a from t where mask"),
        },
    )
)


def _polars_where() -> Any:
    import polars as pl

    return pl.when("mask").then("a").otherwise(0.0)


case(
    Case(
        "where",
        "float64",
        indexed,
        lambda s, d: s.xp.where(d["mask"], d["a"], 0.0),
        {
            "numpy": peers.direct(lambda d: np.where(d["mask"], d["a"], 0.0)),
            "polars": peers.polars(lambda f: f.select(_polars_where())),
            "duckdb": peers.duckdb("select case when mask then a else 0.0 end as r from t"),
        },
        bytes_per_row=17,
    )
)


def _dask_histogram(d: dict[str, Any]) -> Any:
    import dask.array as da

    return da.histogram(d["a"], 100, range=(d["a"].min(), d["a"].max()))


case(
    Case(
        "histogram of 100 bins",
        "float64",
        floats,
        lambda s, d: s.xp.histogram(d["a"], 100),
        {
            "numpy": peers.direct(lambda d: np.histogram(d["a"], 100)),
            "polars": peers.polars(lambda f: f["a"].hist(bin_count=100)["count"]),
            "dask": peers.dask_array(_dask_histogram),
        },
        answer=only_first,
    )
)
