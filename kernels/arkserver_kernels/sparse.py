"""Kernels of sparse matrices: products row by row (Gustavson, "Two fast algorithms for sparse matrices", 1978).

Row r of the left matrix is its entries ``rows[r] .. rows[r + 1] - 1``; entry e meets the entries
``first[e] .. last[e] - 1`` of the right matrix. `mark` has an element for every column, and holds no number of a row
that is still to come.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

# A row with one column in so many, or more, is put in order by a look at all columns, which costs less than to sort it.
SCANNED = 32

Array = NDArray[Any]
I64 = NDArray[np.int64]


@kernel("i8[] i8[] i8[] i8[] i8 i8 i8[] i8[]")
def count_columns(rows: I64, first: I64, last: I64, columns: I64, start: int, stop: int, mark: I64, out: I64) -> None:
    """``out[r]``: the columns that row r of the product has entries in, for the rows ``start .. stop - 1``."""
    for r in range(start, stop):
        found = 0
        for e in range(rows[r], rows[r + 1]):
            for p in range(first[e], last[e]):
                if mark[columns[p]] != r:
                    mark[columns[p]] = r
                    found += 1
        out[r] = found


@kernel("i8[] i8[] i8[] T[] i8[] T[] i8 i8 i8[] T[] i8[] i8[] T[]", T="i8 u8 f8")
def multiply_rows(
    rows: I64,
    first: I64,
    last: I64,
    values: Array,
    columns: I64,
    factors: Array,
    start: int,
    stop: int,
    mark: I64,
    sums: Array,
    places: I64,
    out_columns: I64,
    out_values: Array,
) -> None:
    """Write the rows ``start .. stop - 1`` of the product from ``places[r]`` on, columns ascending."""
    for r in range(start, stop):
        at = places[r]
        for e in range(rows[r], rows[r + 1]):
            for p in range(first[e], last[e]):
                c = columns[p]
                if mark[c] != r:
                    mark[c] = r
                    sums[c] = 0
                    out_columns[at] = c
                    at += 1
                sums[c] += values[e] * factors[p]
        if (at - places[r]) * SCANNED < len(mark):
            out_columns[places[r] : at].sort()
        else:
            at = places[r]
            for c in range(len(mark)):
                if mark[c] == r:
                    out_columns[at] = c
                    at += 1
        for q in range(places[r], at):
            out_values[q] = sums[out_columns[q]]
