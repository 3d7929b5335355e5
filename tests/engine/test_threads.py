"""The threads of one block: every row runs once, whoever takes it, and errors wait for the others."""

from __future__ import annotations

import threading
import weakref

import numpy as np
import pytest

from arkserver.engine.threads import Threads


@pytest.fixture(params=[1, 2, 5])
def pool(request: pytest.FixtureRequest) -> Threads:
    return Threads(request.param)


def test_results_come_in_the_order_of_the_rows(pool: Threads) -> None:
    assert pool.run(lambda a, b: 10 * a + b, range(7), range(7)) == [11 * i for i in range(7)]
    assert pool.run(lambda a: a, []) == []


def test_the_calling_thread_takes_part_and_the_others_too() -> None:
    both = threading.Barrier(2, timeout=20)

    def meet(_: int) -> str:
        both.wait()
        return threading.current_thread().name

    names = Threads(2).run(meet, range(2))
    assert threading.current_thread().name in names
    assert len(set(names)) == 2


def test_the_first_error_is_raised_after_all_rows(pool: Threads) -> None:
    done = []

    def row(i: int) -> None:
        if i % 3 == 1:
            raise ValueError(i)
        done.append(i)

    with pytest.raises(ValueError, match="1"):
        pool.run(row, range(9))
    assert sorted(done) in ([0], [0, 2, 3, 5, 6, 8])


def test_nested_work_runs_in_its_own_thread(pool: Threads) -> None:
    def outer(_: int) -> bool:
        inside = pool.run(lambda _: threading.get_ident(), range(4))
        return set(inside) == {threading.get_ident()}

    assert all(pool.run(outer, range(8)))
    assert pool.run(lambda i: i, range(3)) == [0, 1, 2]


def test_work_of_others_is_not_waited_for() -> None:
    pool, held, release = Threads(2), threading.Event(), threading.Event()

    def hold(_: int) -> None:
        held.set()
        assert release.wait(20)

    other = threading.Thread(target=pool.run, args=(hold, range(2)))
    other.start()
    assert held.wait(20)
    assert pool.run(lambda i: i, range(4)) == [0, 1, 2, 3]
    release.set()
    other.join()


def test_a_thread_that_is_late_holds_no_rows() -> None:
    pool, begun, end = Threads(2), threading.Barrier(3, timeout=20), threading.Event()

    def occupy(_: int) -> None:
        begun.wait()
        end.wait(20)

    def work() -> tuple[weakref.ref[object], weakref.ref[object]]:
        array, row = np.zeros(3), np.ones(3)
        assert pool.run(lambda x: float(array.sum() + x.sum()), [row, row]) == [3.0, 3.0]
        return weakref.ref(array), weakref.ref(row)

    other = threading.Thread(target=lambda: pool.run(occupy, range(2)))
    other.start()
    begun.wait()
    try:
        assert all(held() is None for held in work())
    finally:
        end.set()
        other.join()
