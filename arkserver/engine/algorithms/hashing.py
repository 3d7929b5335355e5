"""SipHash of numbers (chapter 9.6 of the protocol)."""

from __future__ import annotations

import numpy as np

from arkserver.engine.blocks import text
from arkserver.engine.executor import Executor
from arkserver.engine.layout import array_of
from arkserver.engine.values import Array

UINT64 = np.dtype(np.uint64)


def hash64(ex: Executor, x: Array) -> Array:
    """A 64-bit hash of each element of a 1-D array of 8-byte elements."""
    return array_of(ex.map(text.hash_words64, x), x, UINT64)


def hash128(ex: Executor, x: Array) -> tuple[Array, Array]:
    """Upper and lower words of a 128-bit hash of each element of a 1-D array of 8-byte elements."""
    upper, lower = ex.map_parts(2, text.hash_words, x)
    return array_of(upper, x, UINT64), array_of(lower, x, UINT64)
