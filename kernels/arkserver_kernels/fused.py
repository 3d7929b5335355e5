"""Chains of operators that come often, in one pass without anything in between.

What they make is large and is written past the caches, which need not load the lines first: three transfers, not four.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, stream_word, word_of
from arkserver_kernels.policy import kernel

Floats = NDArray[np.float64]


@kernel("f8[] f8[] f8[] f8[]")
def add_product(a: Floats, b: Floats, c: Floats, out: Floats) -> None:
    """``out = a + b * c``, rounded after each operator, as one after the other they are."""
    target = address_of(out)
    for i in range(len(out)):
        stream_word(target + 8 * i, word_of(a[i] + b[i] * c[i]))


@kernel("f8[] f8 f8[] f8[]")
def add_multiple(a: Floats, factor: float, b: Floats, out: Floats) -> None:
    """``out = a + factor * b``, rounded after each operator."""
    target = address_of(out)
    for i in range(len(out)):
        stream_word(target + 8 * i, word_of(a[i] + factor * b[i]))
