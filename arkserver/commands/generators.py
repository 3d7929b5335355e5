"""Generators of random numbers: uniform and other distributions, choices, shuffles, samples."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.commands import projection
from arkserver.commands.arguments import SymbolName, Target
from arkserver.commands.context import Context
from arkserver.commands.random import checked_shape
from arkserver.commands.registry import ALL, FIXED, command
from arkserver.commands.results import Named
from arkserver.engine import layout
from arkserver.engine.algorithms import generators, randomness, shuffling
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.algorithms.indexing import check_bounds, gather
from arkserver.engine.blocks import random
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import Scalar, parse_float, parse_int

Ints = NDArray[np.int64]

GOLDEN = 0x9E3779B97F4A7C15


@command("createGenerator<dtype>", dtypes=FIXED, distributed="server")
def create(dtype: DType, has_seed: bool, seed: str = "", state: int = 1) -> Named:  # noqa: ARG001 (sent, not needed)
    """A stream of random numbers of one dtype."""
    return Named(Generator(dtype, parse_int(seed) if has_seed else randomness.fresh_seed()), "created {name} ")


@command("delGenerator", distributed="server")
def delete(context: Context, name: SymbolName) -> str:
    """Forget a generator."""
    context.engine.symbols.delete(name)
    return f"deleted {name}"


@command("uniformGenerator<dtype,nd>", dtypes=FIXED, project=projection.array_of_shape)
def uniform(
    ex: Executor, dtype: DType, nd: int, name: Generator, shape: tuple[int, ...], low: Scalar, high: Scalar, state: int
) -> Array:
    """Uniform numbers: integers of low to high, both included, floats of low to high, bools of a fair coin."""
    if name.dtype != dtype:
        raise UnsupportedError(f"the generator draws {name.dtype}, not {dtype}")
    least, most = (False, True) if dtype == np.bool_ else (low.value(dtype), high.value(dtype))
    return generators.uniform(ex, name, checked_shape(shape, nd), least, most, position(state))


def position(state: int) -> int:
    """Where in a stream a client stands that counts from 1."""
    if state < 1:
        raise ArgumentError(f"the state is {state}; it counts from 1")
    return state - 1


def _seed(generator: Generator, has_seed: bool, state: int) -> int:
    return generators.first_seed(generator, position(state)) if has_seed else randomness.fresh_seed()


@command("standardNormalGenerator<nd>", project=projection.normals)
def standard_normal(
    ex: Executor, nd: int, name: Generator, shape: tuple[int, ...], method: str, has_seed: bool, state: int
) -> Array:
    """Standard normals by the ziggurat or by Box and Muller."""
    shape = checked_shape(shape, nd)
    match method:
        case "ZIG":
            return generators.distribution(ex, "normal", shape, _seed(name, has_seed, state))
        case "BOX":
            return generators.box_normals(ex, name, shape, position(state))
    raise ArgumentError(f"Only ZIG and BOX are supported for method. Recieved: {method}")


def _of_size(size: tuple[int, ...]) -> int:
    return 2 * projection.array_of_shape(size)


@command("standardExponential<nd>", project=_of_size)
def standard_exponential(
    ex: Executor, nd: int, name: Generator, size: tuple[int, ...], method: str, has_seed: bool, state: int
) -> Array:
    """Standard exponentials by the ziggurat or by inversion."""
    shape = checked_shape(size, nd)
    match method:
        case "ZIG":
            return generators.distribution(ex, "exponential", shape, _seed(name, has_seed, state))
        case "INV":
            return generators.inverse_exponentials(ex, name, shape, position(state))
    raise ArgumentError(f"Only ZIG and INV are supported for method. Recieved: {method}")


def _parameter(value: Array | str) -> float | Array:
    return value if isinstance(value, Array) else parse_float(value)


@command("standardGamma<nd>", project=_of_size)
def standard_gamma(
    ex: Executor, nd: int, name: Generator, size: tuple[int, ...], k_arg: Array | str, has_seed: bool, state: int
) -> Array:
    """Gamma numbers of scale 1."""
    seed = _seed(name, has_seed, state)
    return generators.distribution(ex, "gamma", checked_shape(size, nd), seed, [_parameter(k_arg)])


@command("poissonGenerator", project=_of_size)
def poisson(
    ex: Executor, name: Generator, size: tuple[int, ...], lam: Array | str, has_seed: bool, state: int
) -> Array:
    """Poisson numbers."""
    return generators.distribution(ex, "poisson", size, _seed(name, has_seed, state), [_parameter(lam)])


@command("logisticGenerator", project=_of_size)
def logistic(
    ex: Executor,
    name: Generator,
    size: tuple[int, ...],
    mu: Array | str,
    scale: Array | str,
    has_seed: bool,
    state: int,
) -> Array:
    """Logistic numbers."""
    parameters = [_parameter(mu), _parameter(scale)]
    return generators.distribution(ex, "logistic", size, _seed(name, has_seed, state), parameters)


@command("fillRandU64<a.dtype,a.nd>", dtypes=("uint64",), ranks=(1,))
def fill_words(ex: Executor, a: Target, seed: int, stream: int = 0, start_idx: int = 0) -> Array:
    """Fill an array with the words of a stateless generator."""
    return randomness.filled(ex, a.shape, a.dtype, _stateless, random.splitmix, start_idx, seed, stream)


@command("fillUniform01<a.dtype,a.nd>", dtypes=("float64",), ranks=(1,))
def fill_uniform(ex: Executor, a: Target, seed: int, stream: int = 0, start_idx: int = 0) -> Array:
    """Fill an array with uniform floats of a stateless generator."""
    return randomness.filled(ex, a.shape, a.dtype, _stateless, random.splitmix_uniform, start_idx, seed, stream)


def _stateless(start: int, count: int, fill: Any, first: int, seed: int, stream: int) -> Any:
    at = (first + start + (1 << 63)) % (1 << 64) - (1 << 63)  # the kernel counts in int64, which wraps alike
    return fill(at, count, seed, stream)


# --- orders and samples ----------------------------------------------------------------------------------------------


def _choice_bytes(pop_size: int, num_samples: int, has_weights: bool, replace: bool) -> int:
    return projection.WORD * (2 * num_samples + (0 if replace and not has_weights else 4 * pop_size))


@command("choice<dtype>", dtypes=FIXED, project=_choice_bytes, distributed="gathers: weights, and orders of positions")
def choice(
    ex: Executor,
    dtype: DType,  # noqa: ARG001 (of the array, which says it itself)
    g_name: Generator,
    a_name: Array | str,
    w_name: Array | str,
    num_samples: int,
    replace: bool,
    has_weights: bool,
    is_dom: bool,
    pop_size: int,
    state: int,
) -> Array:
    """Some of a range or of an array, equally likely or by weights."""
    at = position(state)
    if has_weights:
        weights = _array(w_name)
        chosen = shuffling.weighted_choice(ex, weights, num_samples, g_name.seed, at, replace=replace)
    else:
        chosen = shuffling.choice(ex, pop_size, num_samples, g_name.seed, at, replace=replace)
    if is_dom:
        return chosen
    values = _array(a_name)
    check_bounds(ex, chosen, values.size, "choice")
    return gather(ex, values, chosen)


def _array(value: Array | str) -> Array:
    if isinstance(value, Array):
        return value
    raise ArgumentError(f"Error: lookup: unknown symbol: {value}")


def _orders(shape: tuple[int, ...]) -> int:
    return 4 * projection.array_of_shape(shape)


@command("permutation<dtype,nd>", dtypes=ALL, project=_orders, distributed="gathers: the order of positions")
def permutation(
    ex: Executor,
    dtype: DType,  # noqa: ARG001 (of the array, which says it itself)
    nd: int,  # noqa: ARG001
    name: Generator,
    x: Array | str,
    shape: tuple[int, ...],
    is_dom_perm: bool,
    state: int,
) -> Array:
    """A range, or the elements of an array, in random order."""
    order = random.permutation(math.prod(shape), name.seed, position(state))
    if is_dom_perm:
        return layout.from_numpy(ex, order)
    values = _array(x)
    if values.size != len(order):
        raise ArgumentError(f"the array has {values.size} elements; the shape {list(shape)} has {len(order)}")
    return shuffling.reordered(ex, values, order)


@command(
    "shuffle<x.dtype,x.nd>", dtypes=ALL, project=projection.times(4, "x"), distributed="gathers: the order of positions"
)
def shuffle(
    ex: Executor,
    name: Generator,
    x: Target,
    method: str,
    state: int,
    feistel_rounds: int = 16,
    feistel_key: int | None = None,
) -> Array:
    """Bring the elements of an array into random order."""
    at = position(state)
    if method != "fisheryates" and x.ndim > 1:
        raise UnsupportedError(f"{method} shuffle does not support arrays of dimension > 1.")
    match method:
        case "fisheryates":
            return shuffling.reordered(ex, x, random.fisher_yates(x.size, name.seed, at))
        case "mergeshuffle":
            order = random.merge_shuffle(x.size, (name.word(at) << 62) + 1)
            return shuffling.reordered(ex, x, order)
        case "feistel":
            key = (name.word(at) or GOLDEN) if feistel_key is None else feistel_key
            return shuffling.enciphered(ex, x, key, feistel_rounds)
    raise ArgumentError("Error: Invalid method for shuffle.  Allowed values: fisheryates, mergeshuffle, feistel")


@command(
    "segmentedSample", project=projection.times(4, "perm", "segs"), distributed="gathers: permutation and segments"
)
def segmented_sample(
    ex: Executor,
    context: Context,
    perm: Array,
    segs: Array,
    seg_lens: Array,
    num_samples: Array,
    weights: Array | str,
    replace: bool,
    has_weights: bool,
    has_seed: bool,
    seed: str,
    state: int,
) -> Array:
    """Some elements of each segment of a permutation."""
    starts, lengths, counts = (layout.to_numpy(ex, a).astype(np.int64) for a in (segs, seg_lens, num_samples))
    _check_segments(starts, lengths, counts, perm.size)
    likely = layout.to_numpy(ex, _array(weights)).astype(np.float64) if has_weights else None
    if likely is not None and len(likely) != perm.size:
        raise ArgumentError(f"{len(likely)} weights for a permutation of {perm.size} elements")
    key = parse_int(seed) if has_seed else randomness.fresh_seed()
    at = position(state)
    with context.engine.accounts.reserve("segmentedSample", 3 * projection.WORD * max(0, int(counts.sum()))):
        chosen = shuffling.segment_samples(starts, lengths, counts, likely, key, at, replace=replace)
        return gather(ex, perm, layout.from_numpy(ex, chosen))


def _check_segments(starts: Ints, lengths: Ints, counts: Ints, size: int) -> None:
    if not len(starts) == len(lengths) == len(counts):
        raise ArgumentError(f"{len(starts)} segments, {len(lengths)} lengths and {len(counts)} counts of samples")
    if min(starts.min(initial=0), lengths.min(initial=0)) < 0 or (lengths > size - starts).any():
        raise ArgumentError(f"the segments do not lie within the {size} elements of the permutation")
