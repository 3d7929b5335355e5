"""Histograms and quantiles."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.commands import projection
from arkserver.commands.projection import bytes_like
from arkserver.commands.registry import REAL, command
from arkserver.engine.algorithms import statistics
from arkserver.engine.executor import Executor
from arkserver.engine.layout import as_vector, from_numpy, to_numpy
from arkserver.engine.values import DTYPES, Array, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import normalise_axis

Ints = tuple[int, ...]

# Counts of every thread, of all threads, and of all blocks.
COPIES = 4


def _counted(bins: int) -> int:
    return COPIES * projection.WORD * max(0, bins)


def _counts(ex: Executor, sample: Sequence[Array], bins: Sequence[int], ranges: statistics.Ranges) -> NDArray[np.int64]:
    """The counts, in C order of the bins."""
    if not sample or not len(sample) == len(bins) == len(ranges):
        raise ArgumentError(f"{len(sample)} arrays, {len(bins)} bins and {len(ranges)} ranges were given; give as many")
    if any(x.dtype not in map(DTYPES.get, REAL) or x.ndim > 1 for x in sample):
        kinds = ", ".join(f"{dtype_name(x.dtype)} of {x.ndim} axes" for x in sample)
        raise UnsupportedError(f"a histogram of {kinds}; give 1-D arrays of {', '.join(REAL)}")
    if len({x.shape for x in sample}) > 1 or min(bins) < 1:
        raise ArgumentError(f"the arrays must be equally long and have at least one bin each; bins are {list(bins)}")
    if not np.isfinite(ranges).all():
        given = ", ".join(f"[{low}, {high}]" for low, high in ranges)
        raise ArgumentError(
            f"the range of a histogram must be finite, also where it is that of the data; it is {given}"
        )
    return statistics.histogram(ex, [as_vector(ex, x) for x in sample], bins, ranges).reshape(-1)


@command("histogram", project=_counted)
def histogram(ex: Executor, array: Array, bins: int, min_val: float, max_val: float) -> Array:
    """Counts of the elements in equal bins."""
    return from_numpy(ex, _counts(ex, [array], [bins], [(min_val, max_val)]))


@command("histogram2D", project=lambda x_bins, y_bins: _counted(x_bins * y_bins))
def histogram_2d(
    ex: Executor,
    x: Array,
    y: Array,
    x_bins: int,
    y_bins: int,
    x_min: float,
    x_max: float,
    y_min: float,
    y_max: float,
) -> Array:
    """Counts of points in a grid of equal cells."""
    counts = _counts(ex, [x, y], [x_bins, y_bins], [(x_min, x_max), (y_min, y_max)])
    return from_numpy(ex, counts.astype(np.float64))


@command("histogramdD", project=lambda bins: _counted(math.prod(bins)))
def histogram_dd(
    ex: Executor, sample: list[Array], bins: Ints, range_min: list[float], range_max: list[float]
) -> Array:
    """Counts of points in equal cells of any number of dimensions."""
    counts = _counts(ex, sample, bins, list(zip(range_min, range_max, strict=False)))
    return from_numpy(ex, counts.astype(np.float64))


# --- quantiles -------------------------------------------------------------------------------------------------------


def _sorted(a: Array) -> int:
    return 3 * bytes_like(a)


def _sorted_along(a: Array, q: Any) -> int:
    return 4 * bytes_like(a) + projection.WORD * a.size * (q.size if isinstance(q, Array) else 1)


def _refuse(a: Array, q: NDArray[np.float64], method: str) -> None:
    if method not in statistics.METHODS:
        raise ArgumentError(f"{method} is no method of quantile; known are {', '.join(statistics.METHODS)}")
    if not np.all((q >= 0) & (q <= 1)):
        raise ArgumentError("Values of q in quantile must be in range [0,1].")
    if a.size == 0:
        raise ArgumentError("no elements have no quantile")


def _quantile(ex: Executor, a: Array, q: NDArray[np.float64], method: str) -> NDArray[np.float64]:
    _refuse(a, q, method)
    return statistics.quantile(ex, a, q, method)


def _quantile_along(ex: Executor, a: Array, q: NDArray[np.float64], axis: Ints, method: str) -> Array:
    _refuse(a, q, method)
    a = as_vector(ex, a)
    axes = sorted({normalise_axis(i, a.ndim) for i in axis})
    if not axes or len(axes) == a.ndim:
        found = statistics.quantile(ex, a, q, method)
        return from_numpy(ex, found.reshape((*q.shape, *(1,) * a.ndim)))
    return statistics.quantile_along(ex, a, q, axes, method)


@command("quantile_scalar_no_axis<a.dtype,a.nd>", dtypes=REAL, project=_sorted)
def quantile_scalar(ex: Executor, a: Array, q: float, method: str) -> Any:
    """A quantile of all elements."""
    return _quantile(ex, a, np.array(q), method)[()]


@command("quantile_array_no_axis<a.dtype,a.nd,q.nd>", dtypes=REAL, project=_sorted)
def quantile_array(ex: Executor, a: Array, q: Array, method: str) -> Array:
    """Several quantiles of all elements."""
    return from_numpy(ex, _quantile(ex, a, to_numpy(ex, q), method))


@command("quantile_scalar_with_axis<a.dtype,a.nd>", dtypes=REAL, project=_sorted_along)
def quantile_scalar_along(ex: Executor, a: Array, q: float, axis: Ints, method: str) -> Array:
    """A quantile along axes, which stay with length 1."""
    return _quantile_along(ex, a, np.array(q), axis, method)


@command("quantile_array_with_axis<a.dtype,a.nd,q.nd>", dtypes=REAL, project=_sorted_along)
def quantile_array_along(ex: Executor, a: Array, q: Array, axis: Ints, method: str) -> Array:
    """Several quantiles along axes, which stay with length 1 behind those of the quantiles."""
    return _quantile_along(ex, a, to_numpy(ex, q), axis, method)
