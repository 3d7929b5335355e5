"""What commands allocate at their peak, results included, stays below what they say beforehand."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from arkserver.engine import buffers
from arkserver.engine.local import LocalExecutor
from tests.support.session import Session

N = 1 << 19
SLACK = 1 << 20
"""bytes of a command's small things"""

POOLS: list[pa.MemoryPool] = []
"""those of all measurements: a buffer does not keep its pool alive"""

Case = tuple[str, dict[str, Any]]


def keys(session: Session) -> Iterator[tuple[str, str]]:
    """Names and dtypes of columns: distinct elements are many and few, and one key is in half of the rows."""
    rng = np.random.default_rng(0)
    yield session.put(rng.integers(-(2**63), 2**63 - 1, N)), "int64"
    yield session.put(rng.integers(0, N // 8, N)), "int64"
    yield session.put(rng.standard_normal(N)), "float64"
    repeated = rng.choice(rng.integers(-(2**63), 2**63 - 1, N // 12), N)
    yield session.put(repeated), "int64"
    yield session.put(np.where(rng.random(N) < 0.5, repeated[0], repeated)), "int64"


def texts(session: Session) -> Iterator[str]:
    """Names of columns of strings: few and many differ, one is half of the rows, and some are long."""
    rng = np.random.default_rng(1)
    few = [f"{i:x}" for i in rng.integers(0, 2**40, N // 10).tolist()]
    repeated = rng.choice(few, N)
    yield session.put(repeated.tolist())
    yield session.put(np.where(rng.random(N) < 0.5, few[0], repeated).tolist())
    yield session.put([f"{i:x}" for i in rng.integers(0, 2**40, N).tolist()])
    yield session.put([f"{i:030x}" for i in rng.integers(0, N // 10, N).tolist()])


def cases_of_texts(x: str, test: str) -> Iterator[Case]:
    yield "unique", grouping(x, kind="Strings")
    yield "groupCodes", {"keys": [x]}
    yield "groupCodes", {"keys": [x], "unique": True}
    yield "argsortStrings", {"name": x, "algoName": "RadixSortLSD"}
    yield "segmentedIn1d", {"objType": "Strings", "obj": x, "otherType": "Strings", "other": test, "invert": False}


def cases_of_one(x: str, dtype: str) -> Iterator[Case]:
    yield f"argsort<{dtype},1>", {"name": x, "algoName": "RadixSortLSD", "axis": 0}
    yield f"sort<{dtype},1>", {"array": x, "alg": "RadixSortLSD", "axis": 0}
    yield f"uniqueValues<{dtype},1>", {"name": x}
    yield f"uniqueCounts<{dtype},1>", {"name": x}
    yield f"uniqueInverse<{dtype},1>", {"name": x}
    yield f"uniqueAll<{dtype},1>", {"name": x}
    yield "unique", grouping(x)
    yield "groupCodes", {"keys": [x]}
    yield "groupCodes", {"keys": [x], "unique": True}
    yield "mink", {"array": x, "k": 1000, "rtnInd": False}


def grouping(*names: str, kind: str = "pdarray") -> dict[str, Any]:
    return {
        "returnGroupStr": True, "assumeSortedStr": False, "nstr": len(names), "keytypes": [kind] * len(names),
        "keynames": list(names),
    }  # fmt: skip


def cases_of_two(a: str, b: str) -> Iterator[Case]:
    yield "coargsort", {"algoName": "RadixSortLSD", "nstr": 2, "arr_names": [a, b], "arr_types": ["pdarray"] * 2}
    yield "unique", grouping(a, b)
    yield "groupCodes", {"keys": [a, b]}
    yield "in1d", {"pda1": a, "pda2": b, "invert": False}
    yield "searchSorted<int64,1,1>", {"x1": b, "x2": a, "side": "left", "x2Sorted": False}
    for name in ("union1d", "intersect1d", "setdiff1d", "setxor1d"):
        yield name, {"arg1": a, "arg2": b}
    for how in ("inner", "left", "right", "outer"):
        yield "join", {"left": [a], "right": [b], "how": how}


def cases_of_groups(session: Session, key: str, x: str) -> Iterator[Case]:
    order, starts, _ = (line.split()[1] for line in session.text("unique", **grouping(key)).split("+"))
    for op in ("sum", "prod", "mean", "var", "median", "min", "argmax", "count"):
        yield "segmentedReduction", {"values": x, "segments": starts, "op": op, "skip_nan": True, "ddof": 1, "n": 1}
    yield "segmentedReduction", {"values": order, "segments": starts, "op": "nunique", "skip_nan": True, "ddof": 1}
    yield "segmentedReduction", {"values": order, "segments": starts, "op": "tail", "skip_nan": True, "ddof": 1, "n": 4}
    yield "sizeReduction", {"segments": starts, "size": N}
    for permute in (True, False):
        yield "gbbroadcast", {
            "segName": starts, "valName": starts, "size": N, "permName": order, "permute": permute,
        }  # fmt: skip
    codes, firsts = (line.split() for line in session.text("groupCodes", keys=[key]).split("+"))
    for op in ("sum", "mean", "var", "all", "median", "nunique"):
        yield "codedAggregate", {"codes": codes[1], "groups": int(firsts[3]), "values": [x], "ops": [op]}


def cases_of_rows(session: Session, *columns: str) -> Iterator[Case]:
    rng = np.random.default_rng(2)
    for idx in (rng.random(N) < 0.5, rng.random(N) < 2, rng.permutation(N), rng.permutation(N)[: N // 3]):
        yield "takeRows", {"columns": list(columns), "idx": session.put(idx)}


def peak(session: Session, monkeypatch: pytest.MonkeyPatch, cmd: str, parameters: dict[str, Any]) -> int:
    """Bytes from the pool and from NumPy, each at its own peak, which is at least the peak of both."""
    pool = pa.proxy_memory_pool(pa.default_memory_pool())
    POOLS.append(pool)
    monkeypatch.setattr(buffers, "_pool", lambda: pool)
    tracemalloc.start()
    try:
        session.text(cmd, **parameters)
        return int(pool.max_memory()) + tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_peaks_stay_below_the_projections(monkeypatch: pytest.MonkeyPatch) -> None:
    session = Session(LocalExecutor())
    names = list(keys(session))
    (wide, _), (narrow, _), (floats, _) = names[:3]
    strings = list(texts(session))
    every = [
        *(case for name, dtype in names for case in cases_of_one(name, dtype)),
        *(case for name, test in zip(strings, reversed(strings), strict=True) for case in cases_of_texts(name, test)),
        *cases_of_two(wide, narrow),
        *cases_of_two(narrow, wide),
        *cases_of_groups(session, narrow, floats),
        *cases_of_rows(session, narrow, floats, *strings),
        *cases_of_rows(session, strings[0]),
    ]
    over = {}
    for cmd, parameters in every:
        measured, allowed = peak(session, monkeypatch, cmd, parameters), session.projected(cmd, **parameters)
        if measured > allowed + SLACK:
            over[f"{cmd} {parameters}"] = f"{measured / (8 * N):.2f} words a row, projected {allowed / (8 * N):.2f}"
    assert not over, "\n".join(f"{case}: {figures}" for case, figures in over.items())
