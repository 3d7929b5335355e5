"""Running sums and products of a chunk, and the sum of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, stream_word, word_of
from arkserver_kernels.policy import kernel

Array = NDArray[Any]

LANES = 8
BLOCK = 128


@kernel("f8[]")
def sum_of_numbers(x: NDArray[np.float64]) -> float:
    """Add what is not nan: plainly within blocks, with Neumaier's compensation between them."""
    total = rest = 0.0
    for block in range(0, len(x), BLOCK):
        part = 0.0
        for i in range(block, min(block + BLOCK, len(x))):
            part += x[i] if x[i] == x[i] else 0.0
        new = total + part
        rest += (total - new) + part if abs(total) >= abs(part) else (part - new) + total
        total = new
    return total + rest if np.isfinite(total) else total


@kernel("T[] T T[]", "b1[] i8 i8[]", T="i8 u8 f8")
def sums(x: Array, carry: Any, out: Array) -> None:
    """``out = carry + cumsum(x)``."""
    target = address_of(out)
    for i in range(len(x)):
        carry += x[i]
        stream_word(target + 8 * i, word_of(carry))


@kernel("T[] T T[]", "b1[] i8 i8[]", T="i8 u8 f8")
def products(x: Array, carry: Any, out: Array) -> None:
    """``out = carry * cumprod(x)``."""
    for i in range(len(x)):
        carry *= x[i]
        out[i] = carry
