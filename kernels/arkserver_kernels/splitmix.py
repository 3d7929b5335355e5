"""The stateless random words of splitmix64 (Steele, Lea, Flood, 2014)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import inlined, kernel


@inlined
def mix(x: np.uint64) -> np.uint64:
    """The generator's finaliser of ``x + golden ratio``."""
    x += np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


@kernel("u8 i8 u8[]")
def words(key: np.uint64, start: int, out: NDArray[np.uint64]) -> None:
    """``mix((start + i) ^ mix(key))``."""
    mixed = mix(key)
    for i in range(len(out)):
        out[i] = mix(np.uint64(start + i) ^ mixed)
