"""Running sums, products and differences."""

from __future__ import annotations

import math

from arkserver.commands import projection
from arkserver.commands.registry import FIXED, REAL, command
from arkserver.engine.algorithms import scanning
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from arkserver.wire.parameters import normalise_axis

SUMMABLE = (*REAL, "uint8", "bigint")


def _longer(x: Array, axis: int) -> int:
    """The result, which may be one longer."""
    shape = x.shape or (1,)
    one = math.prod(n for a, n in enumerate(shape) if a != axis % len(shape))
    return 2 * projection.bytes_like(x) + projection.WORD * one


@command("cumSum<x.dtype,x.nd>", dtypes=SUMMABLE, project=_longer)
def cumulative_sum(ex: Executor, x: Array, axis: int, include_initial: bool = False) -> Array:
    """The running sum along an axis."""
    axis = normalise_axis(axis, max(1, x.ndim))
    return scanning.cumulate(ex, x, "sum", axis, include_initial=include_initial)


@command("cumProd<x.dtype,x.nd>", dtypes=SUMMABLE, project=_longer)
def cumulative_prod(ex: Executor, x: Array, axis: int, include_initial: bool = False) -> Array:
    """The running product along an axis."""
    axis = normalise_axis(axis, max(1, x.ndim))
    return scanning.cumulate(ex, x, "prod", axis, include_initial=include_initial)


@command("diff<x.dtype,x.nd>", dtypes=FIXED, project=projection.times(3, "x"))
def diff(ex: Executor, x: Array, n: int, axis: int) -> Array:
    """The n-th difference along an axis."""
    if n < 0:
        raise ArgumentError(f"the order of the difference is {n}; it must be at least 0")
    return scanning.diff(ex, x, n, normalise_axis(axis, max(1, x.ndim)))
