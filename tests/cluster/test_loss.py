"""A worker is killed: every array is still there, and what runs goes on. The long form is bench/cluster/chaos.py."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator

import numpy as np
import pytest

from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.executor import Each
from arkserver.engine.values import Array
from tests.cluster import steps

N = 1 << 19
"""rows; large enough for two workers to hold each block of an upload"""


@pytest.fixture
def whole(remote: ClusterExecutor) -> Iterator[ClusterExecutor]:
    """All workers there, before and after."""
    yield remote
    end = time.monotonic() + 90
    while remote.width < 2:
        assert time.monotonic() < end, "the worker was not started again"
        time.sleep(0.1)


def kill_one(remote: ClusterExecutor) -> None:
    address = remote.cluster.homes[0]
    os.kill(remote.cluster.scheduler.workers[address].pid, signal.SIGKILL)


def uploaded(remote: ClusterExecutor) -> Array:
    return layout.from_numpy(remote, np.arange(N, dtype=np.float64))


def test_every_kind_of_array_outlives_a_worker(whole: ClusterExecutor) -> None:
    upload = uploaded(whole)
    computed = layout.array_of(whole.map(np.negative, upload), upload)
    changed = whole.update(steps.add_to, upload, 1.0)
    moved = layout.relayout(whole, upload, (10, N - 10))
    made = whole.map(steps.random_part, Each((1, 2)), Each((5, 5)))
    before = np.concatenate(whole.fetch(made.values))
    cut = upload
    for _ in range(LINEAGE + 5):
        cut = layout.array_of(whole.map(np.negative, cut), cut)
    whole.cluster.settle(computed.blocks + moved.blocks + cut.blocks)
    kill_one(whole)
    expected = np.arange(N, dtype=np.float64)
    assert (layout.to_numpy(whole, computed) == -expected).all()
    assert (layout.to_numpy(whole, changed) == expected + 1).all()
    assert (layout.to_numpy(whole, moved) == expected).all()
    assert (layout.to_numpy(whole, cut) == (-1) ** ((LINEAGE + 5) % 2) * expected).all()
    assert (layout.to_numpy(whole, upload) == expected).all()
    assert (np.concatenate(whole.fetch(made.values)) == before).all()


def test_a_command_outlives_a_worker(whole: ClusterExecutor) -> None:
    upload = uploaded(whole)
    slow = layout.array_of(whole.map(steps.slowly, upload, 1.0), upload)
    threading.Timer(0.3, kill_one, (whole,)).start()
    moved = layout.relayout(whole, slow, (N // 3, N - N // 3))
    assert sum(whole.collect(steps.total, moved)) == N * (N - 1) / 2
