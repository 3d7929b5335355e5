"""From a decimal number ``w * 10**q`` to the nearest float64.

D. Lemire, "Number parsing at a gigabyte per second" (2021): the product of `w` and a power of five, kept to 128 bits,
tells the nearest float but for very few numbers.
"""

from __future__ import annotations

import numpy as np

from arkserver_kernels.bits import leading_zeros, load_byte, upper_product
from arkserver_kernels.policy import inlined

LEAST, GREATEST = -342, 308
"""powers of ten beyond which every number of 19 digits is 0 or infinite"""

UNDECIDED = np.uint64(2**64 - 1)
"""no float's bits here; the number is too large, too small for all 53 bits, or between two floats as far as is known"""

# From here down a reciprocal is cut off; above, where the power fits a word, it is rounded up.
CUT_OFF = -27

MOST_DIGITS = 19
"""whatever they are, they fit 64 bits"""


def _five_to(q: int) -> int:
    """The upper 128 bits of ``5**q``, the first of them 1."""
    power: int = 5 ** abs(q)
    if q < 0:
        return (1 << (power.bit_length() + 127)) // power + (q >= CUT_OFF)
    excess = power.bit_length() - 128
    return power >> excess if excess > 0 else power << -excess


_FIVES = [_five_to(q) for q in range(LEAST, GREATEST + 1)]
UPPER = np.array([five >> 64 for five in _FIVES], np.uint64)
LOWER = np.array([five & (2**64 - 1) for five in _FIVES], np.uint64)


@inlined
def scaled(w: np.uint64, q: int) -> tuple[np.uint64, np.uint64]:
    """The upper and lower words of the product of `w`, whose first bit is 1, and ``5**q``, as far as they matter."""
    lower, upper = w * UPPER[q - LEAST], upper_product(w, UPPER[q - LEAST])
    if upper & np.uint64(0x1FF) == np.uint64(0x1FF):  # what is left out could carry into the bits that are kept
        more = upper_product(w, LOWER[q - LEAST])
        lower += more
        upper += np.uint64(lower < more)
    return upper, lower


@inlined
def nearest(w: np.uint64, q: int) -> np.uint64:
    """The bits of the float64 nearest to ``w * 10**q``, ties to even, or `UNDECIDED`."""
    if w == np.uint64(0):
        return np.uint64(0)
    if q < LEAST or q > GREATEST:
        return UNDECIDED
    zeros = leading_zeros(w)
    upper, lower = scaled(w << zeros, q)
    top = upper >> np.uint64(63)
    shift = top + np.uint64(9)
    kept = upper >> shift  # 53 bits and one to round by
    exponent = ((217706 * q) >> 16) + np.int64(top) - np.int64(zeros) + 1086
    if lower == UNDECIDED or exponent <= 0 or exponent >= 2046:
        return UNDECIDED
    is_tie = lower <= np.uint64(1) and kept & np.uint64(3) == np.uint64(1) and kept << shift == upper
    if not (is_tie and -4 <= q <= 23):
        kept += kept & np.uint64(1)
    # A mantissa that is rounded up to the next power of two counts the exponent up by its carry.
    return (np.uint64(exponent - 1) << np.uint64(52)) + (kept >> np.uint64(1))


@inlined
def exponent_at(base: int, start: int, stop: int) -> tuple[int, bool]:
    """The number behind an ``e``, and whether it is one."""
    sign = load_byte(base + start) if start < stop else np.uint64(0)
    negative = sign == np.uint64(45)
    first = start + (1 if negative or sign == np.uint64(43) else 0)
    value = np.int64(0)
    for i in range(first, stop):
        digit = load_byte(base + i) - np.uint64(48)
        if digit > np.uint64(9):
            return 0, False
        value = 10 * value + np.int64(digit)
    return int(-value if negative else value), 0 < stop - first < 5


@inlined
def decimal_at(base: int, start: int, stop: int) -> tuple[np.uint64, int, bool]:
    """``w`` and ``q`` of the number that bytes spell without a sign, and whether they spell one of few digits."""
    w, digits, point, i = np.uint64(0), 0, -1, start
    while i < stop:
        byte = load_byte(base + i)
        digit = byte - np.uint64(48)
        if digit <= np.uint64(9):
            w = w * np.uint64(10) + digit
            digits += w != np.uint64(0)
        elif byte == np.uint64(46) and point < 0:
            point = i
        else:
            break
        i += 1
    q = point + 1 - i if point >= 0 else 0
    good = digits <= MOST_DIGITS and i - start > (point >= 0)
    if i == stop:
        return w, q, good
    power, is_number = exponent_at(base, i + 1, stop)
    is_e = load_byte(base + i) | np.uint64(32) == np.uint64(101)
    return w, q + power, good and is_e and is_number
