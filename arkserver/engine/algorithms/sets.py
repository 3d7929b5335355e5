"""Sets: distinct elements, membership, and the operations on two sets. Elements are told apart by their bits.

One block goes straight to the block's kernel. Over several, each block sends its distinct elements to the block that
holds their range of values, so that what occurs often travels once; results are sorted, block after block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms import grouping, indexing
from arkserver.engine.algorithms.groupkeys import as_bits, paired_columns
from arkserver.engine.algorithms.ranges import Columns, Ranges, exchange_by_range, joined, ranges_of
from arkserver.engine.algorithms.searching import SMALL, lookup
from arkserver.engine.algorithms.segments import broadcast_to_rows, group_numbers, reduce, sizes
from arkserver.engine.blocks import sets, texttable
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import align, array_of, array_of_unknown, relayout, stacked, text_here, to_numpy
from arkserver.engine.values import Array, Strings, TextBlock

BOOL, INT64 = np.dtype(np.bool_), np.dtype(np.int64)
Bools = NDArray[np.bool_]

# There are fewer strings than this in a table.
MOST_IN_TABLE = 1 << 32

OPERATIONS: dict[str, Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]] = {
    "intersect": sets.intersect,
    "union": sets.union,
    "difference": sets.difference,
    "symmetric_difference": sets.symmetric_difference,
}


def flat(ex: Executor, x: Array) -> Array:
    """All elements in one dimension, in C order; nothing moves."""
    if x.ndim == 1:
        return x
    width = prod(x.shape[1:])
    return Array(x.dtype, (x.size,), ex.map(np.ravel, x).values, tuple(n * width for n in x.rows))


def unique(ex: Executor, x: Array) -> Array:
    """The distinct elements, ascending."""
    x = flat(ex, x)
    local = _distinct_of_blocks(ex, x)
    if len(x.rows) == 1:
        return local
    ranges = ranges_of(ex, [local], positions=False)
    return array_of_unknown(ex, exchange_by_range(ex, ranges, [local], _merge_distinct, positions=False), x.dtype)


def _distinct_of_blocks(ex: Executor, x: Array) -> Array:
    refs = ex.map(sets.unique, x)
    rows = tuple(ex.collect(len, refs))
    return Array(x.dtype, (sum(rows),), refs.values, rows)


def _merge_distinct(pieces: Sequence[Columns]) -> NDArray[Any]:
    return sets.unique(joined(pieces)[0])


def unique_counts(ex: Executor, x: Array) -> tuple[Array, Array]:
    """The distinct elements, ascending, and how often each occurs."""
    x = flat(ex, x)
    if len(x.rows) == 1:
        found = ex.map_parts(2, sets.unique_counts, x)
        return array_of_unknown(ex, found[0], x.dtype), array_of_unknown(ex, found[1], INT64)
    groups = grouping.group(ex, [grouping.as_codes(ex, x)])
    return indexing.gather(ex, x, groups.firsts), sizes(ex, groups.segments, x.size)


def unique_inverse(ex: Executor, x: Array) -> tuple[Array, Array]:
    """The distinct elements, ascending, and the number of each element of `x` among them, in the shape of `x`."""
    column = flat(ex, x)
    if len(column.rows) == 1:
        found = ex.map_parts(2, sets.unique_inverse, column)
        inverse = Array(INT64, column.shape, found[1].values, column.rows)
        return array_of_unknown(ex, found[0], x.dtype), _shaped(ex, inverse, x)
    values, _, inverse, _ = unique_all(ex, x)
    return values, inverse


def unique_all(ex: Executor, x: Array) -> tuple[Array, Array, Array, Array]:
    """The distinct elements, where each occurs first (in C order), each element's number among them, and counts."""
    column = flat(ex, x)
    groups = grouping.group(ex, [grouping.as_codes(ex, column)])
    values = indexing.gather(ex, column, groups.firsts)
    inverse = group_numbers(ex, groups)
    return values, groups.firsts, _shaped(ex, inverse, x), sizes(ex, groups.segments, column.size)


