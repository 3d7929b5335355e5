"""Helpers that kernels inline: order-preserving codes of 64-bit keys, and bit arithmetic."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver_kernels.policy import inlined


@inlined
def encode(x: np.uint64, negative: np.uint64, flip: np.uint64) -> np.uint64:
    """Code a key's bits so that unsigned order is the order wanted.

    `flip` is inverted in every key (the sign bit, for signed order), `negative` in keys with the sign bit only (all
    other bits, for the order of IEEE floats).
    """
    return (x ^ (np.uint64(np.int64(x) >> np.int64(63)) & negative)) ^ flip


@inlined
def decode(code: np.uint64, negative: np.uint64, flip: np.uint64) -> np.uint64:
    """Invert `encode`."""
    x = code ^ flip
    return x ^ (np.uint64(np.int64(x) >> np.int64(63)) & negative)


@inlined
def bit_length(x: int) -> int:
    """Count the bits that ``x >= 0`` needs."""
    n = 0
    while x > 0:
        x >>= 1
        n += 1
    return n


@inlined
def less(a: Any, b: Any) -> bool:
    """Tell whether `a` sorts before `b`, a nan behind every number."""
    return bool(a < b) or (b != b and a == a)
