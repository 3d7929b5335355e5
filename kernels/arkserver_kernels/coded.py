"""Reductions of rows by the number of their group, in any order of the rows.

Each call adds rows to the state of all groups, some words a group side by side: (sum, what rounding left) of floats;
(count, mean, sum of squared differences from it); else the result itself. With `skip`, nan does not count.

Where the state of all groups does not fit the cache, `scatter_rows` brings rows of neighbouring groups together first.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

Array = NDArray[Any]
I64 = NDArray[np.int64]
F64 = NDArray[np.float64]

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)


@kernel("i8[] i8 i8[]")
def first_rows(codes: I64, start: int, rows: I64) -> None:
    """The first row of each group that the chunk has; rows are counted from `start`."""
    for i in range(len(codes) - 1, -1, -1):
        rows[np.uint64(codes[i])] = start + i


@kernel("i8[] T[] i8 i8 u8 i8[] i8[] T[]", T="u8 u1")
def scatter_rows(
    codes: I64, values: Array, start: int, stop: int, shift: np.uint64, positions: I64, out_codes: I64, out: Array
) -> None:  # fmt: skip
    """Write the rows ``start .. stop - 1`` to the next positions of their buckets, ``codes >> shift``."""
    for i in range(start, stop):
        row = np.uint64(i)
        code, value = codes[row], values[row]
        bucket = np.uint64(code) >> shift
        position = positions[bucket]  # once, as the code: as far as LLVM knows, the rows could overlap them
        out_codes[np.uint64(position)], out[np.uint64(position)] = code, value
        positions[bucket] = position + 1


@kernel("i8[] T[] i8 i8 i8 i8[] T[]", T="u8 u1")
def order_rows(
    codes: I64, values: Array, begin: int, first: int, stop: int, starts: I64, out: Array
) -> None:  # fmt: skip
    """Order the values of the groups ``first .. stop - 1`` by group, from `begin` on, and write where each starts."""
    starts[first:stop] = 0
    for i in range(len(codes)):
        starts[np.uint64(codes[i])] += 1
    place = begin
    for g in range(first, stop):
        starts[g], place = place, place + starts[g]
    for i in range(len(codes)):
        group = np.uint64(codes[i])
        position = starts[group]
        out[np.uint64(position)] = values[i]
        starts[group] = position + 1
    for g in range(stop - 1, first, -1):
        starts[g] = starts[g - 1]
    starts[first] = begin


@kernel("T[] i8[] T[]", "b1[] i8[] i8[]", T="i8 u8")
def integer_sums(values: Array, codes: I64, sums: Array) -> None:
    """Sums modulo 2^64."""
    for i in range(len(codes)):
        sums[np.uint64(codes[i])] += values[i]


@kernel("f8[] i8[] b1 i8 f8[]")
def float_sums(values: F64, codes: I64, skip: bool, width: int, state: F64) -> None:
    """Sums, what their rounding left (Knuth's two-sum, which has no branch) and, if there is room, counts."""
    for i in range(len(codes)):
        g, value = np.uint64(codes[i]) * np.uint64(width), values[i]
        missing = skip and value != value
        value = np.float64(0.0) if missing else value
        if width > 2:
            state[g + TWO] += not missing
        total = state[g]
        new = total + value
        part = new - total
        state[g] = new
        state[g + ONE] += (total - (new - part)) + (value - part)


@kernel("f8[] f8[] i8")
def add_float_sums(state: F64, other: F64, width: int) -> None:
    """Add the sums of other rows to those in `state`."""
    for i in range(0, len(state), width):
        total, value = state[i], other[i]
        new = total + value
        part = new - total
        state[i] = new
        state[i + 1] += other[i + 1] + (total - (new - part)) + (value - part)
        if width > 2:
            state[i + 2] += other[i + 2]


@kernel("f8[] i8 f8[]")
def finish_float_sums(state: F64, width: int, out: F64) -> None:
    """The sums; what rounding left is nan, and no help, where a sum is not finite."""
    for i in range(len(out)):
        total = state[width * i]
        out[i] = total + state[width * i + 1] if np.isfinite(total) else total


@kernel("i8[] i8[]")
def sizes(codes: I64, counts: I64) -> None:
    """How many rows each group has."""
    for i in range(len(codes)):
        counts[np.uint64(codes[i])] += 1


@kernel("f8[] i8[] i8[]")
def counts_of_numbers(values: F64, codes: I64, counts: I64) -> None:
    """How many values are not nan."""
    for i in range(len(codes)):
        counts[np.uint64(codes[i])] += values[i] == values[i]


@kernel("T[] i8[] b1 f8[]", T="i8 u8 f8 b1")
def products(values: Array, codes: I64, skip: bool, results: F64) -> None:
    """Products as floats."""
    for i in range(len(codes)):
        value = np.float64(values[i])
        results[np.uint64(codes[i])] *= 1.0 if skip and value != value else value


@kernel("T[] i8[] b1 b1 T[]", T="i8 u8 f8 u1")
def extremes(values: Array, codes: I64, greatest: bool, skip: bool, best: Array) -> None:
    """Least or greatest values; with `skip`, `best` begins with nan, which every number is better than."""
    for i in range(len(codes)):
        g, value = np.uint64(codes[i]), values[i]
        known = best[g]
        better = value > known if greatest else value < known
        if better or (skip and known != known) or (not skip and value != value):
            best[g] = value


@kernel("T[] i8[] b1 f8[]", T="i8 u8 f8 b1")
def moments(values: Array, codes: I64, skip: bool, state: F64) -> None:
    """Count, mean and sum of squared differences from the mean, by Welford's recurrence."""
    for i in range(len(codes)):
        g, value = np.uint64(codes[i]) * THREE, np.float64(values[i])
        if skip and value != value:
            continue
        count, off = state[g] + 1.0, value - state[g + ONE]
        mean = state[g + ONE] + off / count
        state[g], state[g + ONE] = count, mean
        state[g + TWO] += abs(off * (value - mean))


@kernel("f8[] f8[]")
def add_moments(state: F64, other: F64) -> None:
    """Add the moments of other rows to those in `state` (Chan, Golub, LeVeque 1979)."""
    for i in range(0, len(state), 3):
        if other[i] > 0:
            count = state[i] + other[i]
            off = other[i + 1] - state[i + 1]
            state[i + 1] += off * (other[i] / count)
            state[i + 2] += other[i + 2] + off * off * (state[i] * other[i] / count)
            state[i] = count
