"""Small arrays stay in the server process, large ones live on workers: one executor that decides step by step."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from arkserver.cluster.blocks import remote_blocks
from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine import layout
from arkserver.engine.blocks.elementwise import Function
from arkserver.engine.executor import C, Executor, R, Refs
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import Array, Block, DType, Strings


class PlacingExecutor(Executor):
    """Runs a step on the workers when one of its blocks is there, otherwise here.

    A step that reads no block makes one; where, the size of the command's values decides (`sized`).

    Parameters
    ----------
    local : LocalExecutor
        For what stays in this process.
    cluster : ClusterExecutor
        For what does not.
    distribute_from : int
        Bytes from which an array lives on workers.
    large : bool
        Whether new blocks go to the workers.
    """

    def __init__(
        self, local: LocalExecutor, cluster: ClusterExecutor, distribute_from: int, *, large: bool = False
    ) -> None:
        self._local = local
        self._cluster = cluster
        self._distribute_from = distribute_from
        self._new = cluster if large else local

    def sized(self, nbytes: int) -> PlacingExecutor:
        """The executor of a command whose largest value has `nbytes`."""
        cluster = self._cluster.sized(nbytes)
        return PlacingExecutor(self._local, cluster, self._distribute_from, large=self._is_large(nbytes))

    def adopt(self, value: C) -> C:
        """A value with its blocks where its size says; the value itself when they are there."""
        if bool(remote_blocks([value])) == self._is_large(value.nbytes):
            return value
        moved: C = self.sized(value.nbytes)._moved(value)
        return moved

    def _is_large(self, nbytes: int) -> bool:
        return nbytes >= self._distribute_from and self._cluster.cluster.active

    def _moved(self, value: Any) -> Any:
        """A copy of a value where new blocks go."""
        if isinstance(value, Strings):
            return layout.strings_from_block(self._new, layout.text_here(self, value))
        return layout.from_numpy(self._new, layout.to_numpy(self, value), value.max_bits)

    def _for(self, *operands: Any) -> Executor:
        if remote_blocks(operands):
            return self._cluster
        has_blocks = any(isinstance(o, Array | Strings | Refs) for o in operands)
        return self._local if has_blocks else self._new

    @property
    def width(self) -> int:
        """How many blocks a new array is cut into."""
        return self._new.width

    def map(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each: ``fn(*operands)``."""
        return self._for(*operands).map(fn, *operands)

    def elementwise(self, fn: Function, dtype: DType, *operands: Any) -> Refs:
        """`map` for a cheap function."""
        return self._for(*operands).elementwise(fn, dtype, *operands)

    def map_parts(self, parts: int, fn: Callable[..., Sequence[Any]], *operands: Any) -> tuple[Refs, ...]:
        """`map` for a function that returns `parts` results."""
        return self._for(*operands).map_parts(parts, fn, *operands)

    def collect(self, fn: Callable[..., R], *operands: Any) -> list[R]:
        """The results of ``fn(*operands)``, block by block, here."""
        return self._for(*operands).collect(fn, *operands)

    def collecting(self, fn: Callable[..., R], *operands: Any) -> Callable[[], list[R]]:
        """`collect` in two steps."""
        return self._for(*operands).collecting(fn, *operands)

    def exchange(
        self,
        split: Callable[..., Sequence[Any]],
        split_operands: Sequence[Any],
        merge: Callable[..., Any],
        merge_operands: Sequence[Any] = (),
        *,
        parts: int,
        moved: int | None = None,
    ) -> Refs:
        """All to all."""
        executor = self._for(*split_operands, *merge_operands)
        return executor.exchange(split, split_operands, merge, merge_operands, parts=parts, moved=moved)

    def share(self, x: C, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each of the operands', from all blocks of `x`."""
        return self._for(x, *operands).share(x, fn, *operands)

    def shares(self, nbytes: int, instead_of: int) -> bool:
        """Whether workers had better have all of a value each."""
        return self._cluster.shares(nbytes, instead_of)

    def update(self, fn: Callable[..., None], array: Array, *operands: Any) -> Array:
        """Change `array` in place or, on workers, by new blocks."""
        return self._for(array, *operands).update(fn, array, *operands)

    def place(self, blocks: Iterable[Any]) -> tuple[Block, ...]:
        """Hand over contents that are here."""
        return self._new.place(blocks)

    def load(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """`map` for a function that reads files."""
        return self._for(*operands).load(fn, *operands)

    def place_each(self, blocks: Iterator[Any]) -> tuple[Block, ...]:
        """Hand over contents one after the other."""
        return self._new.place_each(blocks)

    def fetch(self, blocks: Iterable[Block]) -> list[Any]:
        """The contents of blocks, here."""
        return self._cluster.fetch(blocks)
