"""Workers are killed: every array is still there, and what runs goes on. The long form is bench/cluster/chaos.py."""

from __future__ import annotations

import os
import signal
import threading
import time

import numpy as np
import pytest

from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine import layout
from arkserver.engine.algorithms.elementwise import each
from arkserver.engine.deferred import value_of
from arkserver.engine.executor import Each
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import Array
from bench.cluster import chaos
from tests.cluster import steps
from tests.support.cluster import own_workers

N = 1 << 19
"""rows; large enough for two workers to hold each block of an upload"""


two_workers = pytest.fixture(own_workers, scope="module", name="two_workers")
"""Of this file: those of others are not to be killed."""


def kill(remote: ClusterExecutor, workers: int = 1) -> None:
    for address in remote.cluster.homes[:workers]:
        os.kill(remote.cluster.scheduler.workers[address].pid, signal.SIGKILL)


def uploaded(remote: ClusterExecutor) -> Array:
    return layout.from_numpy(remote, np.arange(N, dtype=np.float64))


@pytest.mark.parametrize("killed", [1, 2])
def test_every_kind_of_array_outlives_workers(remote: ClusterExecutor, killed: int) -> None:
    upload = uploaded(remote)
    computed = layout.array_of(remote.map(np.negative, upload), upload)
    changed = remote.update(steps.add_to, upload, 1.0)
    moved = layout.relayout(remote, upload, (10, N - 10))
    made = remote.map(steps.random_part, Each((1, 2)), Each((5, 5)))
    before = np.concatenate(remote.fetch(made.values))
    cut = upload
    for _ in range(LINEAGE + 5):
        cut = layout.array_of(remote.map(np.negative, cut), cut)
    remote.cluster.settle(computed.blocks + moved.blocks + cut.blocks)
    kill(remote, killed)
    expected = np.arange(N, dtype=np.float64)
    assert (layout.to_numpy(remote, computed) == -expected).all()
    assert (layout.to_numpy(remote, changed) == expected + 1).all()
    assert (layout.to_numpy(remote, moved) == expected).all()
    assert (layout.to_numpy(remote, cut) == (-1) ** ((LINEAGE + 5) % 2) * expected).all()
    assert (layout.to_numpy(remote, upload) == expected).all()
    assert (np.concatenate(remote.fetch(made.values)) == before).all()


@pytest.mark.parametrize("killed", [1, 2])
def test_what_waits_for_its_values_outlives_workers(remote: ClusterExecutor, killed: int) -> None:
    ex = ClusterExecutor(remote.cluster, deferred_from=0)
    upload = uploaded(remote)
    twice = each(ex, np.multiply, upload.dtype, upload, np.float64(2), cheap=True)
    computed, waiting = (each(ex, fn, upload.dtype, upload, twice, cheap=True) for fn in (np.add, np.subtract))
    del twice
    remote.cluster.settle(value_of(b) for b in computed.blocks)
    kill(remote, killed)
    expected = np.arange(N, dtype=np.float64)
    assert (layout.to_numpy(ex, waiting) == -expected).all()
    assert (layout.to_numpy(ex, computed) == 3 * expected).all()


def test_a_command_outlives_a_worker(remote: ClusterExecutor) -> None:
    upload = uploaded(remote)
    slow = layout.array_of(remote.map(steps.slowly, upload, 1.0), upload)
    threading.Timer(0.3, kill, (remote,)).start()
    moved = layout.relayout(remote, slow, (N // 3, N - N // 3))
    assert sum(remote.collect(steps.total, moved)) == N * (N - 1) / 2


def test_new_arrays_wait_for_workers_that_come_back(remote: ClusterExecutor) -> None:
    placing = PlacingExecutor(LocalExecutor(), remote, distribute_from=0)
    kill(remote, 2)
    end = time.monotonic() + 20
    while remote.cluster.homes:
        assert time.monotonic() < end, "the workers did not die"
        time.sleep(0.01)
    made = layout.from_numpy(placing.sized(N), np.arange(100))
    assert all(isinstance(b, RemoteBlock) for b in made.blocks)
    assert (layout.to_numpy(placing, made) == np.arange(100)).all()


def test_a_random_mix_of_commands_while_workers_are_killed(remote: ClusterExecutor) -> None:
    session = chaos.Session(ClusterExecutor(remote.cluster, deferred_from=0), np.random.default_rng(3))
    chaos.run(session, chaos.Killer(remote, kills=4, workers=1, seed=3), commands=40)
    assert session.outcomes["right"] >= 30
    assert session.outcomes["lost"] == 0
