"""What the array commands allocate at their peak stays below what they say before they run."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from arkserver.engine import buffers
from arkserver.engine.local import LocalExecutor
from tests.support.session import Session

N = 200_000
SLACK = 1_300_000
"""bytes that tiles and the interpreter may take, whatever the size of the arrays"""

RNG = np.random.default_rng(0)
F, I = RNG.normal(size=N), RNG.integers(0, N, N)  # noqa: E741
M, W, WI = F > 0, F.reshape(-1, 10), I.reshape(-1, 10)
WIDE = F.reshape(400, -1)
ROWS = RNG.integers(0, len(W), len(W))

CALLS: list[tuple[str, dict[str, Any]]] = [
    ("create<float64,1>", {"shape": N}),
    ("arange<int64,1>", {"start": 0, "stop": N, "step": 1}),
    ("segmentedFull", {"size": N, "fill_value": "abcdef"}),
    ("[slice]<float64,1>", {"array": F, "starts": 0, "stops": N // 8, "strides": 1}),
    ("[slice]=pdarray<float64,float64,1>", {"array": F, "starts": 0, "stops": N, "strides": 1, "value": F + 1}),
    ("[pdarray]", {"array": F, "idx": I}),
    ("[pdarray]", {"array": F, "idx": M}),
    ("[pdarray]=val", {"array": F, "idx": I, "value": "3"}),
    ("[pdarray]=pdarray", {"array": F, "idx": I, "value": F + 1}),
    ("[pdarray]=pdarray", {"array": F, "idx": M, "value": F[M]}),
    ("[pdarray]<float64,int64,2>", {"array": W, "idx": [ROWS], "idxDims": [0]}),
    ("nonzero<float64,2>", {"x": W}),
    ("takeAlongAxis<float64,int64,2>", {"x": W, "indices": ROWS, "axis": 0}),
    ("sumAll<int64,1>", {"x": I}),
    ("sum<float64,2>", {"x": W, "axis": [1]}),
    ("max<float64,2>", {"x": WIDE, "axis": [0]}),
    ("any<int64,2>", {"x": WI, "axis": [0]}),
    ("mean<int64,2>", {"x": WI, "axis": [0]}),
    ("varReduce<float64,2>", {"x": W, "ddof": 0, "axis": [1]}),
    ("varReduce<float64,2>", {"x": WIDE, "ddof": 0, "axis": [0]}),
    ("stdReduce<int64,2>", {"x": WI, "ddof": 0, "axis": [0], "skipNan": True}),
    ("isSortedAll<float64,2>", {"x": W}),
    ("argmin<float64,2>", {"x": WIDE, "axis": 0}),
    ("stdAll<float64,1>", {"x": F, "ddof": 0}),
    ("argmax<float64,2>", {"x": W, "axis": 1}),
    ("corr<float64,1,int64,1>", {"x": F, "y": I}),
    ("cumSum<float64,2>", {"x": W, "axis": 0, "includeInitial": True}),
    ("diff<float64,2>", {"x": W, "n": 2, "axis": 1}),
    ("reshape<float64,2,2>", {"name": W, "shape": (N // 80, 80)}),
    ("broadcast<float64,1,2>", {"name": F, "shape": (3, N)}),
    ("permuteDims<float64,2>", {"name": W, "axes": (1, 0)}),
    ("flip<float64,2>", {"name": W, "axis": [0]}),
    ("roll<float64,2>", {"name": W, "shift": [5, 3], "axis": [0, 1]}),
    ("concatenate<float64,1>", {"names": [F, F + 1], "axis": 0}),
    ("stack<float64,1>", {"names": [F, F + 1], "axis": 1}),
    ("unstack<float64,2>", {"name": W, "axis": 1, "numReturnArrays": 10}),
    ("tile<float64,2>", {"name": W, "reps": (3, 2)}),
    (
        "pad<float64,2>",
        {
            "name": W,
            "padWidthBefore": (3, 1),
            "padWidthAfter": (2, 2),
            "padValsBefore": [1, 2],
            "padValsAfter": [1, 2],
        },
    ),
    ("deleteAggCopy<float64,2,int64,1>", {"eIn": W, "axis": 1, "del": np.array([1])}),
    ("tril<float64,2>", {"array": W, "diag": 0}),
    ("matmul<int64,float64,2>", {"x1": WI, "x2": W[:10]}),
    ("histogram", {"array": F, "bins": 100, "minVal": -1, "maxVal": 1}),
    ("quantile_scalar_no_axis<float64,1>", {"a": F, "q": 0.3, "method": "linear"}),
    ("quantile_scalar_with_axis<int64,2>", {"a": WI, "q": 0.3, "axis": [0], "method": "linear"}),
]


@pytest.fixture
def traced(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Everything is allocated by NumPy, which tells `tracemalloc`."""
    monkeypatch.setattr(buffers, "POOLED_FROM", 1 << 62)
    yield
    tracemalloc.stop()


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize(("cmd", "parameters"), CALLS)
def test_the_peak_is_as_projected(cmd: str, parameters: dict[str, Any], blocks: int) -> None:
    session = Session(LocalExecutor(blocks))
    session.text(cmd, **_stored(session, parameters))  # compiles the kernels
    sent = _stored(session, parameters)
    projected = session.projected(cmd, **sent)
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    session.text(cmd, **sent)
    _, peak = tracemalloc.get_traced_memory()
    assert peak - before <= projected + SLACK


def _stored(session: Session, parameters: dict[str, Any]) -> dict[str, Any]:
    def stored(value: Any) -> Any:
        if isinstance(value, np.ndarray):
            return session.put(value.copy())
        return [stored(v) for v in value] if isinstance(value, list) else value

    return {name: stored(value) for name, value in parameters.items()}
