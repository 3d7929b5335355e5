"""The executor over worker processes: what its steps promise beyond giving the right numbers."""

from __future__ import annotations

import asyncio
import gc
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from arkserver.cluster import executor as executor_module
from arkserver.cluster import tasks, underway, vault
from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor
from arkserver.engine.progress import Progress, running
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError, CancelledError
from tests.cluster import steps

N = 1_000


def arange(ex: Executor, n: int = N) -> Array:
    return layout.from_numpy(ex, np.arange(n, dtype=np.float64))


def until(condition: Callable[[], bool], seconds: float = 20) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.02)


def holders(remote: ClusterExecutor, x: Array) -> list[set[str]]:
    tasks = remote.cluster.scheduler.tasks
    return [{w.address for w in tasks[b.key].who_has} for b in x.blocks]


def test_one_block_a_worker(remote: ClusterExecutor) -> None:
    x = arange(remote)
    assert x.rows == (500, 500)
    assert layout.to_numpy(remote, x).tolist() == list(range(N))
    assert len(set().union(*holders(remote, x))) == 2


def test_an_idle_worker_takes_no_block_of_a_busy_one(remote: ClusterExecutor) -> None:
    for _ in range(2):  # Dask moves tasks only when it knows how long such ones take
        seconds = Each([0.0, 0.3] * 4)
        x = Array(np.dtype(np.float64), (8,), remote.map(steps.wait, seconds).values, (1,) * 8)
        assert layout.to_numpy(remote, x).tolist() == list(seconds.values)
        first, second = holders(remote, x)[:2]
        assert first != second
        assert holders(remote, x) == [first, second] * 4


def test_results_stay_beside_their_operands(remote: ClusterExecutor) -> None:
    x = arange(remote)
    y = layout.array_of(remote.map(np.negative, x), x)
    remote.fetch(y.blocks)
    assert holders(remote, y) == holders(remote, x)


def test_new_blocks_lie_where_blocks_of_the_same_number_lie(remote: ClusterExecutor) -> None:
    x = arange(remote)
    made = remote.map(steps.random_part, Each((1, 2)), Each(x.rows))
    y = Array(np.dtype(np.float64), (N,), made.values, x.rows)
    moved = layout.relayout(remote, layout.relayout(remote, x, (N, 0)), x.rows)
    remote.fetch(y.blocks + moved.blocks)
    assert holders(remote, y) == holders(remote, x) == holders(remote, moved)


def test_a_step_of_several_results(remote: ClusterExecutor) -> None:
    first, second = remote.map_parts(2, steps.halves, arange(remote))
    assert [len(b) for b in remote.fetch(first.values + second.values)] == [250] * 4


def test_a_small_part_does_not_keep_the_whole(remote: ClusterExecutor) -> None:
    parts = remote.map(steps.head, arange(remote), 3)
    assert remote.collect(steps.owns_its_memory, parts) == [True, True]


@pytest.mark.parametrize(
    ("pieces", "server", "here"),
    [(0, -1, 0), (1 << 30, -1, 0), (1 << 30, 1 << 30, 0), (1 << 30, 1 << 30, 1 << 30)],
    ids=["shuffle", "pieces", "server", "here"],
)
@pytest.mark.parametrize("dtype", [np.int64, np.bool_, object])
def test_exchange_each_way(
    remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch, pieces: int, server: int, here: int, dtype: type
) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_PIECES", pieces)
    monkeypatch.setattr(executor_module, "THROUGH_SERVER_BYTES", server)
    monkeypatch.setattr(executor_module, "MERGED_HERE_PIECES", here)
    values: NDArray[Any] = (np.arange(N) % 7).astype(dtype)
    x = layout.from_numpy(remote, values)
    for rows in ((N, 0), (0, 1, N - 1), (10,) * 100):
        x = layout.relayout(remote, x, rows)
        assert [len(b) for b in remote.fetch(x.blocks)] == list(rows)
    assert (layout.to_numpy(remote, x) == values).all()


@pytest.mark.parametrize(
    ("pieces", "server", "here"),
    [(0, -1, 0), (1 << 30, -1, 0), (1 << 30, 1 << 30, 0), (1 << 30, 1 << 30, 1 << 30)],
    ids=["shuffle", "pieces", "server", "here"],
)
def test_share_each_way(
    remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch, pieces: int, server: int, here: int
) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_PIECES", pieces)
    monkeypatch.setattr(executor_module, "THROUGH_SERVER_BYTES", server)
    monkeypatch.setattr(executor_module, "MERGED_HERE_PIECES", here)
    for count in (1, 2, 5):
        refs = remote.share(arange(remote), steps.ends, Each(range(count)))
        assert [b.tolist() for b in remote.fetch(refs.values)] == [[j, N, 0, N - 1] for j in range(count)]


