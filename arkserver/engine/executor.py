"""The interface between the algorithms and what runs them.

An algorithm is a sequence of these kinds of step over blocks:

* *map*: a function over aligned blocks, giving new blocks;
* *collect*: a function over aligned blocks, giving one small result a block to the caller;
* *exchange*: every block is cut into pieces by destination, and each destination merges its pieces;
* *share*: a function over aligned blocks that also reads all blocks of one value.

`LocalExecutor` runs them in this process; the cluster's executor as tasks on workers. The functions are module-level
and picklable, take and return NumPy arrays (or `TextBlock`), and use the threads of the process that they run in.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, TypeVar

from arkserver.engine.blocks.chains import Chain
from arkserver.engine.blocks.elementwise import Function, apply
from arkserver.engine.deferred import Calls, defer, value_of
from arkserver.engine.values import BIGINT, Array, Block, DType, Strings

# A pass over so many elements costs more than the second look at them.
DEFERRED_FROM = 1 << 18

R = TypeVar("R")
C = TypeVar("C", bound=Array | Strings)
F = TypeVar("F", bound=Callable[..., Any])


class Each:
    """An operand that has one value a block, such as the position of the block's first row."""

    __slots__ = ("values",)

    def __init__(self, values: Iterable[Any]) -> None:
        self.values = tuple(values)

    def __len__(self) -> int:
        return len(self.values)


class Refs(Each):
    """An operand that is a block per block, made by an earlier step and not (yet) part of an array."""


def light(fn: F) -> F:
    """A step function that looks at a few elements only: with `collect` it does not wait for its turn."""
    fn.light = True  # type: ignore[attr-defined]
    return fn


def is_light(fn: Callable[..., Any]) -> bool:
    """Whether a step function is marked so."""
    return getattr(fn, "light", False)


class Executor(ABC):
    """Runs steps over blocks.

    Operands of every step: an `Array`, `Strings` or `Refs` hands over its i-th block, an `Each` its i-th value,
    anything else is the same for all. All that are cut must have the same number of blocks, and arrays the same
    `rows` (`layout.align` sees to that).
    """

    deferred_from: int = DEFERRED_FROM
    """elements from which cheap elementwise results wait until they are needed; see `deferred`"""

    @property
    @abstractmethod
    def width(self) -> int:
        """How many blocks a new array is cut into."""

    @abstractmethod
    def map(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each: ``fn(*operands)``."""

    @abstractmethod
    def map_parts(self, parts: int, fn: Callable[..., Sequence[Any]], *operands: Any) -> tuple[Refs, ...]:
        """`map` for a function that returns `parts` results, each of which becomes a block."""

    @abstractmethod
    def collect(self, fn: Callable[..., R], *operands: Any) -> list[R]:
        """The small results of ``fn(*operands)``, block by block, here."""

    def collecting(self, fn: Callable[..., R], *operands: Any) -> Callable[[], list[R]]:
        """`collect` in two steps: what is called between it and its result need not wait for the latter."""
        found = self.collect(fn, *operands)
        return lambda: found

    @abstractmethod
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
        """All to all.

        ``split(*split_operands)`` cuts block i into `parts` pieces (each an array, a `TextBlock`, a tuple of those, or
        None); ``merge(pieces, *merge_operands)`` makes block j of the result from the j-th piece of every block, in
        the order of the blocks. With one block and one part the piece goes through untouched. `moved` is the size of
        all pieces in bytes, where that is known and not that of what they are cut from.
        """

    @abstractmethod
    def share(self, x: C, fn: Callable[..., Any], *operands: Any) -> Refs:
        """One new block for each of the operands': ``fn(blocks, *operands)``, which only reads all blocks of `x`."""

    def shares(self, nbytes: int, instead_of: int) -> bool:
        """Whether `share` of so many bytes fits, and moves no more than another way that moves `instead_of` bytes."""
        return nbytes <= instead_of

    @abstractmethod
    def update(self, fn: Callable[..., None], array: Array, *operands: Any) -> Array:
        """Change `array`: ``fn(block, *operands)`` writes into its first argument. Returns the changed array."""

    @abstractmethod
    def place(self, blocks: Iterable[Any]) -> tuple[Block, ...]:
        """Hand over contents that are here."""

    @abstractmethod
    def fetch(self, blocks: Iterable[Block]) -> list[Any]:
        """The contents of blocks, here."""

    def elementwise(self, fn: Function, dtype: DType, *operands: Any) -> Refs:
        """`map` for a cheap function of each element, of one dtype; a large result is computed when it is needed."""
        arrays = [o for o in operands if isinstance(o, Array)]
        if arrays[0].size < self.deferred_from or any(a.dtype == BIGINT for a in arrays):
            return self.map(apply_function, fn, dtype, *operands)
        calls = [tuple(at_block(o, i) for o in operands) for i in range(blocks_of(operands))]
        return Refs(defer(self._apply_chain, fn, dtype, calls))

    def _apply_chain(self, chain: Chain, calls: Calls) -> tuple[Block, ...]:
        columns = zip(*calls, strict=True)
        return self.map(apply_function, chain, chain.dtype, *map(Refs, columns)).values

    def load(self, fn: Callable[..., Any], *operands: Any) -> Refs:
        """`map` for a function that reads files: its blocks are kept and never made again, as the files may go."""
        return self.map(fn, *operands)

    def place_each(self, blocks: Iterator[Any]) -> tuple[Block, ...]:
        """`place`, one after the other, so that only one of the contents has to be here at a time."""
        return self.place(blocks)

    def sized(self, nbytes: int) -> Executor:  # noqa: ARG002 - what others decide by
        """The executor of a command whose largest value, operand or result, has `nbytes`."""
        return self

    def adopt(self, value: C) -> C:
        """A value with its blocks where they belong; the value itself when they are there."""
        return value


def blocks_of(operands: Sequence[Any]) -> int:
    """How many blocks the operands of a step are cut into.

    Raises
    ------
    ValueError
        When they disagree, which is a mistake of the algorithm.
    """
    counts = {
        len(o) if isinstance(o, Each) else len(o.blocks) for o in operands if isinstance(o, Array | Strings | Each)
    }
    if len(counts) != 1:
        raise ValueError(f"operands are cut into different numbers of blocks: {sorted(counts)}")
    return counts.pop()


def operands_at(operands: Sequence[Any], i: int) -> tuple[Any, ...]:
    """What the operands hand over for block `i`."""
    return tuple(value_of(at_block(o, i)) for o in operands)


def apply_function(fn: Function, dtype: DType, *operands: Any) -> Any:
    """A block, ``fn`` of blocks and scalars."""
    return apply(fn, *operands, dtype=dtype)


def at_block(operand: Any, i: int) -> Any:
    """What an operand hands over for block `i`, a deferred block as it is."""
    if isinstance(operand, Array | Strings):
        return operand.blocks[i]
    return operand.values[i] if isinstance(operand, Each) else operand
