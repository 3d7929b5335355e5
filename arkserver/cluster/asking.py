"""Small results straight from the workers that hold the blocks: one message to each and one back, no task.

A task's result takes the way over the scheduler and is then fetched from its worker, which costs several messages. What
a step asks of small blocks that are there, their workers tell at once. Where the work is longer than the messages, and
when a worker left meanwhile or handed a block on, the caller makes tasks of it.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import Client, Scheduler, Worker
from distributed.core import clean_exception, error_message
from distributed.protocol import to_serialize

from arkserver.cluster.blocks import RemoteBlock

HANDLER = "arkserver_ask"

# Larger blocks, a second of work or so, are worth tasks, which can be watched and cancelled.
ASKED_BYTES = 1 << 29
# The blocks of an answer are in memory together: they take at most this share of the worker's.
ASKED_SHARE = 1 / 8


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
    """The blocks are large, or no worker holds all blocks of a call."""


async def ask(client: Client, scheduler: Scheduler, question: Question) -> list[Any]:
    """The results of ``fn(*call)``, each run by a worker that holds the call's blocks, which are computed.

    Raises
    ------
    NotAskedError
        When the calls have to be tasks.
    """
    by_worker: dict[str, list[int]] = defaultdict(list)
    nbytes: dict[str, int] = defaultdict(int)
    for i, call in enumerate(question.calls):
        holder, size = _holder(scheduler, call)
        by_worker[holder].append(i)
        nbytes[holder] += size
    if any(size > min(question.most, _share(scheduler, holder)) for holder, size in nbytes.items()):
        raise NotAskedError
    answers = await asyncio.gather(*(_ask_worker(client, *who, question) for who in by_worker.items()))
    found = {
        i: r
        for who, results in zip(by_worker.values(), answers, strict=True)
        for i, r in zip(who, results, strict=True)
    }
    return [found[i] for i in range(len(found))]


def _holder(scheduler: Scheduler, call: Call) -> tuple[str, int]:
    """A worker that holds all blocks of a call, and the bytes of these."""
    known = [scheduler.tasks.get(a.key) for a in call if isinstance(a, RemoteBlock)]
    holders = [set(task.who_has or ()) if task is not None else set() for task in known]
    common = set.intersection(*holders) & scheduler.running if holders else None
    if not common:
        raise NotAskedError
    return str(min(worker.address for worker in common)), sum(task.nbytes for task in known)


def _share(scheduler: Scheduler, worker: str) -> float:
    limit = scheduler.workers[worker].memory_limit
    return ASKED_SHARE * limit if limit else float("inf")


async def _ask_worker(client: Client, address: str, which: Sequence[int], question: Question) -> list[Any]:
    calls = [tuple(Held(a.key) if isinstance(a, RemoteBlock) else a for a in question.calls[i]) for i in which]
    step = to_serialize((question.fn, question.command, calls))
    try:
        answer = await getattr(client.rpc(address), HANDLER)(step=step)
    except OSError as e:
        raise NotAskedError from e
    if answer["status"] == "missing":
        raise NotAskedError
    if answer["status"] == "error":
        _, error, _ = clean_exception(**answer)
        raise error or RuntimeError(f"the worker {address} failed without saying why")
    results: list[Any] = answer["results"]
    return results


# --- the worker's side -----------------------------------------------------------------------------------------------


async def answer(worker: Worker, step: tuple[Callable[..., Any], str, Sequence[Call]]) -> dict[str, Any]:
    """Run the calls on the thread of tasks, after the one that is running."""
    fn, command, calls = step
    try:
        ready = [tuple(worker.data[a.key] if isinstance(a, Held) else a for a in call) for call in calls]
    except KeyError:
        return {"status": "missing"}
    loop = asyncio.get_running_loop()
    try:
        results = await loop.run_in_executor(worker.executors["default"], run, fn, command, ready)
    except Exception as e:  # noqa: BLE001 - whatever a step raises is an answer
        return dict(error_message(e))
    return {"status": "OK", "results": to_serialize(results)}


def run(fn: Callable[..., Any], command: str, calls: Sequence[Call]) -> list[Any]:
    """The results of calls whose blocks are here; an error carries the name of the command that it belongs to."""
    try:
        with np.errstate(all="ignore"):
            return [fn(*call) for call in calls]
    except Exception as e:
        e.__dict__.setdefault("command", command)
        raise
