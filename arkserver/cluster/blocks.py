"""The handle of a block that lives on a worker."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from distributed import Future

from arkserver.engine.executor import Each
from arkserver.engine.values import Array, Strings


class RemoteBlock:
    """A block on a worker; the workers forget it when the last handle is gone.

    The future is replaced when the block gets another key with the same contents (`keeping.py`).
    """

    __slots__ = ("__weakref__", "depth", "future")

    def __init__(self, future: Future, depth: int) -> None:
        self.future = future
        """of the Dask client"""
        self.depth = depth
        """steps since the last block that the workers keep without a task to compute it again"""

    @property
    def key(self) -> Any:
        """What the scheduler calls it."""
        return self.future.key


def remote_blocks(operands: Iterable[Any]) -> list[RemoteBlock]:
    """The blocks on workers among the operands of a step."""
    return [b for operand in operands for b in _cut(operand) if isinstance(b, RemoteBlock)]


def _cut(operand: Any) -> tuple[Any, ...]:
    if isinstance(operand, Array | Strings):
        return operand.blocks
    return operand.values if isinstance(operand, Each) else ()
