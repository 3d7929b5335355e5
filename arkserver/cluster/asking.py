"""Small results straight from the workers that hold the blocks: one message to each and one back, no task.

A task's result takes the way over the scheduler and is then fetched from its worker, which costs several messages. What
a step asks of small blocks, their workers tell at once, or as soon as they have made them. Where the work is longer
than the messages, and when a worker left meanwhile or handed a block on, the caller makes tasks of it.

Questions and answers travel with the other messages between scheduler and worker, in their order: a worker knows of the
task that makes a block before it is asked for the block.
"""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Scheduler, Worker
from distributed.core import error_message
from distributed.protocol import pickle
from distributed.protocol.serialize import ToPickle

from arkserver.cluster.blocks import RemoteBlock
from arkserver.engine.executor import is_light

QUESTION = "arkserver-question"
ANSWER = "arkserver-answer"

# Larger blocks, a second of work or so, are worth tasks, which can be watched and cancelled.
ASKED_BYTES = 1 << 29
# The blocks of an answer are in memory together: they take at most this share of the worker's.
ASKED_SHARE = 1 / 8
# States of a task whose block its worker is to have.
MAKING = {"waiting", "ready", "constrained", "executing", "long-running", "fetch", "flight", "resumed"}


@dataclass(frozen=True, slots=True)
class Held:
    """What stands for a block among the arguments of a call: the worker has it under this key."""

    key: Any


Call = tuple[Any, ...]
"""Arguments of a step function."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the workers."""

    fn: Callable[..., Any]
    """a step function"""
    command: str
    """on whose behalf"""
    calls: Sequence[Call]
    most: int
    """bytes that the blocks on one worker may have"""


class NotAskedError(Exception):
    """The blocks are large, or no worker has all blocks of a call."""


class Questions:
    """Questions to workers that are not answered yet; used in the scheduler's loop.

    Parameters
    ----------
    scheduler : Scheduler
    """

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._numbers = itertools.count()
        self._open: dict[int, tuple[str, asyncio.Future[list[Any]]]] = {}
        scheduler.stream_handlers[ANSWER] = self._answered

    def can_ask(self, question: Question) -> bool:
        """Whether each call has a worker that holds all of its blocks, or is about to."""
        return all(self._holders(call) for call in question.calls)

    async def ask(self, question: Question) -> list[Any]:
        """The results of ``fn(*call)``, each run by a worker that has the call's blocks.

        Raises
        ------
        NotAskedError
            When the calls have to be tasks.
        """
        by_worker: dict[str, list[int]] = defaultdict(list)
        for i, call in enumerate(question.calls):
            by_worker[min(self._holders(call), default="")].append(i)
        if "" in by_worker:
            raise NotAskedError
        numbers = [self._send(*who, question) for who in by_worker.items()]
        try:
            answers = await asyncio.gather(*(self._open[number][1] for number in numbers))
        finally:
            for number in numbers:
                del self._open[number]
        found = {
            i: r
            for who, results in zip(by_worker.values(), answers, strict=True)
            for i, r in zip(who, results, strict=True)
        }
        return [found[i] for i in range(len(found))]

    def lose(self, worker: str) -> None:
        """A worker left: what it was asked is not answered."""
        for address, answer in self._open.values():
            if address == worker and not answer.done():
                answer.set_exception(NotAskedError())

    def _holders(self, call: Call) -> set[str]:
        """Addresses of the workers that have all blocks of a call, or run the task of one that they have not."""
        blocks = [_holders(self._scheduler.tasks.get(a.key)) for a in call if isinstance(a, RemoteBlock)]
        return {worker.address for worker in set.intersection(*blocks) & self._scheduler.running} if blocks else set()

    def _send(self, worker: str, which: Sequence[int], question: Question) -> int:
        """The number of a question that is on its way to a worker."""
        calls = [tuple(Held(a.key) if isinstance(a, RemoteBlock) else a for a in question.calls[i]) for i in which]
        step = ToPickle((question.fn, question.command, calls, question.most))
        number, answer = next(self._numbers), asyncio.get_running_loop().create_future()
        self._open[number] = worker, answer
        try:
            self._scheduler.stream_comms[worker].send({"op": QUESTION, "number": number, "step": step})
        except OSError:  # the connection broke just now
            answer.set_exception(NotAskedError())
        return number

    def _answered(self, number: int, status: str, content: bytes, worker: str) -> None:
        _, answer = self._open.get(number, (worker, None))
        if answer is None or answer.done():
            return  # nobody waits any more
        try:
            found = pickle.loads(content)
        except Exception as e:  # noqa: BLE001 - the command hears of it; raised here, it would end the connection
            answer.set_exception(e)
        else:
            (answer.set_result if status == "OK" else answer.set_exception)(found)


