"""The workers as the executor sees them: tasks go out, contents come back, who is there and where blocks belong."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine, Iterable, Sequence
from concurrent.futures import Future as ThreadFuture
from concurrent.futures import TimeoutError as NotYet
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from distributed import Client, Future, Scheduler, SchedulerPlugin, Status

from arkserver.cluster import asking, entering, failures, keeping, stuck
from arkserver.cluster.blocks import RemoteBlock
from arkserver.cluster.graphs import Graph
from arkserver.cluster.underway import Finished
from arkserver.cluster.vault import Vault, load, write
from arkserver.cluster.worker import NO_WAIT, THREADS, WorkerSetup
from arkserver.engine import progress
from arkserver.errors import WorkerLostError

T = TypeVar("T")

# A waiting command looks this often whether somebody cancelled it or what it waits for was lost.
LOOK_SECONDS = 0.1
# It takes a moment from the time that a worker is known until it runs tasks.
STARTING_SECONDS = 0.02
SCATTER_TRIES = 5
# When all workers are gone, commands wait this long for one to come back.
DESERTED_SECONDS = 60.0


class Cluster:
    """A scheduler in this process, the workers that joined it, and a client; used from any thread but the loop's.

    Parameters
    ----------
    scheduler : Scheduler
        Runs in the loop `loop`.
    client : Client
        Asynchronous, in the same loop.
    """

    def __init__(self, scheduler: Scheduler, client: Client, loop: asyncio.AbstractEventLoop, vault: Vault) -> None:
        self.scheduler = scheduler
        self.client = client
        self.loop = loop
        self.vault = vault
        self.homes: tuple[str, ...] = ()
        """addresses of the workers, in the order in which they joined"""
        self.lost = 0
        """workers that left without being told to"""
        self.ended: set[Any] = set()
        """names of workers that were told to end: one whose process starts it again meanwhile is not counted in"""
        self.changed: Callable[[], None] = lambda: None
        """called when a worker came or went"""
        self._questions = asking.Questions(scheduler)
        self._deserted: float | None = None
        """when the last worker was lost, of ``time.monotonic``"""
        self._starting: set[asyncio.Task[None]] = set()
        """what waits for workers that do not run tasks yet"""
        self._restarting = loop.create_task(stuck.restart_forever(scheduler))

    @classmethod
    async def open(cls, scheduler: Scheduler, keep_folder: Path | None = None) -> Cluster:
        """Connect to a scheduler that runs in the current loop; files of blocks go to a new folder in `keep_folder`."""
        await scheduler.listen("inproc://")
        inproc = scheduler.listeners[-1].contact_address
        client = await Client(inproc, asynchronous=True, set_as_default=False, security=scheduler.security)
        client.scheduler_comm.interval = NO_WAIT
        scheduler.client_comms[client.id].interval = NO_WAIT
        self = cls(scheduler, client, asyncio.get_running_loop(), Vault(scheduler, keep_folder))
        for address in scheduler.workers:
            self._joined(address)
        scheduler.add_plugin(_Membership(self), name="arkserver")
        manager = scheduler.extensions["amm"]
        manager.policies.clear()
        manager.add_policy(keeping.KeepReplicas())
        await client.register_plugin(WorkerSetup(), name="arkserver")
        return self

    async def close(self) -> None:
        """Let the client go; its blocks are forgotten."""
        for task in (self._restarting, *self._starting):
            task.cancel()
        await self.client.close()
        self.vault.close()

    # --- workers -----------------------------------------------------------------------------------------------------

    @property
    def active(self) -> bool:
        """Whether there are workers for new arrays: some are there, or may come back."""
        return bool(self.homes) or self._waits()

    def homes_of(self, blocks: int) -> list[str]:
        """The worker for each of an array's blocks; waits for one when all are lost.

        Raises
        ------
        WorkerLostError
            When none came back.
        """
        while not (homes := self.homes or tuple(self.scheduler.workers)):  # those that leave finish what runs
            self._raise_if_deserted()
            progress.pause(LOOK_SECONDS)
        return [homes[i % len(homes)] for i in range(blocks)]

    def dismiss(self) -> None:
        """From now on new arrays belong into this process; commands that run may use the workers to their end."""
        self.homes = ()
        self._deserted = None

    def recall(self) -> None:
        """Undo `dismiss`."""
        self.homes = tuple(self.scheduler.workers)

    def holds_blocks(self) -> bool:
        """Whether somebody holds the handle of a block that is, or will be, on the workers."""
        return any(state.status in ("pending", "finished") for state in list(self.client.futures.values()))

    def _waits(self) -> bool:
        return self._deserted is not None and time.monotonic() < self._deserted + DESERTED_SECONDS

    def _raise_if_deserted(self) -> None:
        if not self.scheduler.workers and not self._waits():
            raise WorkerLostError("no worker is left; start one with: arkserver worker " + self.scheduler.address)

    @property
    def memory(self) -> int:
        """Bytes of all workers together; 0 when they have no limit."""
        return sum(w.memory_limit for w in list(self.scheduler.workers.values()))

    @property
    def least_memory(self) -> int:
        """Bytes of the smallest worker; 0 when there is one without a limit, or none at all."""
        return min((w.memory_limit for w in list(self.scheduler.workers.values())), default=0)

    async def wait_for_workers(self, count: int, seconds: float) -> None:
        """Return when `count` workers are there.

        Raises
        ------
        WorkerLostError
            When they are not there in time.
        """
        end = time.monotonic() + seconds
        while len(self.homes) < count:
            if time.monotonic() > end:
                raise WorkerLostError(f"{len(self.homes)} of {count} workers joined within {seconds:.0f} seconds")
            await asyncio.sleep(0.05)

    def names(self) -> set[Any]:
        """Names of the workers that are there."""
        return {w.name for w in self.scheduler.workers.values()}

    def name_of(self, address: str) -> Any:
        """Name of the worker at an address; None when it is not there."""
        worker = self.scheduler.workers.get(address)
        return None if worker is None else worker.name

    def shapes(self) -> list[tuple[str, int, int]]:
        """Name, threads and bytes of the workers that are there."""
        workers = [self.scheduler.workers[a] for a in self.homes if a in self.scheduler.workers]
        return [(str(w.name), int(w.resources.get(THREADS, w.nthreads)), w.memory_limit) for w in workers]

    async def retire(self, names: Sequence[str]) -> None:
        """Have workers hand their blocks over and take no more."""
        addresses = [w.address for w in self.scheduler.workers.values() if w.name in set(names)]
        self.homes = tuple(a for a in self.homes if a not in addresses)
        if addresses:
            await self.scheduler.retire_workers(workers=addresses, close_workers=False, remove=False)

    def expect(self) -> None:
        """A worker is to come: when there is none now, commands wait for it."""
        if not self.homes:
            self._deserted = time.monotonic()

    def _expect(self, address: str) -> None:
        self._free_tasks()
        self._starting.add(task := self.loop.create_task(self._welcome(address)))
        task.add_done_callback(self._starting.discard)

    async def _welcome(self, address: str) -> None:
        """Count a worker in when it runs tasks, a moment after it is known: others would get those that are for it."""
        while address in self.scheduler.workers and address not in self.homes:
            if self.name_of(address) in self.ended:
                return
            if self.scheduler.workers[address].status is not Status.init:
                self._joined(address)
                return
            await asyncio.sleep(STARTING_SECONDS)

    def _joined(self, address: str) -> None:
        self.scheduler.stream_comms[address].interval = NO_WAIT
        self.homes = (*self.homes, address)
        self._deserted = None
        self.changed()

    def _free_tasks(self) -> None:
        """Let tasks run on the new worker that wait because all workers were lost.

        Dask offers a new worker only tasks whose own worker it is, also when others may run them.
        """
        for task in self.scheduler.unrunnable:
            if task.loose_restrictions:
                task.worker_restrictions = None

    def _left(self, address: str) -> None:
        self._questions.lose(address)
        if self.homes == (address,):
            self._deserted = time.monotonic()
        self.lost += address in self.homes  # one that was told to leave is none of them any more
        self.homes = tuple(a for a in self.homes if a != address)
        # Second copies that went with it are made again at once, not at the memory manager's next round.
        self.loop.call_soon(self.scheduler.extensions["amm"].run_once)
        self.changed()

    # --- tasks -------------------------------------------------------------------------------------------------------

    def submit(self, graph: Graph, keys: Sequence[Any]) -> list[Future]:
        """Send out a graph; handles of the results of `keys`."""
        if (token := progress.current()) is not None:
            token.follow(len(graph.tasks), Finished(self.scheduler, graph.tasks))
        self._revive(graph.futures)
        futures = entering.handles(self.client, keys)
        # In two steps, so that what was asked before goes to the workers before this.
        enter = partial(entering.enter, self.scheduler, self.client.id, graph, keys)
        self.loop.call_soon_threadsafe(self.loop.call_soon, enter)
        return futures

    def compute(self, graph: Graph, keys: Sequence[Any]) -> list[Any]:
        """Run a graph; the results of `keys`, here."""
        return self._results(self.submit(graph, keys))

    def gather(self, blocks: Sequence[Any]) -> list[Any]:
        """The contents of blocks, here; what is here already is handed through."""
        futures = [b.future for b in blocks if isinstance(b, RemoteBlock)]
        found = iter(self._results(futures) if futures else ())
        return [next(found) if isinstance(b, RemoteBlock) else b for b in blocks]

    def settle(self, blocks: Iterable[RemoteBlock]) -> None:
        """Return when the blocks are computed; raises what a task raised."""
        futures = [b.future for b in blocks]
        self._until(_settled(futures), futures)

    def ask(self, fn: Callable[..., Any], calls: Sequence[asking.Call], most: int) -> Callable[[], list[Any] | None]:
        """Ask for the results of ``fn(*call)``, straight from the workers that hold the blocks.

        Returns
        -------
        callable
            Waits for the results; None when that cannot be: nobody holds a call's blocks, or they have more than `most`
            bytes.
        """
        futures = [b.future for call in calls for b in call if isinstance(b, RemoteBlock)]
        if not futures:
            return lambda: None
        question = asking.Question(fn, progress.command(), calls, most)
        return self._started(self._asked(question, futures), futures)

    async def _asked(self, question: asking.Question, futures: Sequence[Future]) -> list[Any] | None:
        if not self._questions.can_ask(question):
            await _settled(futures)
        try:
            return await self._questions.ask(question)
        except asking.NotAskedError:
            return None

    def _results(self, futures: list[Future]) -> list[Any]:
        return list(self._until(self.client.gather(futures, direct=True, asynchronous=True), futures))

    def _until(self, work: Coroutine[Any, Any, T], futures: Sequence[Future]) -> T:
        """Run `work` on the loop, which waits for `futures`."""
        return self._started(work, futures)()

    def _started(self, work: Coroutine[Any, Any, T], futures: Sequence[Future]) -> Callable[[], T]:
        """`_until` in two steps: begin, and wait for the end."""
        self._revive(futures)
        waiting = self.on_loop(work)

        def wait() -> T:
            try:
                return self._watch(waiting, futures)
            except Exception as e:  # noqa: BLE001 - whatever a task raised
                raise failures.translated(e) from None

        return wait

    def on_loop(self, work: Coroutine[Any, Any, T]) -> ThreadFuture[T]:
        """Start a coroutine on the loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop)

    def _revive(self, futures: Sequence[Future]) -> None:
        """Try blocks again that could not be computed because their workers ended each time."""
        if killed := [f for f in futures if failures.was_killed(f)]:
            self.on_loop(self.client.retry(killed, asynchronous=True)).result()

    def _watch(self, waiting: ThreadFuture[T], futures: Sequence[Future]) -> T:
        token = progress.current()
        while True:
            try:
                return waiting.result(LOOK_SECONDS)
            except NotYet:
                if waiting.done():
                    raise
            try:
                if token is not None:
                    token.raise_if_cancelled()
                failures.raise_if_lost(futures, self.scheduler)
                self._raise_if_deserted()
            except Exception:
                waiting.cancel()
                raise

    # --- blocks without a task ---------------------------------------------------------------------------------------

    def upload(self, contents: Sequence[Any], first: int = 0) -> list[Future]:
        """Hand contents to the workers by way of files; they are the blocks from number `first` on."""
        graph = Graph("upload")
        keys = [keeping.new_key() for _ in contents]
        for key, content, home in zip(keys, contents, self.homes_of(first + len(keys))[first:], strict=True):
            path = self.vault.path(key)
            if not write(path, content):
                self._forget(keys)
                return self._scatter(contents, first)
            graph.add(key, load, path)
            graph.homes[key] = home
        return self.submit(graph, keys)

    def _forget(self, keys: Iterable[Any]) -> None:
        for key in keys:
            self.vault.forget(key)

    def _scatter(self, contents: Sequence[Any], first: int) -> list[Future]:
        """Send contents to the workers, each to two of them."""
        for _ in range(SCATTER_TRIES):
            try:
                homes = self.homes_of(first + len(contents))[first:]
                return self._until(keeping.scatter(self.client, self.scheduler, contents, homes), ())
            except (OSError, TimeoutError):  # a worker left; the others take it
                progress.pause(LOOK_SECONDS)
        raise WorkerLostError(f"{SCATTER_TRIES} attempts to send data to the workers failed; try again")

    def cut_lineage(self, blocks: Sequence[RemoteBlock], *, wait: bool) -> None:
        """Let the scheduler forget how `blocks` come about, once they are computed."""
        work = self._cut(blocks)
        if wait:
            self._until(work, [b.future for b in blocks])
        else:
            self.on_loop(work)

    async def _cut(self, blocks: Sequence[RemoteBlock]) -> None:
        await asyncio.gather(*(b.future.exception() for b in blocks))
        await asyncio.gather(*(keeping.cut(self.client, self.scheduler, self.vault, b) for b in blocks))


class _Membership(SchedulerPlugin):  # type: ignore[misc]  # distributed publishes no types
    """Tells the cluster who comes and goes."""

    name = "arkserver"

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def add_worker(self, scheduler: Scheduler, worker: str) -> None:  # noqa: ARG002
        self._cluster._expect(worker)

    def remove_worker(self, scheduler: Scheduler, worker: str, **_: Any) -> None:  # noqa: ARG002
        self._cluster._left(worker)

    def transition(self, key: Any, start: str, finish: str, **_: Any) -> None:  # noqa: ARG002
        """Follow a task; called for each change of its state."""
        if finish == "forgotten":
            self._cluster.vault.forget(key)
        elif finish == "memory":
            self._cluster.scheduler.tasks[key].suspicious = 0  # what counts is how often in a row its workers ended


async def _settled(futures: Sequence[Future]) -> None:
    for future in futures:
        error = await future.exception()
        if error is not None:
            raise error
