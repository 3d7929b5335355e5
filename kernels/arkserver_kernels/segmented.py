"""Reductions of segments: runs of `values`, or of the values at `places` when that is not empty.

A call works on the segments ``first .. stop - 1``; each runs from its start to the next one's, the last one of all to
`end`. With `skip`, nan values do not count.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import decode, encode
from arkserver_kernels.policy import inlined, kernel
from arkserver_kernels.radix import sort_words

Array = NDArray[Any]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
F64 = NDArray[np.float64]

AND, OR, XOR = 0, 1, 2
BLOCK = 128  # values are added plainly within a block and with compensation between blocks


@inlined
def stop_of(starts: I64, segment: int, end: int) -> int:
    return starts[segment + 1] if segment + 1 < len(starts) else end


@inlined
def at(values: Array, places: I64, i: int) -> Any:
    return values[np.uint64(i)] if len(places) == 0 else values[np.uint64(places[np.uint64(i)])]


@kernel("T[] i8[] i8[] i8 i8 i8 T[]", "b1[] i8[] i8[] i8 i8 i8 i8[]", T="i8 u8")
def integer_sums(values: Array, places: I64, starts: I64, first: int, stop: int, end: int, out: Array) -> None:
    """Sums modulo 2^64."""
    for s in range(first, stop):
        out[s] = 0
        for i in range(starts[s], stop_of(starts, s, end)):
            out[s] += at(values, places, i)


@kernel("f8[] i8[] i8[] i8 i8 i8 b1 f8[]")
def float_sums(
    values: F64, places: I64, starts: I64, first: int, stop: int, end: int, skip: bool, out: F64
) -> None:  # fmt: skip
    """Sums, with Neumaier's compensation between blocks."""
    for s in range(first, stop):
        total = rest = 0.0
        segment_end = stop_of(starts, s, end)
        if segment_end - starts[s] <= BLOCK:
            for i in range(starts[s], segment_end):
                value = at(values, places, i)
                total += 0.0 if skip and value != value else value
            out[s] = total
            continue
        for block in range(starts[s], segment_end, BLOCK):
            part = 0.0
            for i in range(block, min(block + BLOCK, segment_end)):
                value = at(values, places, i)
                part += 0.0 if skip and value != value else value
            new = total + part
            rest += (total - new) + part if abs(total) >= abs(part) else (part - new) + total
            total = new
        out[s] = total + rest if np.isfinite(total) else total


@kernel("T[] i8[] i8[] i8 i8 i8 b1 f8[]", T="i8 u8 f8 b1")
def products(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, skip: bool, out: F64
) -> None:  # fmt: skip
    """Products as floats."""
    for s in range(first, stop):
        result = 1.0
        for i in range(starts[s], stop_of(starts, s, end)):
            value = np.float64(at(values, places, i))
            result *= 1.0 if skip and value != value else value
        out[s] = result


@kernel("T[] i8[] i8[] i8 i8 i8 b1 b1 T i8[]", T="i8 u8 f8 u1")
def extreme_places(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, greatest: bool, skip: bool, nothing: Any,
    out: I64,
) -> None:  # fmt: skip
    """Where each segment has its first least or greatest value, counted in `places`; its start when all are nan.

    `nothing` begins the comparison; it is what no value goes beyond. An empty segment gets -1.
    """
    for s in range(first, stop):
        best, segment_end = nothing, stop_of(starts, s, end)
        found = starts[s] if starts[s] < segment_end else -1
        fresh = True
        for i in range(starts[s], segment_end):
            value = at(values, places, i)
            if value != value:
                if skip:
                    continue
                found = i
                break
            if fresh or (value > best if greatest else value < best):
                best, found, fresh = value, i, False
        out[s] = found


@kernel("T[] i8[] i8[] i8 i8 i8 b1 b1 T T[]", T="i8 u8 f8 u1")
def extremes(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, greatest: bool, skip: bool, nothing: Any,
    out: Array,
) -> None:  # fmt: skip
    """Least or greatest values; nan where one counts; `nothing` (nan for floats) where no value does."""
    for s in range(first, stop):
        best = nothing
        for i in range(starts[s], stop_of(starts, s, end)):
            value = at(values, places, i)
            if best != best or (value > best if greatest else value < best):
                best = value
            if value != value and not skip:
                best = value
                break
        out[s] = best


