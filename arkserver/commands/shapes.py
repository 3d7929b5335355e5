"""Shapes as requests give them."""

from __future__ import annotations

import math

from arkserver.errors import ArgumentError

# NumPy counts the bytes of an array, had none of its axes length 0, with 63 bits.
MOST = 1 << 58


def checked(shape: tuple[int, ...]) -> tuple[int, ...]:
    """A shape that an array can have.

    Raises
    ------
    ArgumentError
        If a length is negative, or there would be too many elements to be counted.
    """
    if min(shape, default=0) < 0 or math.prod(n for n in shape if n) > MOST:
        raise ArgumentError(
            f"{list(shape)} is no shape of an array; give lengths of at least 0, {MOST} elements at most"
        )
    return shape
