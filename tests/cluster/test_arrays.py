"""The array algorithms on worker processes give what they give here."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arkserver.engine import layout
from arkserver.engine.algorithms import creating, indexing, linear, reducing, scanning, shaping, slicing, statistics
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import Array

Algorithm = Callable[[Executor, Array, Array], Any]

INT64 = np.dtype(np.int64)
X = np.random.default_rng(0).integers(0, 50, (60, 4))
V = X[:, 0].copy()

ALGORITHMS: dict[str, Algorithm] = {
    "arange": lambda ex, _x, _v: creating.arange(ex, 0, 100, 3, INT64),
    "eye": lambda ex, _x, _v: creating.eye(ex, 5, 6, 1, INT64),
    "element": lambda ex, x, _v: slicing.element(ex, x, (40, 2)),
    "slice": lambda ex, x, _v: slicing.take_slice(ex, x, [range(50, -1, -3), range(0, 4, 2)]),
    "fill": lambda ex, x, _v: slicing.fill_slice(ex, creating.copy(ex, x), [range(10, 40), range(4)], 5),
    "put": lambda ex, _x, v: slicing.put_slice(ex, creating.copy(ex, v), [range(59, -1, -1)], v),
    "gather": indexing.gather,
    "compress": lambda ex, x, _v: indexing.compress(ex, x, scanning.diff(ex, _flags(ex), 1, 0)),
    "nonzero": lambda ex, x, _v: indexing.nonzero(ex, x)[1],
    "scatter": lambda ex, _x, v: indexing.scatter(ex, creating.zeros(ex, (60,), INT64), v, v),
    "scatter_value": lambda ex, _x, v: indexing.scatter_value(ex, creating.zeros(ex, (60,), INT64), v, 7),
    "sum": lambda ex, x, _v: reducing.fold_all(ex, x, "sum"),
    "sum along 0": lambda ex, x, _v: reducing.fold(ex, x, "sum", (0,)),
    "max along 1": lambda ex, x, _v: reducing.fold(ex, x, "max", (1,)),
    "std along 0": lambda ex, x, _v: reducing.spread(ex, x, (0,), ddof=0, root=True),
    "argmax": lambda ex, _x, v: reducing.arg_extreme_all(ex, v, greatest=True),
    "argmin along 0": lambda ex, x, _v: reducing.arg_extreme(ex, x, 0, greatest=False),
    "ascends": lambda ex, _x, v: reducing.ascends_all(ex, v),
    "cumsum": lambda ex, _x, v: scanning.cumulate(ex, v, "sum", 0, include_initial=True),
    "diff": lambda ex, _x, v: scanning.diff(ex, v, 2, 0),
    "reshape": lambda ex, x, _v: shaping.reshape(ex, x, (16, 15)),
    "permute": lambda ex, x, _v: shaping.permute(ex, x, (1, 0)),
    "concatenate": lambda ex, x, _v: shaping.concatenate(ex, [x, x], 0),
    "stack": lambda ex, _x, v: shaping.stack(ex, [v, v], 1),
    "broadcast": lambda ex, _x, v: shaping.broadcast(ex, v, (3, 60)),
    "tile": lambda ex, x, _v: shaping.tile(ex, x, (2, 2)),
    "roll": lambda ex, x, _v: shaping.roll(ex, x, [7, 1], [0, 1]),
    "repeat": lambda ex, _x, v: shaping.repeat(ex, v, v, 0),
    "pad": lambda ex, x, _v: shaping.pad(ex, x, [(2, 1), (0, 1)], [(5, 6), (7, 8)]),
    "triangle": lambda ex, x, _v: linear.triangle(ex, x, -3, upper=False),
    "matmul": lambda ex, x, _v: linear.matmul(ex, x, shaping.permute(ex, x, (1, 0))),
    "histogram": lambda ex, _x, v: statistics.histogram(ex, [v], [5], [(0.0, 50.0)]),
    "quantile": lambda ex, _x, v: statistics.quantile(ex, v, np.array([0.3]), "linear"),
    "quantile along 0": lambda ex, x, _v: statistics.quantile_along(ex, x, np.array([0.3]), [0], "linear"),
}


def _flags(ex: Executor) -> Array:
    """61 flags whose changes are a mask of 60 rows."""
    return layout.from_numpy(ex, np.arange(61) % 3 == 0)


def result(ex: Executor, algorithm: Algorithm) -> Any:
    found = algorithm(ex, layout.from_numpy(ex, X.copy()), layout.from_numpy(ex, V.copy()))
    return layout.to_numpy(ex, found) if isinstance(found, Array) else found


@pytest.mark.parametrize("name", ALGORITHMS)
def test_workers_give_the_same(remote: Executor, name: str) -> None:
    expected = result(LocalExecutor(), ALGORITHMS[name])
    np.testing.assert_allclose(result(remote, ALGORITHMS[name]), expected, rtol=1e-12)
