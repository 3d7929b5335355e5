"""Elementwise results that are computed when somebody needs their values.

``a + 3.0 * b`` comes as two commands. Computed one after the other they pass over the memory twice; as one chain, once.
So a large elementwise result is a `Deferred` block at first. A next elementwise function takes it into its own chain,
anything else has it computed. Nobody can tell:

* before a block is changed in place, what was to be computed from it is computed (`settle`);
* a block counts in the memory accounts as long as it lives, whether its symbol does or not (`when_gone`), and a
  deferred one from the beginning, as if it had been computed;
* what a second command needs is computed for good, so that nothing is computed more than twice.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks.chains import Chain
from arkserver.engine.blocks.elementwise import Function, apply

# More in one chain keep too many buffers in the cache.
MOST_FUNCTIONS = 6

_waiting: weakref.WeakSet[Deferred] = weakref.WeakSet()
_lock = threading.RLock()
"""of the set; memory that is freed meanwhile may look into it on the same thread"""


class Deferred:
    """A block that is to be computed; safe to use from several threads.

    Parameters
    ----------
    chain : Chain
    operands : tuple of ndarray or scalar
        Of the chain; at least one array, all of one shape.
    """

    __slots__ = ("__weakref__", "_chain", "_lock", "_operands", "_taken", "_value")

    def __init__(self, chain: Chain, operands: tuple[Any, ...]) -> None:
        self._chain = chain
        self._operands = operands
        self._value: NDArray[Any] | None = None
        self._taken = False
        self._lock = threading.RLock()
        with _lock:
            _waiting.add(self)

    def value(self) -> NDArray[Any]:
        """The contents. Cancelled half way it stays as it was."""
        with self._lock:
            if self._value is None:
                self._value = apply(self._chain, *self._operands, dtype=self._chain.dtype)
                self._operands = ()
                with _lock:
                    _waiting.discard(self)
            return self._value

    @property
    def known(self) -> NDArray[Any] | None:
        """The contents if they have been computed."""
        return self._value

    def reads(self, block: NDArray[Any]) -> bool:
        """Whether it is to be computed from `block`."""
        return any(o is block for o in self._operands)

    def take(self) -> tuple[Chain | None, tuple[Any, ...]]:
        """The chain and its operands for the first who asks, if it is not too long; for others the contents."""
        with self._lock:
            if self._value is None and not self._taken and self._chain.length < MOST_FUNCTIONS:
                self._taken = True
                return self._chain, self._operands
            return None, (self.value(),)


def defer(fn: Function, dtype: np.dtype[Any], *operands: Any) -> Deferred:
    """A block that will be ``fn`` of arrays, deferred blocks and scalars."""
    chains: list[Chain | None] = []
    flat: list[Any] = []
    for operand in operands:
        chain, parts = operand.take() if isinstance(operand, Deferred) else (None, (operand,))
        chains.append(chain)
        flat += parts
    return Deferred(Chain(fn, dtype, tuple(chains)), tuple(flat))


def value_of(block: Any) -> Any:
    """The contents of a block that may be deferred."""
    return block.value() if isinstance(block, Deferred) else block


def settle(block: NDArray[Any]) -> None:
    """Compute what waits to be computed from `block`, which is about to change."""
    for one in _readers(block):
        one.value()


def when_gone(blocks: Sequence[Any], then: Callable[[], object]) -> None:
    """Call `then` when none of `blocks`, which their owner lets go of, is waited for any more; at once, as a rule."""
    for i, block in enumerate(blocks):
        contents = block.known if isinstance(block, Deferred) else block
        if isinstance(contents, np.ndarray) and _readers(contents):
            weakref.finalize(contents, when_gone, blocks[i + 1 :], then).atexit = False
            return
    then()


def _readers(block: NDArray[Any]) -> list[Deferred]:
    if not _waiting:
        return []
    with _lock:
        return [one for one in _waiting if one.reads(block)]
