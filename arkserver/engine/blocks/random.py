"""Random numbers of one block: pieces of streams, known by seed and position.

All are written into fresh flat blocks; the same numbers come out however a stream is cut (protocol, chapter 10).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from arkserver_kernels import splitmix as splitmix_kernels
from arkserver_kernels import streams

from arkserver.engine.blocks.views import Array
from arkserver.engine.buffers import empty
from arkserver.engine.threads import threads

_U64 = (1 << 64) - 1


def unsigned(x: int) -> np.uint64:
    """An integer modulo 2**64, as the kernels take seeds and bounds."""
    return np.uint64(int(x) & _U64)


def words(position: int, count: int, seed: int) -> Array:
    """uint64 draws number ``position .. position + count - 1``."""
    out = empty(count, np.uint64)
    threads().each_chunk(lambda a, b: streams.words(unsigned(seed), position + a, out[a:b]), count)
    return out


def uniform(position: int, count: int, seed: int, low: float = 0.0, high: float = 1.0) -> Array:
    """float64 draws of [low, high]."""
    out = empty(count, np.float64)
    key, low, high = unsigned(seed), float(low), float(high)
    threads().each_chunk(lambda a, b: streams.uniform(key, position + a, low, high, out[a:b]), count)
    return out


def bounded(position: int, count: int, seed: int, low: int, high: int, dtype: np.dtype[Any]) -> Array:
    """Integers of ``low .. high``, both included, of `dtype` (int64, uint64 or uint8); bounds wrap at its width."""
    out = empty(count, dtype)
    bits: Array = out.view(np.uint64) if dtype.itemsize == 8 else out
    fill: Any = streams.bounded_words if dtype.itemsize == 8 else streams.bounded_bytes
    bound = unsigned(int(high) - int(low)) & unsigned((1 << (8 * dtype.itemsize)) - 1)
    key, base = unsigned(seed), unsigned(low)
    threads().each_chunk(lambda a, b: fill(key, position + a, base, bound, bits[a:b]), count)
    return out


def coins(position: int, count: int, seed: int) -> Array:
    """Fair bools."""
    out = empty(count, np.bool_)
    threads().each_chunk(lambda a, b: streams.coins(unsigned(seed), position + a, out[a:b]), count)
    return out


def normal(position: int, count: int, seed: int, second_seed: int, second_position: int) -> Array:
    """Standard normals by Box and Muller; the second uniform of each is of another stream or further on in this one."""
    u = uniform(position, count, seed)
    v = uniform(second_position + position, count, second_seed)
    threads().each_chunk(lambda a, b: streams.box_muller(u[a:b], v[a:b], u[a:b]), count)
    return u


def splitmix(start: int, count: int, seed: int, stream: int) -> Array:
    """uint64 words number ``start .. start + count - 1`` of the stateless generator (protocol reference 10.3)."""
    out = empty(count, np.uint64)
    key = unsigned(seed ^ (stream * 0xD2B74407B1CE6E93))
    threads().each_chunk(lambda a, b: splitmix_kernels.words(key, start + a, out[a:b]), count)
    return out


def splitmix_uniform(start: int, count: int, seed: int, stream: int) -> Array:
    """The words of `splitmix` as floats of [0, 1): the upper 53 bits."""
    words, out = splitmix(start, count, seed, stream), empty(count, np.float64)
    threads().each_chunk(lambda a, b: np.multiply(words[a:b] >> np.uint64(11), 2.0**-53, out=out[a:b]), count)
    return out
