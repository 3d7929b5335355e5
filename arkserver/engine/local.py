"""The executor of one process: blocks are NumPy arrays here, and their chunks run on this process's threads."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from arkserver.engine import progress
from arkserver.engine.blocks import moving
from arkserver.engine.deferred import settle, value_of
from arkserver.engine.executor import DEFERRED_FROM, C, Executor, R, Refs, blocks_of, operands_at
from arkserver.engine.values import Array, Block


class LocalExecutor(Executor):
    """Runs the blocks one after the other, each on all threads.

    Parameters
    ----------
    width : int
        Blocks of a new array. One is the fastest; more is for the tests, which run every algorithm over several.
    deferred_from : int
        Elements from which cheap elementwise results wait until they are needed; see `deferred`.
    """

    def __init__(self, width: int = 1, deferred_from: int = DEFERRED_FROM) -> None:
        self._width = width
        self.deferred_from = deferred_from

    @property
    def width(self) -> int:
        """How many blocks a new array is cut into."""
        return self._width

    def map(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each: ``fn(*operands)``."""
        return Refs(self.collect(fn, *operands))

    def map_parts(self, parts: int, fn: Callable[..., Sequence[Any]], *operands: Any) -> tuple[Refs, ...]:
        """`map` for a function that returns `parts` results."""
        results = self.collect(fn, *operands)
        return tuple(Refs(r[p] for r in results) for p in range(parts))

    def collect(self, fn: Callable[..., R], *operands: Any) -> list[R]:
        """The results of ``fn(*operands)``, block by block."""
        return [_step(fn, operands_at(operands, i)) for i in range(blocks_of(operands))]

    def exchange(
        self,
        split: Callable[..., Sequence[Any]],
        split_operands: Sequence[Any],
        merge: Callable[..., Any],
        merge_operands: Sequence[Any] = (),
        *,
        parts: int,
        moved: int | None = None,  # noqa: ARG002 - nothing moves
    ) -> Refs:
        """All to all, in this process: nothing is copied but by `split` and `merge` themselves."""
        pieces = self.collect(split, *split_operands)
        return Refs(_step(merge, ([p[j] for p in pieces], *operands_at(merge_operands, j))) for j in range(parts))

    def share(self, x: C, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each of the operands', from all blocks of `x`, which are here."""
        return self.map(fn, self.fetch(x.blocks), *operands)

    def update(self, fn: Callable[..., None], array: Array, *operands: Any) -> Array:
        """Write into the blocks where they are; one that cannot be written to (received from a client) is copied."""
        blocks = tuple(b if b.flags.writeable else moving.copy(b) for b in settle(array.blocks))
        changed = replace(array, blocks=blocks)
        with progress.running(None):  # to be cancelled half way would leave the array half changed
            self.collect(fn, changed, *operands)
        return changed

    def place(self, blocks: Iterable[Any]) -> tuple[Block, ...]:
        """The contents are the blocks."""
        return tuple(b if isinstance(b, tuple) else np.asarray(b) for b in blocks)

    def fetch(self, blocks: Iterable[Block]) -> list[Any]:
        """The blocks are the contents, or are to be computed."""
        return [value_of(b) for b in blocks]


def _step(fn: Callable[..., R], args: tuple[Any, ...]) -> R:
    token = progress.current()
    if token is not None:
        token.raise_if_cancelled()
    return fn(*args)
