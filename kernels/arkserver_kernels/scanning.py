"""Running sums and products of a chunk, and the sum of its numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, stream_word, word_of
from arkserver_kernels.policy import kernel

Array = NDArray[Any]
Floats = NDArray[np.float64]

LANES = 8
BLOCK = 128


@kernel("f8[]")
def sum_of_numbers(x: Floats) -> float:
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


@kernel("f8[] f8 f8[]")
def sums_by_four(x: Floats, carry: float, out: Floats) -> None:
    """`sums`, but four numbers are added before they are added to what came before.

    Who adds in turn waits at each number for the last addition, twice as long as the memory takes.
    """
    target, whole = address_of(out), len(x) // 4 * 4
    for i in range(0, whole, 4):
        one = x[i]
        two = one + x[i + 1]
        three = two + x[i + 2]
        place: Any = target + 8 * i
        stream_word(place, word_of(carry + one))
        stream_word(place + 8, word_of(carry + two))
        stream_word(place + 16, word_of(carry + three))
        carry += three + x[i + 3]
        stream_word(place + 24, word_of(carry))
    for i in range(whole, len(x)):
        carry += x[i]
        stream_word(target + 8 * i, word_of(carry))


@kernel("T[] T T[]", "b1[] i8 i8[]", T="i8 u8 f8")
def products(x: Array, carry: Any, out: Array) -> None:
    """``out = carry * cumprod(x)``."""
    for i in range(len(x)):
        carry *= x[i]
        out[i] = carry
