"""Random streams: PCG "setseq 64 xsh rr 32" generators with jump-ahead, ganged as Chapel's standard library does.

M. E. O'Neill, "PCG: A Family of Simple Fast Space-Efficient Statistically Good Algorithms for Random Number
Generation" (2014). A stream is known by its seed; draw number k of it is found in O(log k) steps, so any piece of a
stream can be made by itself. Streams of 64-bit draws gang generators 1 and 2, streams of up to 32 bits use generator 1.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import inlined, kernel

U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]

MULTIPLIER = np.uint64(6364136223846793005)
LOW_32 = np.uint64(0xFFFFFFFF)


@inlined
def increment(generator: int) -> np.uint64:
    """The increment of a generator by its number."""
    return (np.uint64(generator) << np.uint64(1)) | np.uint64(1)


@inlined
def at(seed: np.uint64, position: int, step: np.uint64) -> np.uint64:
    """The state of a generator after `position` draws; jumps by powers of two (F. Brown, 1994)."""
    state = (seed + step) * MULTIPLIER + step
    factor, term = MULTIPLIER, step
    left = np.uint64(position)
    while left > np.uint64(0):
        if left & np.uint64(1):
            state = state * factor + term
        term *= factor + np.uint64(1)
        factor *= factor
        left >>= np.uint64(1)
    return state


@inlined
def advance(state: np.uint64, step: np.uint64) -> np.uint64:
    """The next state."""
    return state * MULTIPLIER + step


@inlined
def output(state: np.uint64) -> np.uint64:
    """The 32 bits that a state gives."""
    x = (((state >> np.uint64(18)) ^ state) >> np.uint64(27)) & LOW_32
    turn = state >> np.uint64(59)
    return ((x >> turn) | (x << ((np.uint64(32) - turn) & np.uint64(31)))) & LOW_32


@inlined
def to_unit(word: np.uint64) -> float:
    """64 bits as a float of [0, 1]."""
    return np.float64(word) * 2.0**-64


@inlined
def reduced(draw: np.uint64, seed: np.uint64, position: int, bound: np.uint64, retry: int) -> np.uint64:
    """A draw of 32 bits as an unbiased integer of ``0 .. bound`` (``bound < 2**32``).

    A draw that would bias the result is made again from other generators, `retry`, ``retry + 4`` and so on, at the same
    position; so every element takes one draw of its own stream.
    """
    if bound == LOW_32:
        return draw
    n = bound + np.uint64(1)
    threshold = (np.uint64(1) << np.uint64(32)) % n
    while draw < threshold:
        draw = output(at(seed, position, increment(retry)))
        retry += 4
    return draw % n


@inlined
def bounded_word(a: np.uint64, b: np.uint64, seed: np.uint64, position: int, bound: np.uint64) -> np.uint64:
    """The draws of two generators as an integer of ``0 .. bound``.

    Beyond 32 bits the halves are drawn apart, each up to its half of the bound, as the streams of Chapel do.
    """
    low = reduced(b, seed, position, bound & LOW_32, 102)
    if bound <= LOW_32:
        return low
    return (reduced(a, seed, position, bound >> np.uint64(32), 101) << np.uint64(32)) | low


@kernel("u8 i8 u8[]")
def words(seed: np.uint64, position: int, out: U64) -> None:
    """Draws of 64 bits from draw number `position` on."""
    one, two = increment(1), increment(2)
    a, b = at(seed, position, one), at(seed, position, two)
    for i in range(len(out)):
        out[i] = (output(a) << np.uint64(32)) | output(b)
        a, b = advance(a, one), advance(b, two)


@kernel("u8 i8 u8 u8 u8[]")
def bounded_words(seed: np.uint64, position: int, low: np.uint64, bound: np.uint64, out: U64) -> None:
    """Integers of ``low .. low + bound``, modulo 2**64."""
    one, two = increment(1), increment(2)
    a, b = at(seed, position, one), at(seed, position, two)
    for i in range(len(out)):
        out[i] = low + bounded_word(output(a), output(b), seed, position + i, bound)
        a, b = advance(a, one), advance(b, two)


@kernel("u8 i8 f8 f8 f8[]")
def uniform(seed: np.uint64, position: int, low: float, high: float, out: F64) -> None:
    """Floats of [low, high]: a draw of 64 bits over 2**64, scaled."""
    one, two = increment(1), increment(2)
    a, b = at(seed, position, one), at(seed, position, two)
    for i in range(len(out)):
        out[i] = (high - low) * to_unit((output(a) << np.uint64(32)) | output(b)) + low
        a, b = advance(a, one), advance(b, two)


@kernel("u8 i8 u8 u8 u1[]")
def bounded_bytes(seed: np.uint64, position: int, low: np.uint64, bound: np.uint64, out: NDArray[np.uint8]) -> None:
    """Integers of ``low .. low + bound``, modulo 256, each from one draw of 32 bits."""
    one = increment(1)
    a = at(seed, position, one)
    for i in range(len(out)):
        out[i] = np.uint8((low + reduced(output(a), seed, position + i, bound, 101)) & np.uint64(0xFF))
        a = advance(a, one)


@kernel("u8 i8 b1[]")
def coins(seed: np.uint64, position: int, out: NDArray[np.bool_]) -> None:
    """Fair bools: the top bit of each draw of 32 bits."""
    one = increment(1)
    a = at(seed, position, one)
    for i in range(len(out)):
        out[i] = output(a) >> np.uint64(31) != np.uint64(0)
        a = advance(a, one)


@kernel("f8[] f8[] f8[]")
def box_muller(u: F64, v: F64, out: F64) -> None:
    """Standard normals from two uniforms each (Box and Muller, 1958)."""
    for i in range(len(out)):
        out[i] = np.sqrt(-2 * np.log(u[i])) * np.cos(2 * np.pi * v[i])
