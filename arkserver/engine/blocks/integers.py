"""Python integers: what one pair of them gives, and how blocks of them (dtype object) are gone through.

The integer functions are those of chapter 9.2 of the protocol. Powers and shifts whose result would be larger than
`MAX_RESULT_BITS` are refused, as one element could otherwise take all memory.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.errors import ArgumentError

Out = NDArray[Any]

MAX_RESULT_BITS = 1 << 26
WORD = (1 << 64) - 1


def floor_divide(a: int, b: int) -> int:
    """Rounded down; 0 for the divisor 0."""
    return a // b if b else 0


def truncated_divide(a: int, b: int) -> int:
    """Rounded toward zero; 0 for the divisor 0."""
    if not b:
        return 0
    quotient = abs(a) // abs(b)
    return quotient if (a < 0) == (b < 0) else -quotient


def modulo(a: int, b: int) -> int:
    """The remainder with the sign of the divisor; 0 for the divisor 0."""
    return a % b if b else 0


def power(a: int, b: int) -> int:
    """``a ** b`` for ``b >= 0``."""
    if abs(a) > 1:
        _check_size(a.bit_length() * b)
    return int(a**b)


def power_modulo(modulus: int, a: int, b: int) -> int:
    """``a ** b`` modulo `modulus`, for ``b >= 0``."""
    return pow(a, b, modulus)


def left_shift(a: int, count: int) -> int:
    """``a * 2 ** count``; a negative count shifts to the right."""
    if count < 0:
        return a >> -count
    if a:
        _check_size(a.bit_length() + count)
    return a << count if a else 0


def right_shift(a: int, count: int) -> int:
    """``a / 2 ** count`` rounded down; a negative count shifts to the left."""
    return left_shift(a, -count)


def bounded_shift(shift: Callable[[int, int], int], max_bits: int, a: int, count: int) -> int:
    """A shift of words of `max_bits` bits: counts from `max_bits` on give 0."""
    return 0 if count >= max_bits else shift(a, count)


def rotate_left(max_bits: int, a: int, count: int) -> int:
    """The bits of a word of `max_bits` moved up by `count` modulo `max_bits`."""
    count %= max_bits
    return (a << count) + (a >> (max_bits - count))


def rotate_right(max_bits: int, a: int, count: int) -> int:
    """The bits of a word of `max_bits` moved down by `count` modulo `max_bits`."""
    count %= max_bits
    return (a >> count) + (a << (max_bits - count))


def _check_size(bits: int) -> None:
    if bits > MAX_RESULT_BITS:
        raise ArgumentError(
            f"an element of the result would have about {bits} bits, the largest allowed is {MAX_RESULT_BITS}; "
            "set max_bits to compute modulo 2**max_bits"
        )


def as_integers(x: Any) -> Any:
    """A block or scalar of any integer dtype as Python integers, those of bool as 0 and 1."""
    if not isinstance(x, np.ndarray):
        return int(x)
    return x if x.dtype.hasobject else (x.astype(np.int64) if x.dtype.kind == "b" else x).astype(object)


def as_floats(x: Any) -> Any:
    """A block of any dtype as float64; what is too large becomes infinite."""
    return x.astype(np.float64) if not x.dtype.hasobject else np.asarray(_as_float(x), np.float64)


def _float(value: int) -> float:
    try:
        return float(value)
    except OverflowError:
        return np.inf if value > 0 else -np.inf


_as_float = np.frompyfunc(_float, 1, 1)


def each(fn: Callable[..., int], mask: int | None, *operands: Any, out: Out) -> None:
    """``out = fn(*operands) & mask`` on integers (no mask: None)."""
    out[...] = np.frompyfunc(fn, len(operands), 1)(*map(as_integers, operands))
    if mask is not None:
        out[...] = np.frompyfunc(operator.and_, 2, 1)(out, mask)


def compare(ufunc: np.ufunc, a: Any, b: Any, out: Out) -> None:
    """Compare exactly what may be integers on one side and floats on the other."""
    ufunc(_exact(a), _exact(b), out=out, signature="OO->?")


def _exact(x: Any) -> Any:
    return x.astype(object) if isinstance(x, np.ndarray | np.generic) and x.dtype.kind == "f" else as_integers(x)


def real(fn: Callable[..., Any], a: Any, b: Any, out: Out) -> None:
    """``fn`` of both operands as float64."""
    fn(as_floats(a), as_floats(b), out=out)


def keep(mask: int | None, x: Any, out: Out) -> None:
    """Any integer dtype as Python integers, and-ed with `mask`."""
    each(int, mask, x, out=out)


def from_floats(mask: int | None, x: Any, out: Out) -> None:
    """Finite floats cut to integers."""
    each(int, mask, np.trunc(x).astype(object), out=out)


def from_limbs(mask: int | None, *limbs: Any, out: Out) -> None:
    """Integers from words of 64 bits, the most significant first; that one may be signed."""
    each(_joined, mask, *limbs, out=out)


def _joined(*limbs: int) -> int:
    value = limbs[0]
    for limb in limbs[1:]:
        value = value << 64 | limb
    return value


def limb(position: int, x: Any, out: Out) -> None:
    """The words at `position` of two's complement, counted from the least significant."""
    out[...] = np.frompyfunc(lambda value: value >> 64 * position & WORD, 1, 1)(x)


def wrapped(x: Any, out: Out) -> None:
    """Integers in a native integer dtype, modulo its width."""
    words = np.empty(x.shape, np.uint64)
    limb(0, x, words)
    np.copyto(out, words, casting="unsafe")


def to_floats(x: Any, out: Out) -> None:
    """Integers as the nearest float64, or infinite."""
    out[...] = as_floats(x)


def most_bits(block: NDArray[Any]) -> int:
    """The bits of the largest element, without its sign."""
    return max(((v if v >= 0 else ~v).bit_length() for v in block.ravel().tolist()), default=0)


def footprint(block: NDArray[Any]) -> int:
    """Bytes of all elements as the protocol counts them: 24 for each, and 8 for each of its words."""
    return sum(24 + 8 * max(1, -(-abs(v).bit_length() // 64)) for v in block.ravel().tolist())
