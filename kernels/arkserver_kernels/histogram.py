"""Counts of values in bins of equal width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

I64 = NDArray[np.int64]

OUTSIDE = np.int64(-(2**62))
"""An index that is negative whatever bins are added to it."""


@kernel("T[] f8 f8 i8 f8[] i8 i8[]", T="i8 u8 f8 b1 u1")
def add_bins(
    x: NDArray[Any], low: float, high: float, bins: int, edges: NDArray[np.float64], stride: int, index: I64
) -> None:  # fmt: skip
    """Add ``stride * bin`` of each value to its index, or `OUTSIDE` when it is outside of all bins.

    The bin by division is corrected by the edges, which are exact. A nan in the place of the last of them keeps a value
    on that edge in the last bin. Nothing here is a branch, which the values would take at random.
    """
    scale, last = bins / (high - low), bins - 1
    for i in range(len(x)):
        value = np.float64(x[i])
        inside = (low <= value) & (value <= high)
        b: Any = min(np.int64((value - low) * scale if inside else 0.0), last)
        b -= np.int64(value < edges[np.uint64(b)])
        b += np.int64(value >= edges[np.uint64(b + 1)])
        index[i] = index[i] + b * stride if inside else OUTSIDE


@kernel("i8[] i8[]")
def count_bins(index: I64, counts: I64) -> None:
    """Count the indexes that are not negative."""
    for i in range(len(index)):
        if index[i] >= 0:
            counts[np.uint64(index[i])] += 1
