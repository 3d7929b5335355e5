"""Rows of reductions, scans, histograms, random streams and elementwise arithmetic."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from arkserver.engine.blocks import elementwise, histogram, random, reducing, scanning
from tests.kernels.rows import Arguments, Array, Comparison, each, numbers, special_floats

WORD = 2**64 - 1


def some(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Arrays of at least one element."""
    return each(rng, max(n, 1))


def wide(x: Array) -> Any:
    return {"b": np.int64, "i": np.int64, "u": np.uint64, "f": np.float64}[x.dtype.kind]


def small(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    """Arrays whose products do not overflow as floats, and integers that wrap."""
    for x in numbers(rng, n):
        yield (np.where(np.abs(x) > 2, 1.5, x),) if x.dtype.kind == "f" else (x,)


def flagged(fn: Callable[..., Any]) -> Callable[..., Any]:
    """A reduction with and without nan, both results together."""
    return lambda x: (fn(x, skip_nan=False), fn(x, skip_nan=True))


def with_nan(plain: Callable[..., Any], skipping: Callable[..., Any]) -> Callable[[Array], Any]:
    return lambda x: (plain(x), skipping(x))


def sum_reference(x: Array) -> Any:
    return np.sum(x, dtype=wide(x)), np.nansum(x, dtype=wide(x))


def product_reference(x: Array) -> Any:
    return np.prod(x, dtype=wide(x)), np.nanprod(x, dtype=wide(x))


def first_extreme(x: Array, find: Callable[..., Any], best: Callable[..., Any]) -> Any:
    plain = int(find(x))
    numbers = x[~np.isnan(x)] if x.dtype.kind == "f" else x
    return plain, int(np.flatnonzero(x == best(numbers))[0]) if len(numbers) else 0


def moments_reference(x: Array, *, skip: bool) -> tuple[Any, ...]:
    kept = x[~np.isnan(x)].astype(float) if skip and x.dtype.kind == "f" else x.astype(float)
    if not len(kept):
        return 0.0, 0.0, 0.0
    with np.errstate(all="ignore"):
        return float(len(kept)), kept.mean(), ((kept - kept.mean()) ** 2).sum()


def scan_reference(fn: Callable[..., Any], identity: int) -> Callable[[Array], Any]:
    def run(x: Array) -> Any:
        with np.errstate(all="ignore"):
            begin = np.array([identity], wide(x))
            longer = fn(np.concatenate([begin, x.astype(wide(x))]), dtype=wide(x))
            return fn(x, dtype=wide(x)), longer, longer[1:]

    return run


def scanned(fn: Callable[..., Any], begin: int) -> Callable[[Array], Any]:
    """A scan from its identity, and from a beginning that is part of the result or is not."""
    return lambda x: (fn(x), fn(x, begin), fn(x, begin, lead=False))


def bins(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for x in numbers(rng, n):
        for count, low, high in ((1, 0.0, 1.0), (10, -1.0, 1.0), (7, 0.0, 99.0), (1000, -3.0, 3e5)):
            yield x, count, low, high
    yield np.linspace(0, 1, n + 1), 10, 0.0, 1.0


def points(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    x, y = rng.normal(size=n), special_floats(rng, n)
    yield [x, y], [4, 7], [(-1.0, 1.0), (-2.0, 2.0)]
    yield [x, rng.integers(0, 5, n), x], [3, 5, 2], [(-1.0, 1.0), (0.0, 4.0), (0.0, 9.0)]


def points_reference(sample: list[Array], counts: list[int], ranges: list[tuple[float, float]]) -> Array:
    rows = np.column_stack([s.astype(float) for s in sample])
    return np.histogramdd(rows[~np.isnan(rows).any(axis=1)], counts, ranges)[0].astype(np.int64)


def pcg(seed: int, sequence: int) -> Iterator[int]:
    """The generator in plain Python, step by step (O'Neill 2014)."""
    increment = sequence << 1 | 1
    state = ((increment + (seed & WORD)) * 6364136223846793005 + increment) & WORD
    while True:
        x = ((state >> 18 ^ state) >> 27) & 0xFFFFFFFF
        turn = state >> 59
        yield (x >> turn | x << (-turn & 31)) & 0xFFFFFFFF
        state = (state * 6364136223846793005 + increment) & WORD


def draws(start: int, n: int, seed: int) -> list[int]:
    pairs = zip(pcg(seed, 1), pcg(seed, 2), range(start + n), strict=False)
    return [a << 32 | b for a, b, _ in pairs][start:]


def streams(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for seed in (0, 1701, -5, 2**63 + 1):
        yield int(rng.integers(0, 50)), n, seed


def normal_reference(start: int, n: int, seed: int) -> Array:
    u, v = (
        np.array([d * 2.0**-64 for d in draws(*a)], np.float64) for a in ((start, n, seed), (start + 7, n, seed + 1))
    )
    normal: Array = np.sqrt(-2 * np.log(u)) * np.cos(2 * np.pi * v)
    return normal


def bounded_streams(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    start = int(rng.integers(0, 50))
    for low, high, dtype in ((1, 9, np.int64), (-7, 2**31, np.int64), (0, 2**32 - 2, np.uint64), (0, 254, np.uint8)):
        yield start, n, 2, low, high, np.dtype(dtype)


def bounded_reference(start: int, n: int, seed: int, low: int, high: int, dtype: np.dtype[Any]) -> Array:
    """As the definition says, where no draw is rejected; a rejected one is only asked to be in range."""
    size, ours = high - low + 1, random.bounded(start, n, seed, low, high, dtype)
    stream = pcg(seed, 1 if dtype == np.uint8 else 2)
    words = [r for r, _ in zip(stream, range(start + n), strict=False)][start:]
    assert all(low <= int(x) <= high for x in ours)
    kept = [low + r % size if r >= 2**32 % size else int(x) for r, x in zip(words, ours, strict=True)]
    return np.array(kept, dtype)


def mixed(x: int) -> int:
    x = (x + 0x9E3779B97F4A7C15) & WORD
    x = ((x ^ x >> 30) * 0xBF58476D1CE4E5B9) & WORD
    x = ((x ^ x >> 27) * 0x94D049BB133111EB) & WORD
    return x ^ x >> 31


def stateless(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    yield int(rng.integers(0, 2**40)), n, 42, 3


def stateless_reference(start: int, n: int, seed: int, stream: int) -> Array:
    key = mixed((seed ^ stream * 0xD2B74407B1CE6E93) & WORD)
    return np.array([mixed((start + i) ^ key) for i in range(n)], np.uint64)


def chain(x: Array, y: Any, out: Array) -> None:
    np.multiply(x, y, out=out)
    np.add(out, x, out=out)


def chains(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    yield rng.normal(size=(n, 2)), rng.normal(size=(n, 2))
    yield rng.normal(size=140_000 + n), 2.5


def applied(x: Array, y: Any) -> Any:
    return elementwise.apply(chain, x, y, dtype=np.dtype(np.float64))


def applied_into(x: Array, y: Any) -> Array:
    out = x.copy()
    elementwise.apply_into(out, lambda a, b, out: np.add(a * b, a, out=out), out, y)
    return out


ROWS: dict[str, Comparison] = {
    "reducing.total": Comparison(flagged(reducing.total), sum_reference, each, 1e-12),
    "reducing.product": Comparison(flagged(reducing.product), product_reference, small, 1e-12),
    "reducing.minimum": Comparison(flagged(reducing.minimum), with_nan(np.min, np.fmin.reduce), some),
    "reducing.maximum": Comparison(flagged(reducing.maximum), with_nan(np.max, np.fmax.reduce), some),
    "reducing.argminimum": Comparison(
        flagged(reducing.argminimum), lambda x: first_extreme(x, np.argmin, np.min), some
    ),
    "reducing.argmaximum": Comparison(
        flagged(reducing.argmaximum), lambda x: first_extreme(x, np.argmax, np.max), some
    ),
    "reducing.moments": Comparison(
        flagged(reducing.moments), lambda x: tuple(moments_reference(x, skip=s) for s in (False, True)), each, 1e-9
    ),
    "reducing.combine_moments": Comparison(
        lambda x: reducing.combine_moments([reducing.moments(x[:5]), reducing.moments(x[5:])]),
        lambda x: moments_reference(x, skip=False),
        each,
        1e-9,
    ),
    "reducing.any_true": Comparison(reducing.any_true, lambda x: bool(np.any(x)), each),
    "reducing.all_true": Comparison(reducing.all_true, lambda x: bool(np.all(x)), each),
    "reducing.count_nonzero": Comparison(reducing.count_nonzero, np.count_nonzero, each),
    "scanning.cumulative_sum": Comparison(
        scanned(scanning.cumulative_sum, 3), scan_reference(np.cumsum, 3), each, 1e-9
    ),
    "scanning.cumulative_product": Comparison(
        scanned(scanning.cumulative_product, 2),
        scan_reference(np.cumprod, 2),
        small,
        1e-9,
    ),
    "scanning.diff": Comparison(scanning.diff, np.diff, each),
    "histogram.histogram1d": Comparison(
        histogram.histogram1d, lambda x, n, low, high: np.histogram(x.astype(float), n, (low, high))[0], bins
    ),
    "histogram.histogram2d": Comparison(
        lambda sample, n, r: histogram.histogram2d(sample[0], sample[1], tuple(n[:2]), r[0], r[1]),
        lambda sample, n, r: points_reference(sample[:2], n[:2], r[:2]),
        points,
    ),
    "histogram.histogramdd": Comparison(histogram.histogramdd, points_reference, points),
    "random.words": Comparison(random.words, lambda *a: np.array(draws(*a), np.uint64), streams),
    "random.uniform": Comparison(
        lambda start, n, seed: random.uniform(start, n, seed, -2.0, 3.0),
        lambda *a: 5.0 * (np.array([float(d) for d in draws(*a)], np.float64) * 2.0**-64) - 2.0,
        streams,
    ),
    "random.bounded": Comparison(random.bounded, bounded_reference, bounded_streams),
    "random.coins": Comparison(random.coins, lambda *a: np.array([d >> 63 for d in draws(*a)], np.bool_), streams),
    "random.normal": Comparison(
        lambda start, n, seed: random.normal(start, n, seed, seed + 1, 7), normal_reference, streams, 1e-12
    ),
    "random.splitmix": Comparison(random.splitmix, stateless_reference, stateless),
    "random.splitmix_uniform": Comparison(
        random.splitmix_uniform, lambda *a: (stateless_reference(*a) >> np.uint64(11)) * 2.0**-53, stateless
    ),
    "elementwise.apply_into": Comparison(applied_into, lambda x, y: x * y + x, chains),
    "elementwise.apply": Comparison(applied, lambda x, y: x * y + x, chains),
}