def _shaped(ex: Executor, column: Array, like: Array) -> Array:
    """A column as long as `like` has elements, in its shape and cut."""
    _, column = align(ex, flat(ex, like), column)
    if like.ndim == 1:
        return column
    return array_of(ex.map(_reshaped, column, Each(like.rows), like.shape[1:]), like, column.dtype)


def _reshaped(block: NDArray[Any], rows: int, tail: tuple[int, ...]) -> NDArray[Any]:
    return block.reshape(rows, *tail)


def in1d(ex: Executor, x: Array, test: Array, *, invert: bool = False) -> Array:
    """Whether each element of `x` is (or, inverted, is not) in `test`, which has the same dtype."""
    x, test = as_bits(ex, x), as_bits(ex, flat(ex, test))
    if len(test.rows) > 1 and test.nbytes > SMALL:
        refs = lookup(ex, unique(ex, test), x, _member, "right", BOOL)
    else:
        refs = ex.map(_in1d, x, to_numpy(ex, test))
    if invert:
        refs = ex.map(np.logical_not, refs)
    return array_of(refs, x, BOOL)


def strings_in(ex: Executor, s: Strings, test: Strings, *, invert: bool = False) -> Array:
    """Whether each string is (or, inverted, is not) among others."""
    if test.size < MOST_IN_TABLE and (len(test.rows) == 1 or test.nbytes <= SMALL):
        refs = ex.map(_texts_in, s, text_here(ex, test), invert)
        return Array(BOOL, s.shape, refs.values, s.rows)
    left, right = paired_columns(ex, s, test)
    if len(left) == 1:
        return in1d(ex, left[0], right[0], invert=invert)
    found = _in_by_groups(ex, left, right)
    return array_of(ex.map(np.logical_not, found), found) if invert else found


def _texts_in(block: TextBlock, test: TextBlock, invert: bool) -> Bools:
    found = texttable.in1d(block, test)
    return np.logical_not(found, out=found) if invert else found


def _in_by_groups(ex: Executor, left: Sequence[Array], right: Sequence[Array]) -> Array:
    """Group the rows of both tables; a row is found when its group has one of the other table."""
    groups = grouping.group(ex, [stacked(ex, a, b) for a, b in zip(left, right, strict=True)])
    n, m = left[0].size, right[0].size
    last = reduce(ex, "max", groups.permutation, groups.segments)
    shared = array_of(ex.map(np.greater_equal, last, n), last, BOOL)
    both = broadcast_to_rows(ex, shared, groups)
    parts = relayout(ex, both, (*left[0].rows, m))
    return Array(BOOL, (n,), parts.blocks[:-1], left[0].rows)


def _in1d(x: NDArray[Any], test: NDArray[Any]) -> Bools:
    return sets.in1d(x.reshape(-1), test).reshape(x.shape)


def _member(block: NDArray[Any], start: int, values: NDArray[Any], side: str) -> Bools:  # noqa: ARG001 (one of several)
    return _in1d(values, block)


def combine(ex: Executor, operation: str, a: Array, b: Array) -> Array:
    """One of `OPERATIONS` on two arrays of one dtype; distinct elements, ascending."""
    fn = OPERATIONS[operation]
    a, b = flat(ex, a), flat(ex, b)
    if len(a.rows) == len(b.rows) == 1:
        return array_of_unknown(ex, ex.map(fn, a, b), a.dtype)
    a, b = _distinct_of_blocks(ex, a), _distinct_of_blocks(ex, b)
    ranges = ranges_of(ex, [a], [b], positions=False)
    return array_of_unknown(ex, ex.map(fn, _ranged(ex, ranges, a), _ranged(ex, ranges, b)), a.dtype)


def _ranged(ex: Executor, ranges: Ranges, x: Array) -> Refs:
    return exchange_by_range(ex, ranges, [x], _merge_distinct, positions=False)
