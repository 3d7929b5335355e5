"""Small arrays here, large ones on workers, and commands over both."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.placing import PlacingExecutor
from arkserver.engine import layout
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import Array, Strings
from tests.support.cluster import complete
from tests.support.session import Session, text_block

LARGE = 4_000
"""elements; their bytes are past the border"""
SMALL = 100


@pytest.fixture
def ex(two_workers: ClusterExecutor) -> PlacingExecutor:
    return PlacingExecutor(LocalExecutor(), complete(two_workers, 2), distribute_from=8 * 2_000)


@pytest.fixture
def session(ex: PlacingExecutor) -> Session:
    return Session(ex)


def is_remote(value: Array | Strings) -> bool:
    where = {isinstance(b, RemoteBlock) for b in value.blocks}
    assert len(where) == 1
    return where.pop()


def placed(ex: PlacingExecutor, n: int) -> Array:
    return layout.from_numpy(ex.sized(8 * n), np.arange(n))


def test_size_decides(ex: PlacingExecutor) -> None:
    assert is_remote(placed(ex, LARGE))
    assert not is_remote(placed(ex, SMALL))


def test_results_are_where_their_operands_are(ex: PlacingExecutor) -> None:
    large, small = placed(ex, LARGE), placed(ex, SMALL)
    assert isinstance(ex.map(np.negative, large).values[0], RemoteBlock)
    assert isinstance(ex.map(np.negative, small).values[0], np.ndarray)


def test_a_small_operand_goes_along(ex: PlacingExecutor) -> None:
    large = placed(ex, LARGE)
    small = Array(large.dtype, large.shape, (np.ones(LARGE, np.int64),), (LARGE,))
    x, y = layout.align(ex, large, small)
    both = layout.array_of(ex.map(np.add, x, y), x)
    assert is_remote(both)
    assert (layout.to_numpy(ex, both) == np.arange(LARGE) + 1).all()


def test_what_is_in_the_wrong_place_moves_when_it_is_used(ex: PlacingExecutor) -> None:
    here = layout.from_numpy(ex.sized(0), np.arange(LARGE))
    there = layout.from_numpy(ex.sized(1 << 30), np.arange(SMALL))
    assert not is_remote(here)
    assert is_remote(there)
    assert is_remote(ex.adopt(here))
    assert not is_remote(ex.adopt(there))
    assert (layout.to_numpy(ex, ex.adopt(here)) == np.arange(LARGE)).all()
    assert (layout.to_numpy(ex, ex.adopt(there)) == np.arange(SMALL)).all()
    assert ex.adopt(placed(ex, LARGE)).size == LARGE


def test_strings_move_too(ex: PlacingExecutor) -> None:
    texts = text_block([f"text number {i}" for i in range(LARGE)])
    here = layout.strings_from_block(ex.sized(0), texts)
    there = ex.adopt(here)
    assert is_remote(there)
    assert (layout.text_here(ex, there).data == texts.data).all()


def test_commands_place_their_results(session: Session) -> None:
    large = session.put(np.arange(LARGE))  # is put here, and moves when it is used
    doubled = session.text("binopvv<int64,int64,1>", op="+", a=large, b=large).split()[1]
    assert is_remote(session.engine.symbols.get(doubled))
    assert (session.get(doubled) == 2 * np.arange(LARGE)).all()
    few = session.text("binopvv<int64,int64,1>", op="+", a=session.put(np.arange(3)), b=session.put(np.arange(3)))
    assert not is_remote(session.engine.symbols.get(few.split()[1]))
