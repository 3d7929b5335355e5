"""Operators on workers wait until somebody needs their values: what goes out to the workers, and when."""

from __future__ import annotations

import gc
from typing import Any

import numpy as np
import pytest

from arkserver.cluster import facts
from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from arkserver.cluster.graphs import Graph
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine import layout
from arkserver.engine.algorithms.elementwise import each
from arkserver.engine.deferred import MOST_FUNCTIONS, Deferred, value_of
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.progress import Progress, running
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from tests.cluster import steps
from tests.cluster.test_executor import arange, holders, until

N = 1_000


@pytest.fixture
def waits(remote: ClusterExecutor) -> ClusterExecutor:
    return ClusterExecutor(remote.cluster, deferred_from=0)


def operated(ex: Executor, command: str, fn: np.ufunc, *operands: Any) -> Array:
    with running(Progress(command)):
        return each(ex, fn, np.dtype(np.float64), *operands, cheap=True)


def test_a_chain_is_one_task_a_block(waits: ClusterExecutor, sent: list[Graph]) -> None:
    a, b = arange(waits), arange(waits)
    sent.clear()
    product = operated(waits, "times", np.multiply, np.float64(3), b)
    total = operated(waits, "plus", np.add, a, product)
    assert sent == []
    with running(Progress("read")):
        assert layout.to_numpy(waits, total).tolist() == (4.0 * np.arange(N)).tolist()
    (graph,) = sent
    assert graph.command == "plus"
    assert len(graph.tasks) == 2
    computed = Array(total.dtype, total.shape, tuple(value_of(x) for x in total.blocks), total.rows)
    assert holders(waits, computed) == holders(waits, a)


def test_one_block_that_is_needed_has_all_computed_by_one_graph(waits: ClusterExecutor, sent: list[Graph]) -> None:
    x = operated(waits, "plus", np.add, arange(waits), np.float64(1))
    sent.clear()
    assert waits.fetch(x.blocks[1:])[0].tolist() == list(range(501, 1001))
    assert [len(graph.tasks) for graph in sent] == [2]


def test_a_change_in_place_sends_what_waits_for_the_blocks(waits: ClusterExecutor, sent: list[Graph]) -> None:
    x = arange(waits)
    before = operated(waits, "plus", np.add, x, np.float64(1))
    sent.clear()
    x = waits.update(steps.add_to, x, 10.0)
    assert [len(graph.tasks) for graph in sent] == [2, 2]
    assert layout.to_numpy(waits, before)[0] == 1
    assert layout.to_numpy(waits, x)[0] == 10


def test_an_error_names_the_command_that_failed(waits: ClusterExecutor) -> None:
    with running(Progress("first")):
        bad = each(waits, steps.refuse_elements, np.dtype(np.float64), arange(waits), cheap=True)
    worse = operated(waits, "second", np.add, bad, np.float64(1))
    for _ in range(2):
        with (
            running(Progress("third")),
            pytest.raises(ArgumentError, match="result of first, which failed: 500 elements"),
        ):
            waits.collect(steps.total, worse)


def test_a_long_session_of_operators_has_its_lineage_cut(waits: ClusterExecutor) -> None:
    x = arange(waits)
    for _ in range(MOST_FUNCTIONS * 2 * LINEAGE):
        x = operated(waits, "plus", np.add, x, np.float64(1))
    assert layout.to_numpy(waits, x)[0] == MOST_FUNCTIONS * 2 * LINEAGE
    assert all(value_of(b).depth <= 2 * LINEAGE for b in x.blocks)
    until(lambda: len(waits.cluster.scheduler.tasks) < 5 * LINEAGE)


def test_nothing_is_left_of_chains(waits: ClusterExecutor) -> None:
    until(lambda: not gc.collect() and not waits.cluster.scheduler.tasks)
    x = arange(waits)
    read = operated(waits, "plus", np.add, x, np.float64(1))
    waiting = operated(waits, "plus", np.add, read, x)
    layout.to_numpy(waits, read)
    del x, read
    assert waits.cluster.scheduler.tasks
    del waiting
    until(lambda: not waits.cluster.scheduler.tasks)


def test_where_a_result_that_waits_belongs(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    placing = PlacingExecutor(LocalExecutor(deferred_from=0), ClusterExecutor(remote.cluster, deferred_from=0), 4_000)
    large = layout.from_numpy(placing.sized(8 * N), np.arange(N, dtype=np.float64))
    small = layout.from_numpy(placing.sized(8), np.arange(10.0))
    for x, where in ((large, "2 blocks on workers"), (small, "server")):
        result = operated(placing, "plus", np.add, x, np.float64(1))
        assert all(isinstance(b, Deferred) for b in result.blocks)
        assert facts.where(result) == where
        assert placing.adopt(result) is result
    monkeypatch.setattr(type(remote.cluster), "active", False)  # as if the workers were about to leave
    home = placing.adopt(operated(placing, "plus", np.add, large, np.float64(1)))
    assert facts.where(home) == "server"
    assert layout.to_numpy(placing, home).tolist() == list(range(1, N + 1))
