"""Chains of operators that come often, in one pass without anything in between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

Floats = NDArray[np.float64]


@kernel("f8[] f8[] f8[] f8[]")
def add_product(a: Floats, b: Floats, c: Floats, out: Floats) -> None:
    """``out = a + b * c``, rounded after each operator, as one after the other they are."""
    for i in range(len(out)):
        out[i] = a[i] + b[i] * c[i]


@kernel("f8[] f8 f8[] f8[]")
def add_multiple(a: Floats, factor: float, b: Floats, out: Floats) -> None:
    """``out = a + factor * b``, rounded after each operator."""
    for i in range(len(out)):
        out[i] = a[i] + factor * b[i]
