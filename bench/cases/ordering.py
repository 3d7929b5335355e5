"""Sorting: full and narrow ranges, floats, data that is sorted already, reversed, of few values, with heavy tails."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from bench import peers
from bench.case import Case, Data, Make, case, ordered_by


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
}

Target = tuple[float | None, float | None]
TARGETS: dict[str, Target] = {"full range": (6.0, 1.5), "32-bit range": (9.0, 2.0)}

for _name, _make in INTEGERS.items():
    case(
        Case(
            f"argsort {_name}",
            "int64",
            _keys(_make),
            lambda s, d: d["a"].argsort(),
            {
                "numpy": peers.direct(lambda d: np.argsort(d["a"], kind="stable")),
                "polars": peers.polars(lambda f: f["a"].arg_sort()),
                "duckdb": peers.duckdb("select rowid as r from t order by a"),
            },
            target=TARGETS.get(_name, (None, None)),
            note="Sorted keys are seen to be sorted by NumPy as by us; what is left is the request, and writing the "
            "permutation into memory."
            if _name in ("sorted", "reversed")
            else "",
            bytes_per_row=16,
            answer=ordered_by("a"),
        )
    )

for _op, _dtype, _make, _aims in (
    ("sort full range", "int64", full_range, (4.0, 1.2)),
    ("sort", "float64", lambda n, rng: rng.normal(size=n), (3.5, 1.2)),
):
    case(
        Case(
            _op,
            _dtype,
            _keys(_make),
            lambda s, d: d["a"].sorted(),
            {
                "numpy": peers.direct(lambda d: np.sort(d["a"])),
                "polars": peers.polars(lambda f: f["a"].sort()),
                "duckdb": peers.duckdb("select a from t order by a"),
                "dask": peers.dask_frame(lambda f: f.sort_values("a")["a"]),
            },
            target=_aims,
            bytes_per_row=16,
            note="NumPy sorts by the processor's vector instructions; a radix sort moves each key three times.",
        )
    )


def _columns(count: int, high: int) -> Callable[[int, np.random.Generator], Data]:
    return lambda n, rng: {f"k{i}": rng.integers(0, high, n) for i in range(count)}


def _arg_sort_by(names: tuple[str, ...]) -> Any:
    import polars as pl

    return pl.arg_sort_by(list(names))


def coargsort(op: str, names: tuple[str, ...], make: Make, target: Target, sizes: tuple[int, ...]) -> None:
    """A row for sorting by several keys, the first the most significant."""
    case(
        Case(
            op,
            "int64",
            make,
            lambda s, d: s.xp.lexsort([d[k] for k in names]),
            {
                "numpy": peers.direct(lambda d: np.lexsort([d[k] for k in names[::-1]])),
                "polars": peers.polars(lambda f: f.select(_arg_sort_by(names))),
                "duckdb": peers.duckdb(f"select rowid as r from t order by {', '.join(names)}"),
            },
            target=target,
            bytes_per_row=8 * (len(names) + 1),
            sizes=sizes,
            answer=ordered_by(*names),
        )
    )


for _count, _high, _target, _sizes in (
    (1, 2**32, (None, None), (10**6, 10**7, 10**8)),
    (2, 2**20, (15.0, 8.0), (10**6, 10**7, 10**8)),
    (8, 2**8, (None, None), (10**6, 10**7)),
    (16, 2**16, (None, None), (10**6, 10**7)),
):
    _names = tuple(f"k{i}" for i in range(_count))
    coargsort(f"coargsort of {_count} keys", _names, _columns(_count, _high), _target, _sizes)


def rmat(n: int, rng: np.random.Generator) -> Data:
    """The edges of a random graph: R-MAT of Chakrabarti, Zhan and Faloutsos (2004), ten edges a vertex."""
    a, b, c = 0.57, 0.19, 0.19
    u, v = np.zeros(n, np.int64), np.zeros(n, np.int64)
    for _ in range(max(1, (n // 10).bit_length())):
        quarter = rng.random(n, np.float32)
        down = quarter > a + b
        right = ((quarter > a) & ~down) | (quarter > a + b + c)
        u, v = 2 * u + down, 2 * v + right
    return {"u": u, "v": v}


coargsort("coargsort of R-MAT edges", ("u", "v"), rmat, (None, None), (10**6, 10**7))


case(
    Case(
        "searchsorted, n in a million",
        "int64",
        lambda n, rng: {"a": rng.integers(0, 2**62, n), "sorted": np.sort(rng.integers(0, 2**62, 10**6))},
        lambda s, d: s.xp.searchsorted(d["sorted"], d["a"]),
        {
            "numpy": peers.direct(lambda d: np.searchsorted(d["sorted"], d["a"])),
            "polars": peers.polars_series(lambda d: d["sorted"].search_sorted(d["a"])),
        },
        sizes=(10**6, 10**7),
    )
)
