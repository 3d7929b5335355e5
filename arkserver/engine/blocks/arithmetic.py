"""Arithmetic that NumPy does not have, or has otherwise: functions for `elementwise.apply`.

The rules are chapter 9.1 of the protocol. Operands are converted to the dtype of `out`, which may be one of them: all
that is needed of the operands is read before `out` is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Out = NDArray[Any]

_WORDS: dict[int, Any] = {1: np.uint8, 8: np.uint64}


def zeros(_a: Any, _b: Any, out: Out) -> None:
    """0, whatever the operands: the remainder of bools."""
    out[...] = 0


def truncated_divide(a: Any, b: Any, out: Out) -> None:
    """Integer division rounding toward zero, 0 for the divisor 0."""
    rounded_down = (np.fmod(a, b) != 0) & ((a < 0) != (b < 0))
    np.floor_divide(a, b, out=out)
    np.add(out, rounded_down, out=out)


def right_shift(a: Any, b: Any, out: Out) -> None:
    """``a >> b``, arithmetic for signed words, 0 for counts outside of the word."""
    count = np.asarray(b, out.dtype)
    outside = (count < 0) | (count >= 8 * out.itemsize)
    np.right_shift(a, count, out=out, dtype=out.dtype)
    np.copyto(out, 0, where=outside)


def rotate_left(a: Any, b: Any, out: Out) -> None:
    """The bits of `a` moved up by `b` positions; what falls out comes in below."""
    _rotate(a, b, out, np.left_shift, np.right_shift)


def rotate_right(a: Any, b: Any, out: Out) -> None:
    """The bits of `a` moved down by `b` positions; what falls out comes in above."""
    _rotate(a, b, out, np.right_shift, np.left_shift)


def _rotate(a: Any, b: Any, out: Out, there: np.ufunc, back: np.ufunc) -> None:
    word = _WORDS[out.itemsize]
    bits, count = np.asarray(a, out.dtype).view(word), np.asarray(b, out.dtype).view(word)
    last = word(8 * out.itemsize - 1)
    np.bitwise_or(there(bits, count & last), back(bits, -count & last), out=out.view(word))
