"""Workers that hang, whose disk is full, whose memory ends: commands finish or say why, and arrays stay readable."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from arkserver.cluster import stuck
from arkserver.cluster.cluster import Cluster
from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.algorithms import sorting
from arkserver.engine.executor import Each
from arkserver.engine.values import Array
from arkserver.errors import MemoryLimitError, WorkerLostError
from tests.cluster import steps
from tests.support.cluster import further_worker, running_cluster

N = 1 << 19
"""rows; large enough for blocks to go by way of files"""
MEGABYTE = 1 << 20


@pytest.fixture(scope="module")
def small() -> Iterator[ClusterExecutor]:
    """Two workers of little memory."""
    with running_cluster(2, memory=450 * MEGABYTE) as cluster:
        cluster.scheduler.allowed_failures = 0  # one end of a worker is enough to see it
        yield ClusterExecutor(cluster)


def uploaded(ex: ClusterExecutor) -> Array:
    return layout.from_numpy(ex, np.arange(N, dtype=np.float64))


def is_there(ex: ClusterExecutor, x: Array) -> bool:
    return bool((layout.to_numpy(ex, x) == np.arange(N)).all())


async def look_for_silent_workers(cluster: Cluster) -> None:
    """Take workers for dead after ten heartbeats, which is as short as Dask allows, instead of 30 seconds."""
    cluster.scheduler.worker_ttl = 1
    while True:
        await asyncio.sleep(0.5)
        await cluster.scheduler.check_worker_ttl()


def test_a_worker_that_hangs_is_given_up(remote: ClusterExecutor) -> None:
    x = uploaded(remote)
    y = layout.array_of(remote.map(np.negative, x), x)
    remote.cluster.settle(y.blocks)
    looking = remote.cluster.on_loop(look_for_silent_workers(remote.cluster))
    try:
        os.kill(remote.cluster.scheduler.workers[remote.cluster.homes[0]].pid, signal.SIGSTOP)
        assert sum(remote.collect(steps.total, y)) == -N * (N - 1) / 2
        assert is_there(remote, sorting.sort(remote, x))
    finally:
        looking.cancel()
        remote.cluster.scheduler.worker_ttl = 30


def test_a_step_that_takes_too_much_memory_is_an_error(small: ClusterExecutor) -> None:
    x = uploaded(small)
    with pytest.raises(MemoryLimitError, match="a worker ran out of memory"):
        small.collect(steps.allocate, x, 1 << 50)
    with pytest.raises(WorkerLostError, match="most likely their memory is too small"):
        small.collect(steps.allocate, x, 700 * MEGABYTE)
    assert is_there(small, x)


@contextmanager
def little_disk(folder: Path, megabytes: int) -> Iterator[Path]:
    """A file system that is soon full."""
    command = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(command, check=False, capture_output=True).returncode:
        pytest.skip("cannot mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk_of_one_worker(small: ClusterExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stuck, "STUCK_SECONDS", 2.0)
    x = uploaded(small)
    with little_disk(tmp_path, 16) as folder, further_worker(small.cluster, folder, 450 * MEGABYTE):
        rows = (1_500_000,) * 3
        made = [small.map(steps.random_part, Each((i, i, i)), Each(rows)) for i in range(16)]
        for refs in made:
            first, *others = small.collect(steps.total, refs)
            assert others == pytest.approx([first] * 2, rel=1e-12)  # where an array lies decides its sum's last bits
        assert is_there(small, x)
    assert is_there(small, x)
