"""Generators: streams that a client keeps and draws from by position, and the distributions made of them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from arkserver.engine.algorithms import randomness
from arkserver.engine.algorithms.shaping import reshape
from arkserver.engine.blocks import random
from arkserver.engine.executor import Each, Executor
from arkserver.engine.layout import even_rows, rebalance, relayout
from arkserver.engine.values import DTYPES, Array, DType
from arkserver.errors import ArgumentError

INT64, FLOAT64 = DTYPES["int64"], DTYPES["float64"]

RESULTS = {"normal": FLOAT64, "exponential": FLOAT64, "poisson": INT64, "logistic": FLOAT64, "gamma": FLOAT64}
"""the distributions by name, and what their numbers are"""

# The fewest elements that share a stream.
SHORTEST_CHUNK = 256


@dataclass(frozen=True, slots=True)
class Generator:
    """A stream of random numbers. The client counts how far it has drawn, so there is no state to keep."""

    dtype: DType
    """what its draws are"""
    seed: int

    @property
    def nbytes(self) -> int:
        """Takes no memory to speak of."""
        return 0

    def word(self, at: int) -> int:
        """Draw number `at`: 64 bits."""
        return int(random.words(at, 1, self.seed)[0])


def uniform(ex: Executor, generator: Generator, shape: tuple[int, ...], low: Any, high: Any, at: int) -> Array:
    """Uniform numbers of the generator's dtype from draw number `at` on: integers of ``low .. high``, fair bools."""
    match generator.dtype.kind:
        case "b":
            return randomness.bools(ex, shape, generator.seed, at)
        case "f":
            return randomness.floats(ex, shape, float(low), float(high), generator.seed, at)
    return randomness.integers(ex, shape, generator.dtype, int(low), int(high), generator.seed, at)


def box_normals(ex: Executor, generator: Generator, shape: tuple[int, ...], at: int) -> Array:
    """Standard normals by Box and Muller; all first uniforms come before all second ones in the stream."""
    return randomness.filled(ex, shape, FLOAT64, _box, at, math.prod(shape), generator.seed)


def _box(start: int, count: int, at: int, size: int, seed: int) -> Any:
    return random.normal(at + start, count, seed, seed, size)


def inverse_exponentials(ex: Executor, generator: Generator, shape: tuple[int, ...], at: int) -> Array:
    """Standard exponentials by inversion."""
    return randomness.filled(ex, shape, FLOAT64, _inverse, at, generator.seed)


def _inverse(start: int, count: int, at: int, seed: int) -> Any:
    u = random.uniform(at + start, count, seed)
    return np.negative(np.log1p(np.negative(u, out=u), out=u), out=u)


def chunk_of(size: int) -> int:
    """How many elements share a stream: it depends on their number alone, not on how they are cut."""
    digits = math.ceil(math.log10(max(1, size)))
    return max(SHORTEST_CHUNK, 1 << 2 * digits)


def first_seed(generator: Generator, at: int) -> int:
    """The seed of the first chunk: from draw number `at` of the generator."""
    return int(float(random.uniform(at, 1, generator.seed)[0]) * 2**62)


def distribution(
    ex: Executor, name: str, shape: tuple[int, ...], seed: int, parameters: Sequence[float | Array] = ()
) -> Array:
    """Numbers of a distribution, drawn chunk by chunk; a name of `RESULTS`.

    Parameters
    ----------
    seed : int
        Of the first chunk; the next chunk has the next seed.
    parameters : sequence of float or Array
        One value for all numbers, or one for each.
    """
    size = math.prod(shape)
    chunk = chunk_of(size)
    edges = [0]
    for chunks in even_rows(-(-size // chunk), ex.width):
        edges.append(min(size, edges[-1] + chunks * chunk))
    rows = tuple(b - a for a, b in pairwise(edges))
    seeds = Each(seed + a // chunk for a in edges[:-1])
    cut = [relayout(ex, _checked(p, size), rows) if isinstance(p, Array) else p for p in parameters]
    refs = ex.map(_drawn, name, seeds, Each(rows), chunk, *cut)
    flat = rebalance(ex, Array(RESULTS[name], (size,), refs.values, rows))
    return flat if len(shape) == 1 else reshape(ex, flat, shape)


def _checked(parameter: Array, size: int) -> Array:
    if parameter.ndim != 1 or parameter.size != size:
        raise ArgumentError(f"{parameter.size} parameters for {size} numbers; give one, or one for each")
    return parameter


def _drawn(name: str, seed: int, count: int, chunk: int, *parameters: Any) -> Any:
    return random.chunked(name, seed, count, chunk, RESULTS[name], *parameters)
