"""Numbers of a distribution, one after the other from one stream: how many draws each takes depends on the draws.

Every kernel starts the streams of its seed anew. A parameter is an array with one value for all (then its step is 0)
or one for each (step 1).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels import ziggurat
from arkserver_kernels.policy import inlined, kernel
from arkserver_kernels.streams import advance, at, output, to_unit

F64 = NDArray[np.float64]

# Numba freezes module globals into the compiled code.
K_NORMAL, W_NORMAL, F_NORMAL = ziggurat.K_NORMAL, ziggurat.W_NORMAL, ziggurat.F_NORMAL
K_EXPONENTIAL, W_EXPONENTIAL = ziggurat.K_EXPONENTIAL, ziggurat.W_EXPONENTIAL
F_EXPONENTIAL = ziggurat.F_EXPONENTIAL
NORMAL_EDGE, EXPONENTIAL_EDGE = ziggurat.NORMAL_EDGE, ziggurat.EXPONENTIAL_EDGE

ONE, TWO = np.uint64(3), np.uint64(5)
"""increments of the two generators of a stream"""


@inlined
def word(a: np.uint64, b: np.uint64) -> tuple[np.uint64, np.uint64, np.uint64]:
    """The 64 bits of a stream's state, and the next state."""
    return (output(a) << np.uint64(32)) | output(b), advance(a, ONE), advance(b, TWO)


@inlined
def unit(a: np.uint64, b: np.uint64) -> tuple[float, np.uint64, np.uint64]:
    """A float of [0, 1], and the next state."""
    bits, a, b = word(a, b)
    return to_unit(bits), a, b


@inlined
def normal_tail(a: np.uint64, b: np.uint64) -> tuple[float, np.uint64, np.uint64]:
    """How far beyond `NORMAL_EDGE` a normal number is (G. Marsaglia, 1964)."""
    while True:
        u, a, b = unit(a, b)
        v, a, b = unit(a, b)
        x, y = -np.log1p(-u) / NORMAL_EDGE, -np.log1p(-v)
        if y + y > x * x:
            return x, a, b


@kernel("u8 f8[]")
def normal(seed: np.uint64, out: F64) -> None:
    """Standard normals by the ziggurat method; words and floats are drawn from two streams of one seed."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    c, d = a, b
    for i in range(len(out)):
        while True:
            bits, a, b = word(a, b)
            layer = bits & np.uint64(0xFF)
            whole = (bits >> np.uint64(9)) & np.uint64(0x000FFFFFFFFFFFFF)
            x = whole * W_NORMAL[layer]
            if bits & np.uint64(0x100):
                x = -x
            if whole < K_NORMAL[layer]:
                break
            if layer == np.uint64(0):
                further, c, d = normal_tail(c, d)
                x = -(NORMAL_EDGE + further) if (whole >> np.uint64(8)) & np.uint64(1) else NORMAL_EDGE + further
                break
            u, c, d = unit(c, d)
            low, high = F_NORMAL[layer], F_NORMAL[layer - np.uint64(1)]
            if (high - low) * u + low < np.exp(-0.5 * x * x):
                break
        out[i] = x


@kernel("u8 f8[]")
def exponential(seed: np.uint64, out: F64) -> None:
    """Standard exponentials by the ziggurat method; words and floats are drawn from two streams of one seed."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    c, d = a, b
    for i in range(len(out)):
        while True:
            bits, a, b = word(a, b)
            layer = (bits >> np.uint64(3)) & np.uint64(0xFF)
            whole = bits >> np.uint64(11)
            x = whole * W_EXPONENTIAL[layer]
            if whole < K_EXPONENTIAL[layer]:
                break
            u, c, d = unit(c, d)
            if layer == np.uint64(0):
                x = EXPONENTIAL_EDGE - np.log1p(-u)
                break
            low, high = F_EXPONENTIAL[layer], F_EXPONENTIAL[layer - np.uint64(1)]
            if (high - low) * u + low < np.exp(-x):
                break
        out[i] = x


@kernel("u8 f8[] i8 i8[]")
def poisson(seed: np.uint64, rate: F64, step: int, out: NDArray[np.int64]) -> None:
    """Poisson numbers: how many uniforms can be multiplied before the product falls below exp(-rate) (Knuth)."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    for i in range(len(out)):
        limit, product, count = np.exp(-rate[i * step]), 1.0, -1
        while True:
            u, a, b = unit(a, b)
            product *= u
            count += 1
            if not product > limit:
                break
        out[i] = count


@kernel("u8 f8[] i8 f8[] i8 f8[]")
def logistic(seed: np.uint64, center: F64, step: int, scale: F64, scale_step: int, out: F64) -> None:
    """Logistic numbers by inversion; a uniform of 0 is drawn again."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    for i in range(len(out)):
        u, a, b = unit(a, b)
        while u <= 0.0:
            u, a, b = unit(a, b)
        out[i] = center[i * step] + scale[i * scale_step] * np.log(u / (1.0 - u))


TRIES = 10_000
"""after so many rejections, which no shape that is a number needs, the result is -1"""


@inlined
def gamma_below_one(k: float, a: np.uint64, b: np.uint64) -> tuple[float, np.uint64, np.uint64]:
    """A gamma number of a shape below 1 (J. H. Ahrens and U. Dieter, 1974)."""
    for _ in range(TRIES):
        u, a, b = unit(a, b)
        v, a, b = unit(a, b)
        e = -np.log1p(-v)
        if u <= 1.0 - k:
            x = u ** (1.0 / k)
            if x <= e:
                return x, a, b
        else:
            y = -np.log((1.0 - u) / k)
            x = (1.0 - k + k * y) ** (1.0 / k)
            if x <= e + y:
                return x, a, b
    return -1.0, a, b


@inlined
def gamma_above_one(k: float, a: np.uint64, b: np.uint64) -> tuple[float, np.uint64, np.uint64]:
    """A gamma number of a shape above 1 (G. Marsaglia and W. W. Tsang, 2000)."""
    d = k - 1 / 3.0
    c = 1 / np.sqrt(9.0 * d)
    for _ in range(TRIES):
        v = x = -1.0
        while v <= 0:
            u, a, b = unit(a, b)
            angle, a, b = unit(a, b)
            x = np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * angle)
            v = 1.0 + c * x
        v = v * v * v
        u, a, b = unit(a, b)
        if u < 1.0 - 0.0331 * (x * x) * (x * x) or np.log(u) < 0.5 * x * x + d * (1.0 - v + np.log(v)):
            return d * v, a, b
    return -1.0, a, b


@inlined
def gamma_once(k: float, a: np.uint64, b: np.uint64) -> tuple[float, np.uint64, np.uint64]:
    """A gamma number of any shape."""
    if k == 0.0:
        return 0.0, a, b
    if k == 1.0:
        u, a, b = unit(a, b)
        return -np.log1p(-u), a, b
    return gamma_below_one(k, a, b) if k < 1.0 else gamma_above_one(k, a, b)


@kernel("u8 f8[] i8 f8[]")
def gamma(seed: np.uint64, shape: F64, step: int, out: F64) -> None:
    """Gamma numbers of scale 1. Each is drawn twice and the second is kept, as the protocol's streams have it."""
    a, b = at(seed, 0, ONE), at(seed, 0, TWO)
    for i in range(len(out)):
        _, a, b = gamma_once(shape[i * step], a, b)
        out[i], a, b = gamma_once(shape[i * step], a, b)
