"""Random numbers of one block: pieces of streams, known by seed and position.

All are written into fresh flat blocks; the same numbers come out however a stream is cut (protocol, chapter 10).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from arkserver_kernels import distributions, shuffles, streams
from arkserver_kernels import splitmix as splitmix_kernels

from arkserver.engine.blocks.views import Array, Ints, plain
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


def chunked(name: str, seed: int, count: int, chunk: int, dtype: np.dtype[Any], *parameters: float | Array) -> Array:
    """Numbers of a distribution (a kernel of `distributions`), each chunk from the streams of the next seed.

    Parameters
    ----------
    seed : int
        Of the first chunk.
    *parameters : float or ndarray
        One for all numbers, or one for each.
    """
    out, draw = empty(count, dtype), getattr(distributions, name)

    def step(start: int) -> None:
        stop = min(start + chunk, count)
        values = (v for p in parameters for v in _parameter(p, start, stop))
        draw(unsigned(seed + start // chunk), *values, out[start:stop])

    threads().run(step, range(0, count, chunk))
    return out


def _parameter(value: float | Array, start: int, stop: int) -> tuple[Array, int]:
    if isinstance(value, np.ndarray):
        return plain(value[start:stop].astype(np.float64, copy=False)), 1
    return np.array([value], np.float64), 0


def fisher_yates(count: int, seed: int, position: int) -> Array:
    """The order into which a shuffle brings ``0 .. count - 1``, by `count` draws from `position` on."""
    order = np.arange(count)
    shuffles.backward(order, unsigned(seed), position)
    return order


def permutation(count: int, seed: int, position: int) -> Array:
    """A random order of ``0 .. count - 1``, by `count` draws from `position` on."""
    order = empty(count, np.int64)
    shuffles.inside_out(order, unsigned(seed), position)
    return order


def merge_shuffle(count: int, seed: int) -> Array:
    """The order into which chunks, shuffled side by side and merged two by two, bring ``0 .. count - 1``."""
    order = np.arange(count)
    if not count:
        return order
    key = int(words(0, 1, seed)[0])
    chunk = max(count // 64, min(10, count))
    firsts = range(0, count, chunk)
    lasts = [min(a + chunk, count) - 1 for a in firsts]
    threads().run(shuffles.shuffle_chunk, [order] * len(firsts), firsts, lasts, _seeds(key, len(firsts)))
    key += len(firsts)
    for _ in range(len(firsts).bit_length()):
        begins = range(0, count, 2 * chunk)
        left = [min(chunk, count - a) for a in begins]
        right = [min(chunk, count - a - n) for a, n in zip(begins, left, strict=True)]
        threads().run(shuffles.merge_runs, [order] * len(begins), begins, left, right, _seeds(key, len(begins)))
        key, chunk = key + len(begins), 2 * chunk
    return order


def _seeds(first: int, count: int) -> list[np.uint64]:
    return [unsigned(first + i) for i in range(count)]


def feistel(start: int, count: int, size: int, key: int, rounds: int) -> Array:
    """Where a Feistel cipher over ``0 .. size - 1`` sends the positions ``start .. start + count - 1``."""
    out, secret = empty(count, np.int64), unsigned(key)
    threads().each_chunk(lambda a, b: shuffles.feistel(start + a, size, secret, rounds, out[a:b]), count)
    return out


def sample_segments(
    starts: Ints, lengths: Ints, counts: Ints, weights: Array | None, seed: int, position: int, replace: bool
) -> Ints:
    """``counts[i]`` positions of each segment, segment after segment; as likely as their `weights`, if given."""
    out, places = empty(int(counts.sum()), np.int64), np.cumsum(counts) - counts
    if weights is None:
        shuffles.sample_segments(starts, lengths, counts, places, replace, unsigned(seed), position, out)
    else:
        shuffles.sample_segments_weighted(
            plain(weights), starts, lengths, counts, places, replace, unsigned(seed), position, out
        )
    return out
