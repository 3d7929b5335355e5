"""What a row of the comparison table is, and the inputs that many rows share.

A row gives our callable, the reference (NumPy or pandas, or plain Python), and a maker of inputs from a random
generator and a size.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Arguments = tuple[Any, ...]
Maker = Callable[[np.random.Generator, int], Iterator[Arguments]]


@dataclass(frozen=True, slots=True)
class Comparison:
    """A function, what it must equal, and on which inputs."""

    ours: Callable[..., Any]
    reference: Callable[..., Any]
    inputs: Maker
    tolerance: float = 0.0
    """Relative; 0 asks for equal bits (any nan equals any nan)."""


def numbers(rng: np.random.Generator, n: int) -> Iterator[Array]:
    """Arrays of every dtype and of the shapes of data that algorithms treat differently."""
    low, high = -(2**63), 2**63 - 1
    yield rng.integers(low, high, n)
    yield rng.integers(0, 2**64 - 1, n, dtype=np.uint64)
    yield rng.integers(-(2**19), 2**19, n)
    yield rng.integers(0, 3, n)
    yield np.full(n, 7)
    yield np.arange(n)
    yield np.arange(n)[::-1].copy()
    yield rng.choice(rng.integers(low, high, 10), n)
    yield rng.choice(np.array([low, low + 1, -1, 0, 1, high]), n)
    yield rng.integers(0, 2**13, n) + (rng.integers(0, 2, n) << 62)
    yield (rng.pareto(0.5, n) * 10).clip(0, 2**60).astype(np.int64)
    yield rng.normal(size=n)
    yield special_floats(rng, n)
    yield rng.integers(0, 256, n, dtype=np.uint8)
    yield rng.random(n) < 0.3


def special_floats(rng: np.random.Generator, n: int) -> Array:
    """Floats with nan, both zeros, both infinities, and few ordinary values."""
    special = np.array([np.nan, 0.0, -0.0, np.inf, -np.inf, 1.0, -1.5, 5e-324, 1e100])
    return rng.choice(special, n)


def each(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    return ((x,) for x in numbers(rng, n))


def codes(x: Array, *, unsigned: bool = False) -> Array:
    """Integers that NumPy sorts as we sort `x`."""
    if x.dtype != np.float64:
        return x
    bits = x.view(np.int64)
    return x.view(np.uint64) if unsigned else np.where(bits < 0, ~bits, bits ^ np.int64(-(2**63))).view(np.uint64)