def _holders(task: Any) -> set[Any]:
    if task is None:
        return set()
    return {task.processing_on} if task.processing_on is not None else set(task.who_has or ())


# --- the worker's side -----------------------------------------------------------------------------------------------


class Answers:
    """A worker's answers to questions.

    Parameters
    ----------
    worker : Worker
    """

    def __init__(self, worker: Worker) -> None:
        self._worker = worker
        self._waiting: dict[Any, asyncio.Event] = {}
        self._underway: set[asyncio.Task[None]] = set()
        worker.stream_handlers[QUESTION] = self._asked

    def changed(self, key: Any) -> None:
        """The state of a task is another one: who waits for its block looks again."""
        if (event := self._waiting.pop(key, None)) is not None:
            event.set()

    def _asked(self, number: int, step: Any) -> None:
        self._underway.add(task := asyncio.get_running_loop().create_task(self._tell(number, step)))
        task.add_done_callback(self._underway.discard)

    async def _tell(self, number: int, step: tuple[Callable[..., Any], str, Sequence[Call], int]) -> None:
        status = "OK"
        try:
            content = pickle.dumps(await self._answer(*step))
        except Exception as e:  # noqa: BLE001 - whatever a step raises is an answer
            status, content = "error", error_message(e)["exception"].data
        self._worker.batched_stream.send({"op": ANSWER, "number": number, "status": status, "content": content})

    async def _answer(self, fn: Callable[..., Any], command: str, calls: Sequence[Call], most: int) -> list[Any]:
        """Run the calls when their blocks are there: on the thread of tasks, unless they are done in no time."""
        keys = {a.key for call in calls for a in call if isinstance(a, Held)}
        for key in keys:
            await self._have(key)
        limit = self._worker.memory_manager.memory_limit
        if sum(map(self._size, keys)) > min(most, ASKED_SHARE * limit if limit else most):
            raise NotAskedError
        try:
            ready = [tuple(self._worker.data[a.key] if isinstance(a, Held) else a for a in call) for call in calls]
        except KeyError:  # handed on, while this waited for another
            raise NotAskedError from None
        if is_light(fn):
            return run(fn, command, ready)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._worker.executors["default"], run, fn, command, ready)

    async def _have(self, key: Any) -> None:
        """Wait while the worker makes a block."""
        while key not in self._worker.data:
            task = self._worker.state.tasks.get(key)
            if task is None or task.state not in MAKING:
                raise NotAskedError
            await self._waiting.setdefault(key, asyncio.Event()).wait()

    def _size(self, key: Any) -> int:
        task = self._worker.state.tasks.get(key)
        return 0 if task is None else int(task.get_nbytes())


def run(fn: Callable[..., Any], command: str, calls: Sequence[Call]) -> list[Any]:
    """The results of calls whose blocks are here; an error carries the name of the command that it belongs to."""
    try:
        with np.errstate(all="ignore"):
            return [fn(*call) for call in calls]
    except Exception as e:
        e.__dict__.setdefault("command", command)
        raise
