"""Histograms and quantiles."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.indexing import rows_at
from arkserver.engine.algorithms.selection import at_ranks
from arkserver.engine.algorithms.shaping import permute, reshaped
from arkserver.engine.algorithms.sorting import sort
from arkserver.engine.blocks.folding import each_rows
from arkserver.engine.blocks.histogram import histogramdd
from arkserver.engine.executor import Executor
from arkserver.engine.layout import align
from arkserver.engine.threads import threads
from arkserver.engine.values import Array

FLOAT64 = np.dtype(np.float64)
Floats = NDArray[np.float64]
Ranges = Sequence[tuple[float, float]]


def histogram(ex: Executor, sample: Sequence[Array], bins: Sequence[int], ranges: Ranges) -> NDArray[np.int64]:
    """Counts of points in equal bins along each dimension, here; the last bin includes its upper edge.

    Parameters
    ----------
    sample : sequence of Array
        One 1-D array a dimension, all of one length.
    bins : sequence of int
        How many a dimension has; the shape of the result.
    ranges : sequence of (float, float)
        The outer edges a dimension has; points outside, or with a nan, are not counted.
    """
    counts = ex.collect(_histogram, tuple(bins), tuple(ranges), *align(ex, *sample))
    return np.asarray(np.add.reduce(counts))


def _histogram(bins: tuple[int, ...], ranges: Ranges, *columns: NDArray[Any]) -> NDArray[np.int64]:
    return histogramdd(columns, bins, ranges)


# --- quantiles: Hyndman and Fan, Sample quantiles in statistical packages, The American Statistician 50 (1996) --------

_CONTINUOUS: dict[str, tuple[float, float]] = {
    "interpolated_inverted_cdf": (0, 1),
    "hazen": (1 / 2, 1 / 2),
    "weibull": (0, 0),
    "linear": (1, 1),
    "median_unbiased": (1 / 3, 1 / 3),
    "normal_unbiased": (3 / 8, 3 / 8),
}
"""The paper's alpha and beta of the methods that interpolate."""

METHODS = (
    *_CONTINUOUS,
    "inverted_cdf",
    "averaged_inverted_cdf",
    "closest_observation",
    "lower",
    "higher",
    "midpoint",
)


# To select so many elements takes less time than to sort them all.
SELECTED = 8


def _position(n: int, q: Floats, method: str) -> tuple[Floats, Floats]:
    """Where among `n` sorted elements the quantiles lie: the position below, and the weight of the next one."""
    if method in _CONTINUOUS:
        alpha, beta = _CONTINUOUS[method]
        at = n * q + (alpha + q * (1 - alpha - beta)) - 1
        return np.floor(at), at - np.floor(at)
    if method in ("lower", "higher", "midpoint"):
        at = (n - 1) * q
        part = {"lower": 0.0, "higher": 1.0, "midpoint": 0.5}[method]
        return np.floor(at), np.where(at == np.floor(at), 0.0, part)
    at = n * q - (1.5 if method == "closest_observation" else 1.0)
    below = np.floor(at)
    exact: Any = {"inverted_cdf": 0.0, "averaged_inverted_cdf": 0.5, "closest_observation": 1 - below % 2}[method]
    return below, np.where(at == below, exact, 1.0)


def quantile(ex: Executor, x: Array, q: Floats, method: str) -> Floats:
    """Quantiles of all elements, here; nan when one of them is nan.

    Parameters
    ----------
    x : Array
        int64, uint64 or float64, at least one element.
    q : ndarray of float64
        Of any shape, between 0 and 1.
    method : str
        One of `METHODS`.
    """
    flat = reshaped(ex, x, (x.size,))
    if x.dtype.kind == "f" and any(ex.collect(_any_nan, flat)):
        return np.full(q.shape, np.nan)
    below, weight = _position(x.size, q, method)
    ends = [np.clip(p, 0, x.size - 1).astype(np.int64).reshape(-1) for p in (below, below + 1)]
    low, high = _at_ranks(ex, flat, np.concatenate(ends)).astype(np.float64).reshape(2, *q.shape)
    return np.asarray(np.where(weight == 0, low, np.where(weight == 1, high, low + (high - low) * weight)))


def _any_nan(block: Floats) -> bool:
    return any(threads().each_chunk(lambda a, b: bool(np.isnan(block[a:b]).any()), len(block)))


def _at_ranks(ex: Executor, x: Array, ranks: NDArray[np.int64]) -> NDArray[Any]:
    return at_ranks(ex, x, ranks) if len(ranks) <= SELECTED else rows_at(ex, sort(ex, x), ranks)


def quantile_along(ex: Executor, x: Array, q: Floats, axes: Sequence[int], method: str) -> Array:
    """Quantiles along some, not all, of the axes, which stay with length 1; the axes of `q` come first."""
    kept = [a for a in range(x.ndim) if a not in axes]
    turned = permute(ex, x, (*kept, *axes))
    refs = ex.map(_quantile_of_rows, turned, q, len(kept), method)
    shape = (*(x.shape[a] for a in kept), *q.shape)
    found = Array(FLOAT64, shape, refs.values, turned.rows)
    if q.ndim:
        found = permute(ex, found, (*range(len(kept), len(shape)), *range(len(kept))))
    return reshaped(ex, found, (*q.shape, *(1 if a in axes else n for a, n in enumerate(x.shape))))


def _quantile_of_rows(block: NDArray[Any], q: Floats, kept: int, method: str) -> Floats:
    """Quantiles along all axes but the first `kept`; the axes of `q` come last."""
    axes = tuple(range(kept, block.ndim))

    def chunk(start: int, stop: int) -> Floats:
        part = block[start:stop]
        if not part.size:
            return np.empty((*q.shape, *part.shape[:kept]))
        return np.asarray(np.quantile(part.astype(np.float64, copy=False), q, axis=axes, method=method))  # type: ignore[call-overload]

    found = np.concatenate(each_rows(block, chunk), axis=q.ndim)
    return np.ascontiguousarray(found.transpose((*range(q.ndim, found.ndim), *range(q.ndim))))
