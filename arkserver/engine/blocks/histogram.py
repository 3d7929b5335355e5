"""Histograms of one block in any number of dimensions: uniform bins, NumPy's rule for edges."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from arkserver_kernels import histogram
from numpy.typing import NDArray

from arkserver.engine.blocks.views import Array, Ints, plain
from arkserver.engine.threads import threads

# Bins of so many values are found before they are counted, in the cache.
TILE = 1 << 13


def histogram1d(x: Array, bins: int, low: float, high: float) -> Ints:
    """int64 counts of `x` in equal bins from `low` to `high`; values outside are left out."""
    return histogramdd([x], [bins], [(low, high)])


def histogram2d(
    x: Array, y: Array, bins: tuple[int, int], x_range: tuple[float, float], y_range: tuple[float, float]
) -> Ints:
    """int64 counts, shape `bins`, of the points (x, y)."""
    return histogramdd([x, y], bins, [x_range, y_range])


def histogramdd(sample: Sequence[Array], bins: Sequence[int], ranges: Sequence[tuple[float, float]]) -> Ints:
    """int64 counts of points.

    Parameters
    ----------
    sample : sequence of ndarray
        One 1-D block a dimension, all of one length.
    bins : sequence of int
        How many bins a dimension has; the shape of the result.
    ranges : sequence of (float, float)
        The outer edges a dimension has. Points outside, or with a nan, are not counted.
    """
    columns = [plain(x) for x in sample]
    edges = [_edges(n, low, high) for n, (low, high) in zip(bins, ranges, strict=True)]
    strides = [int(np.prod(bins[d + 1 :])) for d in range(len(bins))]

    def count(start: int, stop: int) -> Ints:
        counts = np.zeros(int(np.prod(bins)), np.int64)
        for tile in range(start, stop, TILE):
            end = min(tile + TILE, stop)
            index = np.zeros(end - tile, np.int64)
            for x, n, (low, high), edge, stride in zip(columns, bins, ranges, edges, strides, strict=True):
                histogram.add_bins(x[tile:end], float(low), float(high), n, edge, stride, index)
            histogram.count_bins(index, counts)
        return counts

    parts = threads().each_share(count, len(columns[0]))
    counts: Ints = np.add.reduce(parts)
    return counts.reshape(tuple(bins))


def _edges(bins: int, low: float, high: float) -> NDArray[np.float64]:
    """The edges of equal bins, nan in the place of the last one: see `histogram.add_bins`."""
    edges = np.linspace(low, high, bins + 1)
    edges[-1] = np.nan
    return edges
