"""What NumPy does not have, or has otherwise: functions for `elementwise.apply`.

The rules of the operators are chapter 9.1 of the protocol. Operands are converted to the dtype of `out`, which may be
one of them: all that is needed of the operands is read before `out` is written.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from arkserver_kernels import fused, moving
from numpy.typing import NDArray

from arkserver.engine.blocks.views import plain, raw

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


def add_product(a: Any, b: Any, c: Any, out: Out) -> None:
    """``a + b * c`` in float64, the product rounded before it is added; at least one of them is an array."""
    arrays = [plain(x.reshape(-1)) for x in (a, b, c) if isinstance(x, np.ndarray) and x.dtype == np.float64]
    factor = next((x for x in (b, c) if isinstance(x, float)), None)
    if len(arrays) == 3:
        fused.add_product(arrays[0], arrays[1], arrays[2], out.reshape(-1))
    elif len(arrays) == 2 and factor is not None:
        fused.add_multiple(arrays[0], factor, arrays[1], out.reshape(-1))
    else:
        np.multiply(b, c, out=out)
        np.add(a, out, out=out)


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


def population(x: Any, out: Out) -> None:
    """The number of ones among the 64 bits."""
    np.bitwise_count(_bits(x), out=out)


def parity(x: Any, out: Out) -> None:
    """1 where the number of ones is odd, else 0."""
    np.bitwise_count(_bits(x), out=out)
    np.bitwise_and(out, out.dtype.type(1), out=out)


def leading_zeros(x: Any, out: Out) -> None:
    """The zeros above the highest one; 64 for 0."""
    filled = _bits(x)
    for step in (1, 2, 4, 8, 16, 32):
        filled = filled | filled >> np.uint64(step)
    np.bitwise_count(~filled, out=out)


def trailing_zeros(x: Any, out: Out) -> None:
    """The zeros below the lowest one; 0 for 0."""
    bits = _bits(x)
    np.bitwise_count((bits & -bits) - np.uint64(1), out=out)
    np.copyto(out, 0, where=bits == 0)


def _bits(x: Any) -> NDArray[np.uint64]:
    words: NDArray[np.uint64] = x.view(np.uint64)
    return words


def round_half_even(decimals: int, x: Any, out: Out) -> None:
    """Round to `decimals` (negative: tens, hundreds, ...), halves to even."""
    np.round(x, decimals, out=out)


def select(condition: Any, a: Any, b: Any, out: Out) -> None:
    """`a` where the condition holds, else `b`, both converted as C converts."""
    flat = out.reshape(-1)
    moving.select(plain(condition.reshape(-1)), _spread(a, flat), _spread(b, flat), raw(flat))


def _spread(x: Any, like: Out) -> Out:
    """The bits of an array or a scalar, in the dtype and the length of `like`."""
    if isinstance(x, np.ndarray):
        return raw(x.reshape(-1).astype(like.dtype, copy=False))
    return raw(np.full(len(like), x).astype(like.dtype, copy=False))


def convert(x: Any, out: Out) -> None:
    """`x` in the dtype of `out`, converted as C converts: reals are cut, integers wrap, what is not 0 is true."""
    np.copyto(out, x, casting="unsafe")


def float_bits(x: Any, out: Out) -> None:
    """The bits of float64 as words."""
    np.copyto(out, x.view(out.dtype))


def unit(nanoseconds: int, count: int | None, x: Any, out: Out) -> None:
    """How many whole units of `nanoseconds` there are in `x`, modulo `count`; before the epoch as after it."""
    np.floor_divide(x, nanoseconds, out=out)
    if count is not None:
        np.remainder(out, count, out=out)
