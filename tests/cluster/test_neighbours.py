"""Pieces straight from another process's memory, and through the socket where the kernel does not allow that."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from arkserver.cluster import executor as executor_module
from arkserver.cluster import neighbours
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.neighbours import Lent, NotNearError
from arkserver.engine import layout
from arkserver.engine.executor import Each
from tests.cluster import steps

LENDER = """
import pickle, sys
import numpy as np
from arkserver.cluster import neighbours

frames = [np.arange(100_000).view(np.uint8), np.empty(0, np.uint8), np.frombuffer(b"short", np.uint8)]
sys.stdout.buffer.write(pickle.dumps(neighbours.lend(frames)))
sys.stdout.flush()
sys.stdin.read()
"""


@pytest.fixture
def lent() -> Iterator[Lent]:
    """Buffers of another process, which lives as long as the test."""
    with subprocess.Popen([sys.executable, "-c", LENDER], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield pickle.load(process.stdout)
        process.communicate()


def test_buffers_of_another_process(lent: Lent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbours, "STRIDE", 1_000)
    numbers, nothing, short = neighbours.take(lent)
    assert (numbers.view(np.int64) == np.arange(100_000)).all()
    assert (len(nothing), short.tobytes()) == (0, b"short")


def test_what_is_out_of_reach(lent: Lent) -> None:
    address, _ = lent.token
    with pytest.raises(NotNearError, match="another machine"):
        neighbours.take(replace(lent, place="another machine's"))
    with pytest.raises(NotNearError, match="another process has the number"):
        neighbours.take(replace(lent, token=(address, b"x" * 16)))
    with pytest.raises(NotNearError, match="No such process"):
        neighbours.take(replace(lent, process=2**22 + 1))
    with pytest.raises(NotNearError, match="Bad address"):
        neighbours.take(replace(lent, spans=((16, 100),)))


def on_workers(remote: ClusterExecutor, way: str) -> list[int]:
    """Have the workers take pieces in another way; the bytes of those that they took before."""
    cluster = remote.cluster
    answers = cluster.on_loop(cluster.client._run(steps.take_by, way)).result(10)
    return sorted(n for taken in answers.values() for n in taken)


@pytest.mark.parametrize("way", ["noting", "refusing"])
def test_a_large_exchange(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_BYTES", 0)
    values = np.random.default_rng(3).integers(0, 1000, 1 << 20)
    x = layout.from_numpy(remote, values)

    on_workers(remote, way)
    try:
        moved = layout.relayout(remote, x, (3 << 18, 1 << 18))
        assert (layout.to_numpy(remote, moved) == values).all()
    finally:
        taken = on_workers(remote, "")
    assert taken == ([1 << 21] if way == "noting" else [])  # a quarter of the rows changed its worker


def test_what_several_results_share_moves_once_to_each_worker(
    remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_BYTES", 0)
    x = layout.from_numpy(remote, np.arange(1 << 18))
    on_workers(remote, "noting")
    try:
        refs = remote.share(x, steps.ends, Each(range(6)))
        found = [block.tolist() for block in remote.fetch(refs.values)]
    finally:
        taken = on_workers(remote, "")
    assert found == [[j, 1 << 18, 0, (1 << 18) - 1] for j in range(6)]
    assert taken == [1 << 20, 1 << 20]
