"""Joins of two blocks of rows by equal keys: pairs of row numbers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Literal

import numpy as np
from arkserver_kernels import joining

from arkserver.engine import buffers
from arkserver.engine.blocks import grouping, tables
from arkserver.engine.blocks.moving import concatenate, full, gather, nonzero, scatter, scatter_scalar
from arkserver.engine.blocks.orders import joint_range, key_range, order_of
from arkserver.engine.blocks.radix import argsort_marked
from arkserver.engine.blocks.sorting import packed
from arkserver.engine.blocks.views import Array, Ints, raw
from arkserver.engine.threads import threads

How = Literal["inner", "left", "right", "outer"]

# Entries of a table by key for each key, at most; a hash table has about three words a key.
ENTRIES_PER_KEY = 4
# Those of a table of right rows, which are half as large.
ENTRIES_PER_ROW = 8


def join(left_keys: Sequence[Array], right_keys: Sequence[Array], how: How = "inner") -> tuple[Ints, Ints]:
    """Pair the rows whose keys are all equal; nan equals nan, and -0.0 equals 0.0.

    Parameters
    ----------
    left_keys, right_keys : sequence of ndarray
        The 1-D key columns of each side, of equal dtypes.
    how : str
        ``"inner"``: pairs only; ``"left"``, ``"right"``: and the rows of that side without a partner; ``"outer"``: of
        both sides.

    Returns
    -------
    left, right : ndarray of int64
        Row numbers; -1 where there is no partner. In the order of the left rows (``"right"``: of the right rows), each
        row's partners in their order; ``"outer"`` ends with the right rows without a partner.
    """
    if how == "right":
        right, left = join(right_keys, left_keys, "left")
        return left, right
    left_word, right_word = _one_key([_normal(k) for k in left_keys], [_normal(k) for k in right_keys])
    left, right = _pairs(left_word, right_word, outer=how != "inner")
    if how == "outer":
        alone = full(len(right_word), True, np.bool_)
        scatter_scalar(alone, right[right >= 0], False)
        rest = nonzero(alone)
        left, right = concatenate([left, full(len(rest), -1, np.int64)]), concatenate([right, rest])
    return left, right


def _normal(key: Array) -> Array:
    """A key whose equal values have equal bits, as words."""
    if key.dtype.kind == "f":
        return key + 0.0
    return key if key.dtype.itemsize == 8 else key.astype(np.uint64)


def _one_key(left: Sequence[Array], right: Sequence[Array]) -> tuple[Array, Array]:
    """One word a row for several keys: packed by their ranges, or else the number of the row's group."""
    if len(left) == 1:
        return left[0], right[0]
    if not len(left[0]) or not len(right[0]):
        return np.zeros(len(left[0]), np.uint64), np.zeros(len(right[0]), np.uint64)
    orders = [order_of(k.dtype) for k in left]
    ranges = [
        joint_range([key_range(raw(a), o), key_range(raw(b), o)]) for a, b, o in zip(left, right, orders, strict=True)
    ]
    if sum(r.bits for r in ranges) <= 64:
        return packed(left, orders, ranges), packed(right, orders, ranges)
    both = [concatenate([a, b]) for a, b in zip(left, right, strict=True)]
    codes = grouping.codes_of_groups(*grouping.group(both))
    return codes[: len(left[0])], codes[len(left[0]) :]


def _pairs(left: Array, right: Array, *, outer: bool) -> tuple[Ints, Ints]:
    """Look up the right row of each left one; or, where several have one key, the group of right rows."""
    look_up = _rows_by_key(right) if len(left) and len(right) else None
    return _pairs_of_groups(left, right, outer) if look_up is None else _pairs_of_rows(left, look_up, outer)


def _rows_by_key(right: Array) -> Callable[..., int] | None:
    """The kernel that pairs left rows with the right rows of their keys, from a table; None if a key comes twice."""
    keys, order = raw(right), order_of(right.dtype)
    found = key_range(keys, order)
    if not order.negative and 1 << found.bits <= ENTRIES_PER_ROW * len(keys):
        last = (found.most - int(found.base)) >> int(found.zeros)
        code = order.flip, found.base, found.zeros
        rows = full(last + 2, -1, np.int32 if len(keys) < 1 << 31 else np.int64)
        alone = joining.enter_rows(keys, *code, rows)
        return partial(joining.match_rows, *code, rows) if alone else None
    table = tables.empty_table(len(keys), 2)
    return partial(joining.match_hashed_rows, table) if joining.hash_rows(keys, table) else None


def _pairs_of_rows(left: Array, look_up: Callable[..., int], outer: bool) -> tuple[Ints, Ints]:
    keys, out = raw(left), buffers.empty((2, len(left)), np.int64)
    chunks = threads().chunks(len(left))
    starts, stops = [a for a, _ in chunks], [b for _, b in chunks]
    counts = threads().run(lambda a, b: look_up(keys[a:b], outer, a, out[0, a:b], out[1, a:b]), starts, stops)
    if sum(counts) == len(left):
        return out[0], out[1]
    first, second = (concatenate([o[a : a + n] for a, n in zip(starts, counts, strict=True)]) for o in out)
    return (first, second) if len(chunks) > 1 else (first.copy(), second.copy())


def _pairs_of_groups(left: Array, right: Array, outer: bool) -> tuple[Ints, Ints]:
    """Group the right rows by key, find the group of each left row, and write the pairs."""
    members, new = argsort_marked(right)
    starts = nonzero(new)
    lengths = grouping.segment_lengths(starts, len(right))
    group = _groups_of(left, right, gather(members, starts))
    chunks = threads().chunks(len(left))
    begins, stops = [a for a, _ in chunks], [b for _, b in chunks]
    counts = threads().run(lambda a, b: joining.count_pairs(group[a:b], lengths, outer), begins, stops)
    ends = np.cumsum(counts)
    out = buffers.empty((2, int(ends[-1])), np.int64)

    def write(start: int, stop: int, end: int, count: int) -> None:
        left_part, right_part = out[0, end - count : end], out[1, end - count : end]
        joining.write_pairs(group[start:stop], starts, lengths, members, outer, start, left_part, right_part)

    threads().run(write, begins, stops, ends.tolist(), counts)
    return out[0], out[1]


def _groups_of(left: Array, right: Array, firsts: Ints) -> Ints:
    """The number of the right side's group that has each left row's key, -1 without one."""
    if not len(firsts) or not len(left):
        return full(len(left), -1, np.int64)
    order, keys = order_of(right.dtype), raw(left)
    distinct = raw(gather(right, firsts))
    found = key_range(distinct, order)
    if order.negative or 1 << found.bits > ENTRIES_PER_KEY * (len(left) + len(right)):
        return tables.numbers_among(distinct, keys)
    last = (found.most - int(found.base)) >> int(found.zeros)
    table, out = full(last + 1, -1, np.int64), buffers.empty(len(left), np.int64)
    places = ((distinct ^ order.flip) - found.base) >> found.zeros
    scatter(table, places.view(np.int64), np.arange(len(distinct)))
    args = order.flip, found.base, np.uint64(last), found.zeros, table
    threads().each_chunk(lambda a, b: joining.look_up(keys[a:b], *args, out[a:b]), len(left))
    return out
