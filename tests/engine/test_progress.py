"""Progress of a command, and its end when somebody cancels it."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arkserver.engine import layout, progress, threads
from arkserver.engine.blocks import elementwise, radix
from arkserver.engine.local import LocalExecutor
from arkserver.engine.progress import Progress
from arkserver.engine.threads import Threads
from arkserver.errors import CancelledError
from tests.support.session import Session


@pytest.mark.parametrize("count", [1, 3])
def test_a_step_says_how_many_of_its_parts_are_done(count: int) -> None:
    token, seen = Progress("sort"), []
    with progress.running(token):
        Threads(count).run(lambda _: seen.append(token.fraction), range(8))
        assert token.fraction == 1.0
        Threads(count).run(lambda _: None, range(2))
    assert min(seen) < 0.5 < max(seen) < 1.0
    assert token.steps == 2


def test_steps_that_run_elsewhere_are_counted_together() -> None:
    token, done = Progress("sort"), [0.0, 0.0]
    assert token.fraction == 0.0
    token.follow(3, lambda: done[0])
    token.follow(1, lambda: done[1])
    assert (token.steps, token.fraction) == (2, 0.0)
    done[:] = [1.5, 0.5]
    assert token.fraction == 0.5
    done[:] = [3.0, 2.0]
    assert token.fraction == 1.0


@pytest.mark.parametrize("n", [0, 1, 1 << 15, 1 << 23, (1 << 23) + 1, 10**8, 10**9])
def test_no_piece_is_long_and_none_is_lost(n: int) -> None:
    pool = Threads(2)
    pieces = pool.pieces(n)
    assert pieces[0][0] == 0
    assert pieces[-1][1] == n
    assert all(a[1] == b[0] for a, b in itertools.pairwise(pieces))
    assert max(b - a for a, b in pieces) <= threads.LONGEST_PIECE
    assert len(pool.pieces(n, minimum=n)) == 1
    pool.close()


def sort(x: np.ndarray[Any, Any]) -> Any:
    return radix.sort(x)


def argsort(x: np.ndarray[Any, Any]) -> Any:
    return radix.argsort(x)


def negative(x: np.ndarray[Any, Any]) -> Any:
    return elementwise.apply(np.negative, x, dtype=x.dtype)


@pytest.mark.parametrize("work", [sort, argsort, negative])
def test_many_pieces_give_the_same(work: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(1).integers(-(10**9), 10**9, 400_000)
    expected = work(x)
    monkeypatch.setattr(threads, "LONGEST_PIECE", 1 << 12)
    assert (work(x) == expected).all()


@pytest.mark.parametrize("work", [sort, argsort, negative])
def test_work_ends_between_two_parts(work: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LONGEST_PIECE", 1 << 12)
    token = Progress("work")
    begin = token.begin

    def begin_and_cancel(parts: int) -> None:
        begin(parts)
        token.cancel()

    monkeypatch.setattr(Progress, "begin", lambda _, parts: begin_and_cancel(parts))
    with progress.running(token), pytest.raises(CancelledError, match="work was cancelled; nothing was changed"):
        work(np.random.default_rng(1).random(1 << 18))


def write_slowly(block: np.ndarray[Any, Any]) -> None:
    def write(a: int, b: int) -> None:
        time.sleep(0.02)
        block[a:b] = 7

    threads.threads().each_chunk(write, len(block))


def test_a_change_in_place_is_not_left_half_done(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "LONGEST_PIECE", 1 << 15)
    ex, token = LocalExecutor(), Progress("set")
    x = layout.from_numpy(ex, np.zeros(1 << 19, np.int64))
    threading.Timer(0.05, token.cancel).start()
    with progress.running(token):
        changed = ex.update(write_slowly, x)
    assert token.cancelled
    assert (layout.to_numpy(ex, changed) == 7).all()


def test_a_cancelled_command_leaves_no_symbol_and_no_reservation() -> None:
    session = Session(LocalExecutor())
    session.token = Progress("arange")
    session.token.cancel()
    assert "arange was cancelled; nothing was changed" in session.error("arange<int64,1>", start=0, stop=10, step=1)
    assert len(session.engine.symbols) == 0
    assert session.engine.accounts.live == session.engine.accounts.reserved == 0
