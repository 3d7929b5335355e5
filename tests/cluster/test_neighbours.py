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


@pytest.mark.parametrize("way", ["noting", "refusing"])
def test_a_large_exchange(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch, way: str) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_BYTES", 0)
    values = np.random.default_rng(3).integers(0, 1000, 1 << 20)
    x = layout.from_numpy(remote, values)

    def on_workers(way: str) -> list[int]:
        cluster = remote.cluster
        answers = cluster.on_loop(cluster.client._run(steps.take_by, way)).result(10)
        return sorted(n for taken in answers.values() for n in taken)

    on_workers(way)
    try:
        moved = layout.relayout(remote, x, (3 << 18, 1 << 18))
        assert (layout.to_numpy(remote, moved) == values).all()
    finally:
        taken = on_workers("")
    assert taken == ([1 << 21] if way == "noting" else [])  # a quarter of the rows changed its worker
