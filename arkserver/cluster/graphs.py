"""Dask graphs of one step: tasks named after the command, beside the blocks that they read."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from dask._task_spec import GraphNode, Task, TaskRef
from distributed import Future

from arkserver.cluster import tasks
from arkserver.cluster.blocks import RemoteBlock, known
from arkserver.engine import progress
from arkserver.engine.values import TextBlock

# An argument that all tasks share travels with each of them up to this size; a larger one becomes a task of its own,
# whose result workers hand on among themselves.
SHARED_BYTES = 1 << 20

# Arguments of this size that the scheduler keeps count as much towards the cut of a lineage as a step does.
LITERAL_BYTES_A_STEP = 1 << 18

_numbers = itertools.count()


class Graph:
    """The tasks of one step.

    Parameters
    ----------
    kind : str
        What the step does; part of the names.
    """

    def __init__(self, kind: str) -> None:
        self.command = progress.command()
        self.name = f"{self.command}-{kind}-{next(_numbers)}"
        """unique; the scheduler shows it without its number"""
        self.tasks: dict[Any, GraphNode] = {}
        self.futures: list[Future] = []
        """of the blocks that the tasks read; held, since a block may get another key before the graph is sent"""
        self.homes: dict[Any, str] = {}
        """workers by key, for tasks that should run on a certain one"""
        self.literal_bytes = 0
        """bytes of arguments that travel with the tasks and stay on the scheduler as long as the results"""
        self._literals: dict[int, tuple[Any, Any]] = {}

    def add(self, key: Any, fn: Callable[..., Any], *args: Any) -> TaskRef:
        """A task; blocks on workers and references to other tasks among its arguments become dependencies."""
        self.tasks[key] = Task(key, fn, *(self.argument(a) for a in args))
        return TaskRef(key)

    def reference(self, key: Any) -> TaskRef:
        """What stands for the result of another task among the arguments of one."""
        return TaskRef(key)

    @property
    def depth(self) -> int:
        """What the step adds to the depth of its results: itself, and what the scheduler has to keep for it."""
        return 1 + self.literal_bytes // LITERAL_BYTES_A_STEP

    def run(self, i: int, fn: Callable[..., Any], args: Sequence[Any], suffix: str = "") -> TaskRef:
        """The task of a step function for block `i`."""
        return self.add((self.name + suffix, i), tasks.run, fn, self.command, *args)

    def argument(self, value: Any) -> Any:
        """What stands for `value` in a task; the contents of a block that are here need no other task."""
        value = known(value)
        if isinstance(value, RemoteBlock):
            self.futures.append(value.future)
            return TaskRef(self.futures[-1].key)
        nbytes = literal_bytes(value)
        if id(value) not in self._literals:
            self.literal_bytes += nbytes
            self._literals[id(value)] = value, self._literal(value, nbytes)
        return self._literals[id(value)][1]

    def _literal(self, value: Any, nbytes: int) -> Any:
        if isinstance(value, np.ndarray) and value.flags.writeable:
            value = value.copy()  # the scheduler, which lives in this process, would see later changes
        if nbytes < SHARED_BYTES:
            return value
        key = (self.name + "-shared", len(self.tasks))
        self.tasks[key] = Task(key, tasks.same, value)
        return TaskRef(key)


def literal_bytes(value: Any) -> int:
    """Bytes of an argument that is not a block on a worker; 0 for what is small by its type."""
    if isinstance(value, np.ndarray):
        return value.nbytes
    if isinstance(value, TextBlock):
        return value.offsets.nbytes + value.data.nbytes
    if isinstance(value, bytes | str):
        return len(value)
    return sum(map(literal_bytes, value)) if isinstance(value, list | tuple) else 0