@kernel("T[] i8[] i8[] i8 i8 i8 b1 f8[] f8[] f8[]", T="i8 u8 f8 b1")
def moments(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, skip: bool, counts: F64, means: F64,
    squares: F64,
) -> None:  # fmt: skip
    """Count, mean, and sum of squared differences from the mean, which is a second pass; all 0 without values."""
    for s in range(first, stop):
        count, total, segment_end = 0, 0.0, stop_of(starts, s, end)
        for i in range(starts[s], segment_end):
            value = np.float64(at(values, places, i))
            if not (skip and value != value):
                total += value
                count += 1
        mean = total / count if count > 0 else 0.0
        square = off = 0.0
        for i in range(starts[s], segment_end):
            value = np.float64(at(values, places, i))
            if not (skip and value != value):
                square += (value - mean) * (value - mean)
                off += value - mean
        exact = mean + off / count if count > 0 and np.isfinite(off) else mean
        counts[s], means[s], squares[s] = count, exact, square


@kernel("f8[] f8[] f8[] i8[] i8 f8[] f8[] f8[]")
def combine_moments(
    part_counts: F64, part_means: F64, part_squares: F64, firsts: I64, end: int, counts: F64, means: F64, squares: F64
) -> None:  # fmt: skip
    """Moments of segments from those of their parts."""
    for s in range(len(firsts)):
        count = total = square = 0.0
        for p in range(firsts[s], stop_of(firsts, s, end)):
            count += part_counts[p]
            total += part_counts[p] * part_means[p]
        mean = total / count if count > 0 else 0.0
        for p in range(firsts[s], stop_of(firsts, s, end)):
            if part_counts[p] > 0:
                square += part_squares[p] + part_counts[p] * (part_means[p] - mean) ** 2
        counts[s], means[s], squares[s] = count, mean, square


@kernel("T[] i8[] i8[] i8 i8 i8 i8 T[]", T="u8 u1")
def bit_folds(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, operation: int, out: Array
) -> None:  # fmt: skip
    """And, or, exclusive or of bits into `out`, which holds what an empty segment gives."""
    for s in range(first, stop):
        result = out[s]
        for i in range(starts[s], stop_of(starts, s, end)):
            value = at(values, places, i)
            if operation == AND:
                result &= value
            elif operation == OR:
                result |= value
            else:
                result ^= value
        out[s] = result


@kernel("f8[] i8[] i8[] i8 i8 i8 i8[]")
def counts_of_numbers(
    values: F64, places: I64, starts: I64, first: int, stop: int, end: int, out: I64
) -> None:  # fmt: skip
    """How many values are not nan."""
    for s in range(first, stop):
        out[s] = 0
        for i in range(starts[s], stop_of(starts, s, end)):
            value = at(values, places, i)
            out[s] += value == value


@kernel("T[] i8[] i8[] i8 i8 i8 u8 u8 u8 u8 u8[] u8[] i8[] i8[] u8[] u8[]", T="u8 u1")
def middles(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, negative: np.uint64, flip: np.uint64,
    least: np.uint64, most: np.uint64, codes: U64, spare: U64, digits: I64, counts: I64, lower: U64, upper: U64,
) -> None:  # fmt: skip
    """The two middle keys among those whose codes are ``least .. most``, and how many these are.

    Only arrays of this thread are handed on: to count references to the values would be slow, as all threads do it.
    """
    for s in range(first, stop):
        part = codes[: stop_of(starts, s, end) - starts[s]]
        for i in range(len(part)):
            part[i] = encode(np.uint64(at(values, places, starts[s] + i)), negative, flip)
        sort_words(part, spare, 0, digits)
        begin, finish = 0, len(part)
        while begin < finish and part[begin] < least:
            begin += 1
        while finish > begin and part[finish - 1] > most:
            finish -= 1
        counts[s] = finish - begin
        if finish > begin:
            lower[s] = decode(part[begin + (finish - begin - 1) // 2], negative, flip)
            upper[s] = decode(part[begin + (finish - begin) // 2], negative, flip)


@kernel("T[] i8[] i8[] i8 i8 i8 u8 u8 u8[] u8[] i8[] i8[] u8[]", T="u8 u1")
def distinct(
    values: Array, places: I64, starts: I64, first: int, stop: int, end: int, negative: np.uint64, flip: np.uint64,
    codes: U64, spare: U64, digits: I64, counts: I64, modes: U64,
) -> None:  # fmt: skip
    """How many distinct keys a segment has, and the one it has most often (the least of these)."""
    for s in range(first, stop):
        part = codes[: stop_of(starts, s, end) - starts[s]]
        for i in range(len(part)):
            part[i] = encode(np.uint64(at(values, places, starts[s] + i)), negative, flip)
        sort_words(part, spare, 0, digits)
        counts[s], modes[s] = 0, 0
        longest = run = 0
        for i in range(len(part)):
            fresh = i == 0 or part[i] != part[i - 1]
            counts[s] += fresh
            run = 1 if fresh else run + 1
            if run > longest:
                longest, modes[s] = run, decode(part[i], negative, flip)
