"""Checkpoints of arrays on workers, with and without a folder that the workers see."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import pytest

from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine import layout
from arkserver.engine.checkpoint import restoring, saving
from arkserver.engine.checkpoint.folders import Mode
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import BIGINT
from tests.support.cluster import own_workers
from tests.support.session import Session
from tests.support.texts import strings

N = 1 << 20
"""elements; two row groups"""


two_workers = pytest.fixture(own_workers, scope="module", name="two_workers")
"""Of this file: those of others are not to be killed."""


@pytest.fixture
def session(remote: ClusterExecutor) -> Session:
    return Session(PlacingExecutor(LocalExecutor(), remote, distribute_from=1 << 16))


def filled(session: Session) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    ex = session.ex.sized(1 << 30)
    big = np.array([2**70, -3] * 5000, BIGINT)
    texts = ["", "é", "long" * 5] * 10_000
    arrays = {"f": rng.standard_normal(N), "two": rng.integers(0, 9, (N // 4, 4)), "big": big, "s": np.zeros(3)}
    for name, x in arrays.items():
        session.engine.symbols.put(name, layout.from_numpy(session.ex.sized(x.nbytes), x))
    session.engine.symbols.put("t", strings(ex, texts))
    return arrays | {"t": np.array([t.encode() for t in texts], object)}


def check(session: Session, expected: dict[str, np.ndarray]) -> None:
    for name, x in expected.items():
        assert (session.get(name) == x).all(), name
    value = session.engine.symbols.get("f")
    assert all(isinstance(b, RemoteBlock) for b in value.blocks)
    assert len(value.blocks) == 2
    assert not isinstance(session.engine.symbols.get("s").blocks[0], RemoteBlock)


def test_workers_write_and_read_a_shared_folder(session: Session, tmp_path: Path) -> None:
    expected = filled(session)
    saving.save(session.engine, tmp_path / "c", Mode.ERROR, locales=2)
    session.engine.symbols.clear()
    restoring.load(session.engine, tmp_path / "c")
    for path in (tmp_path / "c").iterdir():
        path.unlink()  # nothing is read again
    check(session, expected)


def test_the_server_writes_and_reads_for_workers_that_do_not_see_the_folder(session: Session, tmp_path: Path) -> None:
    expected = filled(session)
    handle = os.open(tmp_path, os.O_RDONLY)
    try:
        mine = Path(f"/proc/self/fd/{handle}")  # means something else in another process
        saving.save(session.engine, mine / "c", Mode.ERROR, locales=2)
        session.engine.symbols.clear()
        restoring.load(session.engine, mine / "c")
        check(session, expected)
    finally:
        os.close(handle)


def test_one_process_restores_what_workers_held(session: Session, tmp_path: Path) -> None:
    expected = filled(session)
    saving.save(session.engine, tmp_path / "c", Mode.ERROR, locales=2)
    alone = Session(LocalExecutor(3))
    restoring.load(alone.engine, tmp_path / "c")
    for name, x in expected.items():
        assert (alone.get(name) == x).all(), name


def test_a_restored_array_outlives_a_worker(session: Session, remote: ClusterExecutor, tmp_path: Path) -> None:
    filled(session)
    saving.save(session.engine, tmp_path / "c", Mode.ERROR, locales=2)
    restoring.load(session.engine, tmp_path / "c")
    value = session.engine.symbols.get("f")
    before = session.get("f")
    for path in (tmp_path / "c").iterdir():
        path.unlink()
    os.kill(remote.cluster.scheduler.workers[remote.cluster.homes[0]].pid, 9)
    end = time.monotonic() + 90
    while remote.width < 2:
        assert time.monotonic() < end, "the worker was not started again"
        time.sleep(0.1)
    assert (layout.to_numpy(session.ex, value) == before).all()
