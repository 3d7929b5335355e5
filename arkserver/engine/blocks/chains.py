"""Several functions of each element in one pass: what lies between them stays in the cache."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import arithmetic
from arkserver.engine.blocks.elementwise import PIECE, Function


@dataclass(frozen=True, slots=True)
class Chain:
    """A function whose operands are operands of the chain or the results of chains; itself an elementwise `Function`.

    It is called with its operands in the order in which they stand, those of a nested chain in that one's place.
    """

    function: Function
    dtype: np.dtype[Any]
    """of the result"""
    operands: tuple[Chain | None, ...]
    """None for an operand of this chain"""
    command: str = field(default="", compare=False)
    """which asked for the function; an error carries it"""

    @property
    def length(self) -> int:
        """How many functions there are."""
        return 1 + sum(c.length for c in self.operands if c is not None)

    def __call__(self, *operands: Any, out: NDArray[Any]) -> None:
        """Compute the elements of one piece, at most `PIECE`."""
        self._compute(iter(operands), out, 0)

    def _compute(self, operands: Iterator[Any], out: NDArray[Any], used: int) -> None:
        if self in _SUMS_OF_A_PRODUCT:
            x, y, z = islice(operands, 3)
            a, b, c = (x, y, z) if self.operands[0] is None else (z, x, y)
            arithmetic.add_product(a, b, c, out)
            return
        ready = []
        for chain in self.operands:
            if chain is None:
                ready.append(next(operands))
                continue
            between = _scratch(used, out.shape, chain.dtype)
            chain._compute(operands, between, used + 1)
            used += 1
            ready.append(between)
        try:
            self.function(*ready, out=out)
        except Exception as e:
            e.__dict__.setdefault("command", self.command)
            raise


_FLOAT = np.dtype(np.float64)
_PRODUCT = Chain(np.multiply, _FLOAT, (None, None))
_SUMS_OF_A_PRODUCT = [Chain(np.add, _FLOAT, o) for o in ((None, _PRODUCT), (_PRODUCT, None))]
"""what has a kernel of its own, a seventh faster than two functions on pieces in the cache"""

_own = threading.local()


def _scratch(number: int, shape: tuple[int, ...], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Memory of this thread, the same for the same `number`: it is in the cache already."""
    kept: list[NDArray[np.uint8]] = _own.__dict__.setdefault("kept", [])
    while len(kept) <= number:
        kept.append(np.empty(PIECE * 8, np.uint8))
    count = int(np.prod(shape, dtype=np.int64))
    return kept[number][: count * dtype.itemsize].view(dtype).reshape(shape)
