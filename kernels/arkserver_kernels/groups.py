"""Kernels over runs of equal keys: where they start, how a value for each run is spread over it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

Array = NDArray[Any]
I64 = NDArray[np.int64]


@kernel("T[] b1[]", T="u1 u2 u4 u8")
def mark_runs(x: Array, out: NDArray[np.bool_]) -> None:
    """Mark in `out`, one shorter than `x`, the elements from the second on that differ from the one before."""
    for i in range(len(out)):
        out[i] = x[i] != x[i + 1]


@kernel("T[] i8[] i8 i8 i8 T[]", T="u1 u2 u4 u8")
def spread(values: Array, starts: I64, first: int, stop: int, end: int, out: Array) -> None:
    """Repeat the values of the runs ``first .. stop - 1`` over them; the last run of all ends at `end`."""
    for g in range(first, stop):
        run_end = starts[g + 1] if g + 1 < len(starts) else end
        for i in range(starts[g], run_end):
            out[i] = values[g]


@kernel("i8[] i8[] i8 i8 i8 i8[]")
def spread_codes(permutation: I64, starts: I64, first: int, stop: int, end: int, out: I64) -> None:
    """Write the number of each run to the places that its members came from."""
    for g in range(first, stop):
        run_end = starts[g + 1] if g + 1 < len(starts) else end
        for i in range(starts[g], run_end):
            out[np.uint64(permutation[i])] = g
