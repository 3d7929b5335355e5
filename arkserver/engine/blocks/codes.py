"""Keys as numbers that NumPy compares as the kernels sort: floats by their bits, in the order of IEEE 754."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.engine.blocks.views import Array

_REST = np.int64(2**63 - 1)


def codes(keys: Array) -> Array:
    """Integers in the order of the keys; those of int64, uint64 and uint8 are the keys themselves, not copied."""
    if keys.dtype.kind == "b":
        return keys.view(np.uint8)
    return _flip(keys.view(np.int64)) if keys.dtype.kind == "f" else keys


def keys_of(coded: Array, dtype: np.dtype[Any]) -> Array:
    """The keys of a dtype that have these codes."""
    return _flip(coded).view(dtype) if dtype.kind == "f" else coded.view(dtype)


def _flip(bits: Array) -> Array:
    """Turn all bits but the sign of negative numbers round, which is its own inverse."""
    turned: Array = bits ^ ((bits >> 63) & _REST)
    return turned
