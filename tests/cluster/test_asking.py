"""Questions to workers, which are answered without a task."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arkserver.cluster import cluster as cluster_module
from arkserver.cluster import executor as executor_module
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.graphs import Graph
from arkserver.engine import layout
from arkserver.engine.algorithms import indexing, scanning, slicing
from arkserver.engine.executor import Executor
from arkserver.engine.progress import Progress, running
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from tests.cluster import steps
from tests.support.cluster import running_cluster

N = 1_000


def arange(ex: Executor, n: int = N) -> Array:
    return layout.from_numpy(ex, np.arange(n, dtype=np.float64))


def slow(remote: ClusterExecutor, x: Array, seconds: float) -> Array:
    return layout.array_of(remote.map(steps.slowly, x, seconds), x)


def is_done(x: Array) -> bool:
    return all(b.future.done() for b in x.blocks)


def test_small_questions_make_no_task(
    remote: ClusterExecutor, sent: list[Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    before = set(remote.cluster.scheduler.tasks)
    assert sum(remote.collect(steps.total, x)) == sum(range(N))
    assert set(remote.cluster.scheduler.tasks) <= before
    sent.clear()
    monkeypatch.setattr(executor_module, "ASKED_BYTES", 3_999)
    assert sum(remote.collect(steps.total, x)) == sum(range(N))  # each block has 4,000 bytes
    assert len(sent) == 1


def test_a_question_waits_at_the_worker_for_what_that_makes(
    remote: ClusterExecutor, sent: list[Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    monkeypatch.setattr(cluster_module, "_settled", None)  # by which the server waits for a block
    sent.clear()
    y = slow(remote, x, 0.3)
    assert sum(remote.collect(steps.total, y)) == sum(range(N))
    assert len(sent) == 1


def test_a_question_about_what_fails_is_an_error_of_the_command_that_failed(remote: ClusterExecutor) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    with running(Progress("first")):
        bad = layout.array_of(remote.map(steps.refuse, slow(remote, x, 0.1)), x)
    for _ in range(2):  # while the task is underway, and later
        with running(Progress("second")), pytest.raises(ArgumentError, match="result of first, which failed: 500 rows"):
            remote.collect(steps.total, bad)


def test_an_element_is_read_while_a_task_runs(remote: ClusterExecutor) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    other = slow(remote, x, 1.0)
    assert slicing.element(remote, x, (700,)) == 700
    assert not is_done(other)
    remote.collect(steps.total, x)  # is on the thread of tasks, after the one that runs
    assert is_done(other)


def test_an_answer_that_cannot_be_read_is_an_error(remote: ClusterExecutor) -> None:
    x = arange(remote)
    workers = set(remote.cluster.scheduler.workers)
    with pytest.raises(ArgumentError, match="not to be unpickled"):
        remote.collect(steps.unreadable, x)
    assert sum(remote.collect(steps.total, x)) == sum(range(N))
    assert set(remote.cluster.scheduler.workers) == workers


def test_a_question_about_blocks_that_moved_is_answered(remote: ClusterExecutor) -> None:
    x, y = arange(remote), layout.relayout(remote, arange(remote), (1, N - 1))
    with pytest.raises(ArgumentError, match="to my taste"):
        remote.collect(steps.refuse, x)
    moved = Array(y.dtype, y.shape, y.blocks[::-1], y.rows[::-1])  # beside those of x on the other worker
    assert len(remote.collect(steps.pair, x, moved)) == 2


def test_what_is_sent_while_a_question_is_open_comes_after_it(remote: ClusterExecutor) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    for _ in range(20):
        answers = remote.collecting(steps.now, x)
        made = remote.map(steps.now, x)
        asked, ran = answers(), remote.fetch(made.values)
        assert all(a < b for a, b in zip(asked, ran, strict=True))


def test_the_first_block_of_a_scan_does_not_wait(
    remote: ClusterExecutor, sent: list[Graph], monkeypatch: pytest.MonkeyPatch
) -> None:
    x = arange(remote)
    remote.cluster.settle(x.blocks)
    collecting = remote.collecting

    def noted(*args: Any) -> Callable[[], list[Any]]:
        answers = collecting(*args)

        def wait() -> list[Any]:
            sent_before.append(len(sent))
            return answers()

        return wait

    sent_before: list[int] = []
    monkeypatch.setattr(remote, "collecting", noted)
    sent.clear()
    sums = scanning.cumulate(remote, x, "sum", 0)
    assert sent_before == [1]
    assert [len(graph.tasks) for graph in sent] == [1, 1]
    assert (layout.to_numpy(remote, sums) == np.cumsum(np.arange(N))).all()


def test_a_gather_of_a_few_rows_is_no_shuffle(remote: ClusterExecutor, sent: list[Graph]) -> None:
    n = 1 << 22
    x, at = layout.from_numpy(remote, np.arange(n)), layout.from_numpy(remote, np.array([n - 1, 0, n // 2]))
    sent.clear()
    large = remote.sized(x.nbytes)
    assert layout.to_numpy(remote, indexing.gather(large, x, at)).tolist() == [n - 1, 0, n // 2]
    assert not any("barrier" in str(key) for graph in sent for key in graph.tasks)


def test_a_worker_that_is_killed_before_it_answers() -> None:
    with running_cluster(2) as cluster:
        remote = ClusterExecutor(cluster)
        x = arange(remote)
        remote.cluster.settle(x.blocks)
        victim = cluster.scheduler.workers[cluster.homes[0]].pid
        killing = threading.Timer(0.3, os.kill, (victim, signal.SIGKILL))
        killing.start()
        assert sum(remote.collect(steps.total, slow(remote, x, 1.0))) == sum(range(N))
        killing.join()
        assert cluster.lost == 1