def test_what_fits_is_shared_where_that_moves_less(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    workers = len(remote.cluster.homes)
    assert remote.shares(1_000, workers * 1_000)
    assert not remote.shares(1_000, workers * 1_000 - 1)
    monkeypatch.setattr(type(remote.cluster), "least_memory", 5_999)
    assert not remote.shares(1_000, workers * 1_000)


def test_steps_of_blocks_that_are_known_here_run_here(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    x = layout.relayout(remote, arange(remote), (1, N - 1))
    assert [b.content.tolist() for b in x.blocks] == [[0], list(range(1, N))]
    monkeypatch.setattr(remote.cluster, "ask", None)
    assert remote.collect(steps.total, x) == [0, sum(range(N))]
    y, z = remote.map_parts(2, steps.halves, x)
    assert remote.collect(steps.total, y) == [0, sum(range(1, N // 2))]
    assert [len(b) for b in remote.fetch(z.values)] == [1, N // 2]  # from the workers
    with running(Progress("first")), pytest.raises(ArgumentError, match="1 rows are not to my taste") as raised:
        remote.map(steps.refuse, x)
    assert raised.value.command == "first"  # type: ignore[attr-defined]
    remote.cluster.cut_lineage(x.blocks, wait=True)
    assert [b.content for b in x.blocks] == [None, None]
    assert layout.to_numpy(remote, x).tolist() == list(range(N))


def test_an_exchange_through_files(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(executor_module, "SHUFFLE_FROM_PIECES", 0)
    monkeypatch.setattr(executor_module, "DISK_FROM_SHARE", -1.0)
    x = arange(remote, 100_000)
    assert (layout.to_numpy(remote, layout.relayout(remote, x, (10, 99_990))) == np.arange(100_000)).all()


def test_an_error_of_a_task_is_raised_by_the_next_use(remote: ClusterExecutor) -> None:
    with running(Progress("first")):
        bad = remote.map(steps.refuse, arange(remote))
    with running(Progress("first")), pytest.raises(ArgumentError, match=r"^500 rows are not to my taste"):
        remote.collect(steps.total, bad)
    with running(Progress("second")), pytest.raises(ArgumentError, match="result of first, which failed: 500 rows"):
        remote.fetch(bad.values)


def test_update_makes_new_blocks(remote: ClusterExecutor) -> None:
    x = arange(remote)
    changed = remote.update(steps.add_to, x, 1.0)
    assert layout.to_numpy(remote, changed)[0] == 1
    assert layout.to_numpy(remote, x)[0] == 0


def test_an_update_that_fails_raises_at_once_and_changes_nothing(remote: ClusterExecutor) -> None:
    x = arange(remote)
    with pytest.raises(ArgumentError, match="half done"):
        remote.update(steps.write_then_refuse, x)
    assert layout.to_numpy(remote, x)[0] == 0


def test_blocks_of_this_process_travel_with_the_tasks(remote: ClusterExecutor) -> None:
    x = arange(remote)
    here = np.full(500, 2.0)
    y = Array(x.dtype, x.shape, (here, here), x.rows)
    found = remote.map(np.multiply, x, y)
    here[:] = 3  # the step has its own copy
    assert np.concatenate(remote.fetch(found.values)).tolist() == (np.arange(N) * 2.0).tolist()


def test_a_large_argument_is_handed_on_among_workers(remote: ClusterExecutor) -> None:
    factors = np.arange(400_000, dtype=np.float64)
    x = arange(remote)
    found = remote.map(steps.scaled, x, factors, Each((2, 399_999)))
    assert np.concatenate(remote.fetch(found.values))[-1] == 999 * 399_999.0


def test_large_contents_have_a_file_as_long_as_they_are_needed(remote: ClusterExecutor) -> None:
    x = arange(remote, 1 << 19)
    remote.cluster.settle(x.blocks)
    assert [len(h) for h in holders(remote, x)] == [1, 1]
    until(lambda: remote.cluster.vault.files() == 2)  # those of earlier tests go when their tasks are forgotten
    y = layout.array_of(remote.map(np.negative, x), x)
    del x
    gc.collect()
    remote.cluster.settle(y.blocks)
    assert remote.cluster.vault.files() == 2
    del y
    gc.collect()
    until(lambda: remote.cluster.vault.files() == 0)


def test_a_worker_that_does_not_see_the_files_asks_for_them(remote: ClusterExecutor) -> None:
    x = arange(remote, 1 << 19)
    names = [f"/elsewhere/{Path(remote.cluster.vault.path(b.key)).name}" for b in x.blocks]
    found = remote.map(vault.load, Each(names))
    assert (np.concatenate(remote.fetch(found.values)) == np.arange(1 << 19)).all()


@pytest.fixture
def no_files(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote.cluster.vault, "path", lambda key: f"/elsewhere/{key[0]}.pickle")


def on_two_workers(remote: ClusterExecutor, x: Array) -> bool:
    """Whether two workers have each block, and no task can make it again."""
    found = [remote.cluster.scheduler.tasks.get(b.key) for b in x.blocks]
    return all(t is not None and t.run_spec is None and len(t.who_has or ()) == 2 for t in found)


@pytest.mark.usefixtures("no_files")
def test_what_has_no_file_is_on_two_workers_and_stays_there(remote: ClusterExecutor) -> None:
    x = arange(remote, 1 << 19)
    chain = [x]
    while chain[-1].blocks[0].depth < LINEAGE:
        chain.append(layout.array_of(remote.map(np.negative, chain[-1]), x))
    chain.append(layout.array_of(remote.map(np.negative, chain[-1]), x))
    until(lambda: on_two_workers(remote, x) and any(on_two_workers(remote, cut) for cut in chain[1:]))
    remote.cluster.on_loop(_manage_memory(remote)).result(10)
    assert on_two_workers(remote, x)


async def _manage_memory(remote: ClusterExecutor) -> None:
    remote.cluster.scheduler.extensions["amm"].run_once()


def test_lineage_is_cut(remote: ClusterExecutor) -> None:
    x = arange(remote)
    for _ in range(3 * LINEAGE):
        x = layout.array_of(remote.map(partial(np.add, 1.0), x), x)
    assert layout.to_numpy(remote, x)[0] == 3 * LINEAGE
    assert all(isinstance(b, RemoteBlock) and b.depth <= 2 * LINEAGE for b in x.blocks)
    until(lambda: len(remote.cluster.scheduler.tasks) < 5 * LINEAGE)


def test_everything_is_forgotten_at_the_end(remote: ClusterExecutor) -> None:
    x = arange(remote)
    y = layout.relayout(remote, x, (1, N - 1))
    remote.fetch(y.blocks)
    del x, y
    gc.collect()
    until(lambda: not remote.cluster.scheduler.tasks)


def test_a_waiting_command_can_be_cancelled(remote: ClusterExecutor) -> None:
    token = Progress("long")
    threading.Timer(0.2, token.cancel).start()
    begun = time.monotonic()
    with running(token), pytest.raises(CancelledError):
        remote.collect(steps.total, remote.map(steps.slowly, arange(remote), 1.5))
    assert time.monotonic() - begun < 1.4


def tasks_that_run(remote: ClusterExecutor) -> int:
    async def ask() -> Any:
        return await remote.cluster.client.run(underway.fractions)

    return sum(map(len, remote.cluster.on_loop(ask()).result(20).values()))


def test_cancelling_ends_what_runs_on_workers_and_frees_it(remote: ClusterExecutor) -> None:
    x, token = arange(remote), Progress("long")
    remote.cluster.settle(x.blocks)
    before = set(remote.cluster.scheduler.tasks)

    def work() -> None:
        with running(token), pytest.raises(CancelledError):
            remote.collect(steps.total, remote.map(steps.in_parts, x, 100.0))

    thread = threading.Thread(target=work)
    thread.start()
    until(lambda: tasks_that_run(remote) == 2)
    token.cancel()
    thread.join(10)
    until(lambda: tasks_that_run(remote) == 0)
    until(lambda: set(remote.cluster.scheduler.tasks) <= before)
    assert remote.collect(steps.total, x) == [N / 2 * (N / 2 - 1) / 2, N / 2 * (1.5 * N - 1) / 2]


def test_workers_say_how_far_they_are(remote: ClusterExecutor) -> None:
    token, seen = Progress("long"), set[float]()
    x = arange(remote)

    async def look() -> None:
        seen.add(token.fraction)

    def work() -> None:
        with running(token):
            remote.collect(steps.total, remote.map(steps.in_parts, x, 3.0))

    thread = threading.Thread(target=work)
    thread.start()
    while thread.is_alive():
        remote.cluster.on_loop(look()).result(10)
        time.sleep(0.05)
    thread.join()
    assert len(seen) > 4
    remote.cluster.on_loop(look()).result(10)
    assert max(seen) == token.fraction == 1.0
    assert token.steps >= 1


def test_a_task_that_is_wanted_again_runs_again(remote: ClusterExecutor) -> None:
    client = remote.cluster.client

    def submit() -> Any:
        return client.submit(tasks.run, steps.in_parts, "again", np.arange(3), 1.0, key="again")

    async def want_twice() -> Any:
        future = submit()
        await asyncio.sleep(0.5)
        future.release()
        del future
        await asyncio.sleep(0.01)
        return await submit().result()

    assert remote.cluster.on_loop(want_twice()).result(30).tolist() == [0, 1, 2]
