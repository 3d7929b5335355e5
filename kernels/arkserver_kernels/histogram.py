"""Counts of values in bins of equal width."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

I64 = NDArray[np.int64]


@kernel("T[] f8 f8 i8 f8[] i8 i8[]", T="i8 u8 f8 b1 u1")
def add_bins(
    x: NDArray[Any], low: float, high: float, bins: int, edges: NDArray[np.float64], stride: int, index: I64
) -> None:  # fmt: skip
    """Add ``stride * bin`` of each value to its index; -1 when the value, or an earlier coordinate, is outside.

    The bin by division is corrected by the edges, which are exact; a value on the last edge is in the last bin.
    """
    scale = bins / (high - low)
    for i in range(len(x)):
        value = np.float64(x[i])
        if index[i] < 0 or not (low <= value <= high):
            index[i] = -1
            continue
        b = min(int((value - low) * scale), bins - 1)
        b -= value < edges[b]
        b += value >= edges[b + 1] and b < bins - 1
        index[i] += b * stride


@kernel("i8[] i8[]")
def count_bins(index: I64, counts: I64) -> None:
    """Count the indexes that are not -1."""
    for i in range(len(index)):
        if index[i] >= 0:
            counts[np.uint64(index[i])] += 1
