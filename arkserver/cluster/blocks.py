"""The handle of a block that lives on a worker."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from distributed import Future

from arkserver.engine.deferred import sources_of
from arkserver.engine.executor import Each
from arkserver.engine.values import Array, Strings


class RemoteBlock:
    """A block on a worker; the workers forget it when the last handle is gone.

    The future is replaced when the block gets another key with the same contents (`keeping.py`).
    """

    __slots__ = ("__weakref__", "content", "depth", "future")

    def __init__(self, future: Future, depth: int) -> None:
        self.future = future
        """of the Dask client"""
        self.depth = depth
        """steps since the last block that the workers keep without a task to compute it again"""
        self.content: Any = None
        """the contents, as long as this process has them as well; None when only workers do"""

    @property
    def key(self) -> Any:
        """What the scheduler calls it."""
        return self.future.key


def remote_blocks(operands: Iterable[Any]) -> list[RemoteBlock]:
    """The blocks on workers among the operands of a step, or that these are to be computed from."""
    return [b for o in operands for block in _cut(o) for b in sources_of(block) if isinstance(b, RemoteBlock)]


def _cut(operand: Any) -> tuple[Any, ...]:
    if isinstance(operand, Array | Strings):
        return operand.blocks
    return operand.values if isinstance(operand, Each) else ()


def known(argument: Any) -> Any:
    """The contents of a block that this process has as well; any other argument as it is."""
    content = argument.content if isinstance(argument, RemoteBlock) else None
    return argument if content is None else content


def contents_of(calls: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]] | None:
    """The arguments of calls with contents in place of blocks; None when a block is only on a worker."""
    here = [tuple(map(known, call)) for call in calls]
    return None if any(isinstance(a, RemoteBlock) for call in here for a in call) else here


def frozen(content: Any) -> Any:
    """The content, which from now on nobody can change: a task's argument and a step may share it."""
    if isinstance(content, np.ndarray):
        content.flags.writeable = False
    elif isinstance(content, tuple):
        for part in content:
            frozen(part)
    return content
