"""Membership of keys of two words that are hashes."""

from __future__ import annotations

import numpy as np
from arkserver_kernels import pairs
from numpy.typing import NDArray

from arkserver.engine import buffers
from arkserver.engine.blocks.moving import full
from arkserver.engine.blocks.views import Bools, plain
from arkserver.engine.threads import threads

Words = NDArray[np.uint64]


def in1d(upper: Words, lower: Words, test_upper: Words, test_lower: Words) -> Bools:
    """Whether each key is among others."""
    table = full(2 << max(4, (2 * len(test_upper)).bit_length()), 0, np.uint64)
    pairs.insert(plain(test_upper), plain(test_lower), table)
    out = buffers.empty(len(upper), np.bool_)
    upper, lower = plain(upper), plain(lower)
    threads().each_chunk(lambda a, b: pairs.contains(upper[a:b], lower[a:b], table, out[a:b]), len(out))
    return out
