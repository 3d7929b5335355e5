"""Reductions of one block by the number of each row's group, which needs no order of the rows.

The state of all groups is kept while the rows pass. When it does not fit the cache of a core, the rows are first
brought into buckets of neighbouring groups (as a radix sort does), whose states do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from arkserver_kernels import coded

from arkserver.engine import buffers
from arkserver.engine.blocks.arithmetic import convert
from arkserver.engine.blocks.cutting import Cut, count_codes
from arkserver.engine.blocks.elementwise import apply
from arkserver.engine.blocks.moving import full
from arkserver.engine.blocks.reducing import WIDE
from arkserver.engine.blocks.segmented import nothing_of, reduce_segments
from arkserver.engine.blocks.views import Array, Ints, plain, quiet, raw
from arkserver.engine.threads import MINIMUM_CHUNK, threads
from arkserver.errors import UnsupportedError

# Groups whose state takes little of the second-level cache.
CACHED_BITS = 12
# Buckets that rows are brought into, at most: writing to more at a time is slow.
BUCKET_BITS = 10
# Every thread has a state of its own of up to so many bytes, which the last cache holds; above, buckets are worth it.
DIRECT_BYTES = 1 << 23


@dataclass(frozen=True, slots=True)
class Rows:
    """Values beside the numbers of their groups."""

    values: Array
    codes: Ints
    groups: int
    skip: bool


@dataclass(frozen=True, slots=True)
class _Operation:
    """A reduction by a state that rows are added to."""

    kinds: str
    begin: Callable[[Rows], Array]
    """the state of groups without rows"""
    add: Callable[[Rows, Array], None]
    """adds rows to a state"""
    merge: Callable[[Array, Array, bool], None]
    """adds a second state to a first, given whether nan does not count"""
    finish: Callable[[Array, int], Array] = lambda state, _: state
    """the results, given ddof"""
    prepare: Callable[[Array], Array] = lambda values: values
    """what is reduced instead of the values"""


def reduce_codes(op: str, values: Array, codes: Ints, groups: int, skip_nan: bool = True, ddof: int = 1) -> Array:
    """Reduce the rows of each group.

    Parameters
    ----------
    op : str
        One of `OPERATIONS`.
    values : ndarray
        1-D: int64, uint64, float64, uint8 or bool.
    codes : ndarray of int64
        The number of each row's group, known to be in ``0 .. groups - 1``.
    groups : int
        How many groups there are.
    skip_nan, ddof
        As in `segmented.reduce_segments`, and so are the results; but a group without rows has the least or greatest of
        floats inf or -inf unless `skip_nan`.

    Raises
    ------
    UnsupportedError
        When `op` is not defined for the dtype.
    """
    if op in SORTING:
        arranged, starts = arrange(values, codes, groups)
        return reduce_segments(op, arranged, starts, skip_nan, ddof)
    return finish(op, state_of(op, values, codes, groups, skip_nan), ddof)


def state_of(op: str, values: Array, codes: Ints, groups: int, skip_nan: bool = True) -> Array:
    """What `finish` makes results of: one row a group, and states of other rows can be added by `merge`."""
    made = _STATES.get(op)
    if made is None or values.dtype.kind not in made.kinds:
        raise UnsupportedError(f"{op} of groups is not defined for {values.dtype}; see reduce_codes")
    rows = Rows(plain(made.prepare(values)), plain(codes), groups, skip_nan)
    one = made.begin(replace(rows, values=rows.values[:0], codes=rows.codes[:0], groups=1))
    if groups * one.nbytes <= DIRECT_BYTES or len(codes) < 2 * groups:
        return _direct(made, rows)
    cut = _cut(rows)
    if np.diff(cut.starts).max() > len(codes) // 2:  # few groups have most rows, so that their state is in the cache
        return _direct(made, rows)
    return _by_buckets(made, _scattered(rows, cut), cut)


def merge(op: str, state: Array, other: Array, skip_nan: bool = True) -> None:
    """Add the states of the groups for other rows to `state`."""
    _merge(_STATES[op], state, other, skip_nan)


def _merge(made: _Operation, state: Array, other: Array, skip: bool) -> None:
    threads().each_chunk(quiet(lambda a, b: made.merge(state[a:b], other[a:b], skip)), len(state))


@quiet
def finish(op: str, state: Array, ddof: int = 1) -> Array:
    """The results."""
    return _STATES[op].finish(state, ddof)


def arrange(values: Array, codes: Ints, groups: int) -> tuple[Array, Ints]:
    """The values in the stable order of their groups, and where each group starts."""
    rows, starts = Rows(raw(values), plain(codes), groups, False), np.zeros(groups, np.int64)
    if not len(codes):
        return values[:0], starts
    cut = _cut(rows)
    scattered, out, last = _scattered(rows, cut), buffers.empty_like(rows.values), groups - 1

    def order(bucket: int) -> None:
        a, b = cut.starts[bucket : bucket + 2]
        first, stop = bucket << int(cut.shift), min(groups, (bucket + 1) << int(cut.shift))
        coded.order_rows(scattered.codes[a:b], scattered.values[a:b], a, first, stop, starts, out)

    threads().run(order, range((last >> int(cut.shift)) + 1))
    return out.view(values.dtype), starts


def first_rows(codes: Ints, groups: int) -> Ints:
    """The first row of each group; the number of rows for one that has none."""
    rows = plain(codes)

    def find(start: int, stop: int) -> Ints:
        out = full(groups, len(rows), np.int64)
        coded.first_rows(rows[start:stop], start, out)
        return out

    first, *others = threads().each_share(find, len(rows), _share_of(groups))
    for other in others:
        np.minimum(first, other, out=first)
    return first


# --- the ways through the rows ---------------------------------------------------------------------------------------


def _direct(made: _Operation, rows: Rows) -> Array:
    """Every thread has a state of its own."""

    def reduce(start: int, stop: int) -> Array:
        part = Rows(rows.values[start:stop], rows.codes[start:stop], rows.groups, rows.skip)
        state = made.begin(part)
        made.add(part, state)
        return state

    first, *others = threads().each_share(quiet(reduce), len(rows.codes), _share_of(rows.groups))
    for other in others:
        _merge(made, first, other, rows.skip)
    return first


def _share_of(groups: int) -> int:
    """How many rows are worth a state of their own, which has at most as many groups."""
    return max(MINIMUM_CHUNK, groups)


def _cut(rows: Rows) -> Cut:
    shift = max(CACHED_BITS, (rows.groups - 1).bit_length() - BUCKET_BITS)
    return count_codes(raw(rows.codes), shift, ((rows.groups - 1) >> shift) + 1)


def _scattered(rows: Rows, cut: Cut) -> Rows:
    """The rows, those of a bucket together, in their order."""
    codes, words = buffers.empty_like(rows.codes), buffers.empty_like(raw(rows.values))

    def scatter(positions: Ints, start: int, stop: int) -> None:
        coded.scatter_rows(rows.codes, raw(rows.values), start, stop, cut.shift, positions, codes, words)

    threads().run(scatter, cut.positions, [a for a, _ in cut.chunks], [b for _, b in cut.chunks])
    return Rows(words.view(rows.values.dtype), codes, rows.groups, rows.skip)


def _by_buckets(made: _Operation, rows: Rows, cut: Cut) -> Array:
    """All buckets share the state: each has groups of its own."""
    state = made.begin(rows)

    def reduce(start: int, stop: int) -> None:
        made.add(Rows(rows.values[start:stop], rows.codes[start:stop], rows.groups, rows.skip), state)

    threads().run(quiet(reduce), cut.starts[:-1], cut.starts[1:])
    return state


# --- the reductions --------------------------------------------------------------------------------------------------


def _ufunc(add: np.ufunc) -> Callable[[Array, Array, bool], None]:
    return lambda state, other, _: add(state, other, out=state)


def _no_sums(rows: Rows) -> Array:
    kind = rows.values.dtype.kind
    return full((rows.groups, 2) if kind == "f" else rows.groups, 0, WIDE[kind])


def _add_sums(rows: Rows, state: Array) -> None:
    if state.ndim > 1:
        coded.float_sums(rows.values, rows.codes, rows.skip, state.shape[1], state.reshape(-1))
    else:
        coded.integer_sums(rows.values, rows.codes, state)


def _merge_sums(state: Array, other: Array, skip: bool) -> None:  # noqa: ARG001 (one of several)
    if state.ndim > 1:
        coded.add_float_sums(state.reshape(-1), other.reshape(-1), state.shape[1])
    else:
        np.add(state, other, out=state)


def _sums(state: Array, ddof: int = 0) -> Array:  # noqa: ARG001 (one of several)
    if state.ndim == 1:
        return state
    out = buffers.empty(len(state), np.float64)
    width = state.shape[1]
    threads().each_chunk(lambda a, b: coded.finish_float_sums(state[a:b].reshape(-1), width, out[a:b]), len(out))
    return out


def _means(state: Array, ddof: int) -> Array:  # noqa: ARG001 (one of several)
    total, count = _sums(state), state[:, 2]
    means: Array = np.divide(total, count, out=total, where=count > 0)
    return means


def _variances(state: Array, ddof: int) -> Array:
    free = state[:, 0] - ddof
    variances: Array = np.divide(state[:, 2], free, out=np.full(len(free), np.nan), where=free > 0)
    return variances


def _extreme(*, greatest: bool) -> _Operation:
    def begin(rows: Rows) -> Array:
        dtype = rows.values.dtype
        nothing = nothing_of(dtype, greatest=greatest)
        if dtype.kind == "f" and not rows.skip:
            nothing = -np.inf if greatest else np.inf
        return full(rows.groups, nothing, dtype)

    def add(rows: Rows, state: Array) -> None:
        values, best = (raw(x) if x.dtype.kind == "b" else x for x in (rows.values, state))
        coded.extremes(values, rows.codes, greatest, rows.skip, best)

    def merge_extremes(state: Array, other: Array, skip: bool) -> None:
        better = (np.fmax, np.maximum) if greatest else (np.fmin, np.minimum)
        better[not skip](state, other, out=state)

    return _Operation("iufb", begin, add, merge_extremes)


def _truth(of: _Operation) -> _Operation:
    return replace(of, prepare=lambda values: apply(np.not_equal, values, 0, dtype=np.dtype(np.bool_)))


def _add_counts(rows: Rows, state: Array) -> None:
    if rows.skip and rows.values.dtype.kind == "f":
        coded.counts_of_numbers(rows.values, rows.codes, state)
    else:
        coded.sizes(rows.codes, state)


def _words(values: Array) -> Array:
    return values.astype(np.uint64) if values.dtype == np.uint8 else values


def _signed(values: Array) -> Array:
    return values.astype(np.int64) if values.dtype == np.uint8 else values


def _reals(values: Array) -> Array:
    return values if values.dtype.kind == "f" else apply(convert, values, dtype=np.dtype(np.float64))


_MOMENTS = _Operation(
    "iufb",
    lambda rows: full((rows.groups, 3), 0, np.float64),
    lambda rows, state: coded.moments(rows.values, rows.codes, rows.skip, state.reshape(-1)),
    lambda state, other, _: coded.add_moments(state.reshape(-1), other.reshape(-1)),
    _variances,
    _words,
)
_LEAST, _MOST = _extreme(greatest=False), _extreme(greatest=True)

_STATES = {
    "sum": _Operation("iufb", _no_sums, _add_sums, _merge_sums, _sums, _signed),
    "mean": _Operation(
        "iufb", lambda rows: full((rows.groups, 3), 0, np.float64), _add_sums, _merge_sums, _means, _reals
    ),
    "prod": _Operation(
        "iufb",
        lambda rows: full(rows.groups, 1, np.float64),
        lambda rows, state: coded.products(rows.values, rows.codes, rows.skip, state),
        _ufunc(np.multiply),
        prepare=_words,
    ),
    "min": _LEAST,
    "max": _MOST,
    "any": _truth(_MOST),
    "all": _truth(_LEAST),
    "var": _MOMENTS,
    "std": replace(_MOMENTS, finish=lambda state, ddof: np.sqrt(_variances(state, ddof))),
    "count": _Operation("iufb", lambda rows: full(rows.groups, 0, np.int64), _add_counts, _ufunc(np.add)),
}
ADDING = tuple(_STATES)
"""The reductions by states."""
SORTING = ("median", "nunique", "mode")
"""Those that look at the values of a group together."""
OPERATIONS = (*ADDING, *SORTING)
