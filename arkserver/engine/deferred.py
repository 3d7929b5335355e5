"""Elementwise results that are computed when somebody needs their values.

``a + 3.0 * b`` comes as two commands. Computed one after the other they pass over the memory twice, and on workers they
are two tasks a block; as one chain, once and one. So the blocks of a large elementwise result are `Deferred` at first.
A next elementwise function takes them into its own chain, anything else has them computed, all of a result together.
Nobody can tell:

* before a block is changed in place, what was to be computed from it is computed (`settle`);
* a block counts in the memory accounts as long as it lives, whether its symbol does or not (`when_gone`), and a
  deferred one from the beginning, as if it had been computed;
* what a second command needs is computed for good, so that nothing is computed more than twice;
* an error carries the name of the command that wanted what failed, not of the one that needed it first.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from arkserver.engine import progress
from arkserver.engine.blocks.chains import Chain
from arkserver.engine.blocks.elementwise import Function

# More in one chain keep too many buffers in the cache.
MOST_FUNCTIONS = 6

Calls = Sequence[tuple[Any, ...]]
"""Block by block what a function is called with: blocks, and scalars that are the same for all."""

Run = Callable[[Chain, Calls], Sequence[Any]]
"""An executor's way to make new blocks by an elementwise function."""

_waiting: weakref.WeakSet[Step] = weakref.WeakSet()
_lock = threading.RLock()
"""of the set; memory that is freed meanwhile may look into it on the same thread"""


class Step:
    """The blocks of one elementwise result, which are computed together; safe to use from several threads.

    It lives as long as one of its blocks waits.

    Parameters
    ----------
    run : callable
    chain : Chain
    calls : sequence
        The operands of the chain: blocks that are known, and scalars.
    """

    __slots__ = ("__weakref__", "_blocks", "_chain", "_lock", "_reads", "_run", "_taken", "calls")

    def __init__(self, run: Run, chain: Chain, calls: Calls) -> None:
        self.calls = calls
        """empty once the blocks are computed"""
        self._run = run
        self._chain = chain
        self._reads = frozenset(id(operand) for call in calls for operand in call)
        self._taken = False
        self._lock = threading.RLock()
        self._blocks: tuple[weakref.ref[Deferred], ...] = ()

    def blocks(self) -> tuple[Deferred, ...]:
        """Make the blocks, which wait from now on."""
        made = tuple(Deferred(self, i) for i in range(len(self.calls)))
        self._blocks = tuple(map(weakref.ref, made))
        with _lock:
            _waiting.add(self)
        return made

    def compute(self) -> None:
        """Compute the blocks, unless they are known. Cancelled half way they stay as they were."""
        with self._lock:
            if not self.calls:
                return
            with progress.on_behalf_of(self._chain.command):
                found = self._run(self._chain, self.calls)
            for wanted, value in zip(self._blocks, found, strict=True):
                if (block := wanted()) is not None:
                    block.become(value)
            self.calls, self._blocks = (), ()
            with _lock:
                _waiting.discard(self)

    def reads(self, block: Any) -> bool:
        """Whether a block is to be computed from `block`; for steps that wait."""
        return id(block) in self._reads

    def take(self, blocks: Sequence[Any]) -> tuple[Chain, list[tuple[Any, ...]]] | None:
        """The chain and, block by block, each of its operands: for the first who asks, if it is not too long.

        None for others, and when `blocks` are not all of the step's.
        """
        with self._lock:
            whole = [id(b()) for b in self._blocks] == [id(b) for b in blocks]
            if not whole or self._taken or self._chain.length >= MOST_FUNCTIONS:
                return None
            self._taken = True
            return self._chain, list(zip(*self.calls, strict=True))


class Deferred:
    """A block that is to be computed, or was."""

    __slots__ = ("__weakref__", "_i", "_step", "_value")

    def __init__(self, step: Step, i: int) -> None:
        self._step: Step | None = step
        self._i = i
        self._value: Any = None

    def value(self) -> Any:
        """The block that it stands for."""
        if (step := self._step) is not None:
            step.compute()
        return self._value

    def become(self, value: Any) -> None:
        """Stand for a block that is known."""
        self._value = value
        self._step = None

    @property
    def step(self) -> Step | None:
        """What makes it; None once it is known."""
        return self._step

    @property
    def known(self) -> Any:
        """The block that it stands for if that has been computed."""
        return self._value

    def sources(self) -> tuple[Any, ...]:
        """What it is to be computed from, or the block that it stands for."""
        calls = step.calls if (step := self._step) is not None else ()
        return calls[self._i] if calls else (self._value,)


def defer(run: Run, fn: Function, dtype: np.dtype[Any], calls: Calls) -> tuple[Deferred, ...]:
    """Blocks that will be ``fn`` of arrays' blocks, which may be deferred themselves, and scalars."""
    chains: list[Chain | None] = []
    columns: list[tuple[Any, ...]] = []
    for column in zip(*calls, strict=True):
        step = column[0].step if isinstance(column[0], Deferred) else None
        taken = step.take(column) if step is not None else None
        chain, parts = (None, [tuple(map(value_of, column))]) if taken is None else taken
        chains.append(chain)
        columns += parts
    chain = Chain(fn, dtype, tuple(chains), progress.command())
    return Step(run, chain, list(zip(*columns, strict=True))).blocks()


def value_of(block: Any) -> Any:
    """The block that a deferred one stands for; any other as it is."""
    return block.value() if isinstance(block, Deferred) else block


def sources_of(block: Any) -> tuple[Any, ...]:
    """What a deferred block is to be computed from; any other block itself."""
    return block.sources() if isinstance(block, Deferred) else (block,)


def settle(blocks: Iterable[Any]) -> list[Any]:
    """Blocks which are about to change, when all is computed that waits to be computed from them."""
    present = [value_of(b) for b in blocks]
    for block in present:
        for step in _readers(block):
            step.compute()
    return present


def when_gone(blocks: Sequence[Any], then: Callable[[], object]) -> None:
    """Call `then` when none of `blocks`, which their owner lets go of, is waited for any more; at once, as a rule."""
    for i, block in enumerate(blocks):
        contents = block.known if isinstance(block, Deferred) else block
        if contents is not None and _readers(contents):
            weakref.finalize(contents, when_gone, blocks[i + 1 :], then).atexit = False
            return
    then()


def _readers(block: Any) -> list[Step]:
    if not _waiting:
        return []
    with _lock:
        return [step for step in _waiting if step.reads(block)]
