"""Reductions of the groups of one block (protocol reference 9.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from arkserver_kernels import segmented

from arkserver.engine import buffers
from arkserver.engine.blocks.grouping import run_over_segments, segment_lengths
from arkserver.engine.blocks.moving import gather
from arkserver.engine.blocks.orders import order_of
from arkserver.engine.blocks.views import Array, Ints, plain, raw
from arkserver.engine.threads import threads
from arkserver.errors import UnsupportedError

_NONE = np.empty(0, np.int64)
_INFINITY, _SIGN = 0x7FF << 52, 1 << 63


@dataclass(frozen=True, slots=True)
class Groups:
    """The segments of an array's values, or of the values at `places` when that is not empty."""

    values: Array
    places: Ints
    starts: Ints
    size: int
    skip: bool
    ddof: int

    def run(self, kernel: Callable[..., None], values: Array, *rest: Any) -> None:
        """Call ``kernel(values, places, starts, first, stop, size, *rest)`` for ranges of segments."""
        args = plain(values), self.places, self.starts
        run_over_segments(self.starts, self.size, lambda a, b: kernel(*args, a, b, self.size, *rest))


def reduce_segments(op: str, values: Array, segments: Ints, skip_nan: bool = True, ddof: int = 1) -> Array:
    """Reduce the segments of a 1-D block that is in group order already.

    Parameters
    ----------
    op : str
        sum, prod, min, max, argmin, argmax, mean, var, std, median, any, all, and, or, xor, nunique, count, first, or
        mode.
    values : ndarray
        int64, uint64, float64, uint8 or bool.
    segments : ndarray of int64
        Where each segment starts, ascending; equal starts make an empty segment.
    skip_nan : bool
        Whether nan does not count; without it, it makes the result nan.
    ddof : int
        var and std divide by the count less this; nan where that is not positive.

    Returns
    -------
    ndarray
        One element a segment: sum of bool is int64; prod, mean, var, std, median float64; nunique, count, argmin and
        argmax int64, the latter positions in `values`. Empty segments: sum 0, prod 1, mean 0, min the greatest and max
        the least value of the dtype (nan for floats), argmin and argmax 0, median nan.

    Raises
    ------
    UnsupportedError
        When `op` is not defined for the dtype.
    """
    return _reduce(op, Groups(values, _NONE, plain(segments), len(values), skip_nan, ddof))


def reduce_groups(
    op: str, values: Array, permutation: Ints, segments: Ints, skip_nan: bool = True, ddof: int = 1
) -> Array:
    """``reduce_segments(op, values[permutation], segments, ...)`` without the permuted values."""
    places = plain(permutation)
    return _reduce(op, Groups(values, places, plain(segments), len(places), skip_nan, ddof))


def moments(values: Array, segments: Ints, skip_nan: bool = True) -> Array:
    """Counts, means and sums of squared differences from the mean, a row each; all 0 for an empty segment."""
    return _moments(Groups(values, _NONE, plain(segments), len(values), skip_nan, 0))


def _reduce(op: str, groups: Groups) -> Array:
    made = _OPERATIONS.get(op)
    if made is None or groups.values.dtype.kind not in made.kinds:
        raise UnsupportedError(f"{op} of groups is not defined for {groups.values.dtype}; see reduce_segments")
    if not len(groups.starts):
        groups = Groups(groups.values[:0], _NONE, np.zeros(1, np.int64), 0, groups.skip, groups.ddof)
        return made.finish(made.reduce(groups), groups)[:0]
    return made.finish(_parallel(made, groups), groups)


def _parallel(made: _Operation, groups: Groups) -> Array:
    """Reduce, large segments cut at the borders of equal chunks, so that a few of them keep all threads busy."""
    chunks = threads().chunks(groups.size)
    longest = int(segment_lengths(groups.starts, groups.size).max())
    if made.combine is None or len(chunks) == 1 or longest * 2 * len(chunks) < groups.size:
        return made.reduce(groups)
    cuts = np.setdiff1d(np.linspace(0, groups.size, 4 * len(chunks) + 1).astype(np.int64)[1:-1], groups.starts)
    firsts = np.arange(len(groups.starts)) + np.searchsorted(cuts, groups.starts)
    pieces = replace(groups, starts=np.sort(np.concatenate([groups.starts, cuts])))
    return made.combine(made.reduce(pieces), pieces, firsts)


def _again(op: str) -> Callable[[Array, Groups, Ints], Array]:
    """Combine the parts of a segment by reducing them with `op`."""
    return lambda parts, groups, firsts: _reduce_parts(op, parts, groups, firsts)


def _reduce_parts(op: str, parts: Array, groups: Groups, firsts: Ints) -> Array:
    return _OPERATIONS[op].reduce(Groups(parts, _NONE, firsts, len(parts), groups.skip, groups.ddof))


def _sum(groups: Groups) -> Array:
    if groups.values.dtype.kind == "f":
        out = np.empty(len(groups.starts), np.float64)
        groups.run(segmented.float_sums, groups.values, groups.skip, out)
        return out
    values = groups.values.astype(np.int64) if groups.values.dtype == np.uint8 else groups.values
    out = np.empty(len(groups.starts), np.uint64 if values.dtype.kind == "u" else np.int64)
    groups.run(segmented.integer_sums, values, out)
    return out


def _product(groups: Groups) -> Array:
    out = np.empty(len(groups.starts), np.float64)
    groups.run(segmented.products, _unsigned_bytes_as_words(groups.values), groups.skip, out)
    return out


def _unsigned_bytes_as_words(values: Array) -> Array:
    return values.astype(np.uint64) if values.dtype == np.uint8 else values


def nothing_of(dtype: np.dtype[Any], *, greatest: bool) -> Any:
    """The greatest (or least) value of no elements: the least value of the dtype (or the greatest), nan of floats."""
    if dtype.kind == "f":
        return np.float64(np.nan)
    if dtype.kind == "b":
        return np.uint8(not greatest)
    return dtype.type(np.iinfo(dtype).min if greatest else np.iinfo(dtype).max)


def _extreme(*, greatest: bool) -> Callable[[Groups], Array]:
    def reduce(groups: Groups) -> Array:
        dtype = groups.values.dtype
        values = raw(groups.values) if dtype.kind == "b" else groups.values
        out = np.empty(len(groups.starts), values.dtype)
        groups.run(segmented.extremes, values, greatest, groups.skip, nothing_of(dtype, greatest=greatest), out)
        return out.view(dtype)

    return reduce


def _place_of_extreme(*, greatest: bool) -> Callable[[Groups], Array]:
    def reduce(groups: Groups) -> Array:
        dtype = groups.values.dtype
        values = raw(groups.values) if dtype.kind == "b" else groups.values
        out = np.empty(len(groups.starts), np.int64)
        nothing = nothing_of(dtype, greatest=greatest)
        groups.run(segmented.extreme_places, values, greatest, groups.skip, nothing, out)
        return np.maximum(out, 0)

    return reduce


def _combined_place(op: str) -> Callable[[Array, Groups, Ints], Array]:
    def combine(found: Array, groups: Groups, firsts: Ints) -> Array:
        """Choose among the places that the parts found; an empty segment has one part, which found 0."""
        places = found if not len(groups.places) else gather(groups.places, found)
        return found[_reduce_parts(op, gather(groups.values, places), groups, firsts)]

    return combine


def _moments(groups: Groups) -> Array:
    out = np.empty((3, len(groups.starts)))
    groups.run(segmented.moments, _unsigned_bytes_as_words(groups.values), groups.skip, *out)
    return out


def _combined_moments(parts: Array, groups: Groups, firsts: Ints) -> Array:  # noqa: ARG001 (one of several)
    out = np.empty((3, len(firsts)))
    segmented.combine_moments(parts[0], parts[1], parts[2], firsts, parts.shape[1], out[0], out[1], out[2])
    return out


def _variance(moments: Array, groups: Groups) -> Array:
    count, _, squares = moments
    free = count - groups.ddof
    return np.where(free > 0, squares / np.where(free > 0, free, 1), np.nan)


def _fold(operation: int, empty: int) -> Callable[[Groups], Array]:
    def reduce(groups: Groups) -> Array:
        values = raw(groups.values)
        nothing = empty & 1 if groups.values.dtype.kind == "b" else empty
        out = np.full(len(groups.starts), nothing, np.int64).view(np.uint64).astype(values.dtype)
        groups.run(segmented.bit_folds, values, operation, out)
        return out.view(groups.values.dtype)

    return reduce


def _truth(operation: int, empty: int) -> Callable[[Groups], Array]:
    fold = _fold(operation, empty)

    def reduce(groups: Groups) -> Array:
        values = groups.values if groups.values.dtype.kind == "b" else groups.values != 0
        return fold(replace(groups, values=values))

    return reduce


def _count(groups: Groups) -> Array:
    if groups.values.dtype.kind != "f" or not groups.skip:
        return segment_lengths(groups.starts, groups.size)
    out = np.empty(len(groups.starts), np.int64)
    groups.run(segmented.counts_of_numbers, groups.values, out)
    return out


def _run_sorted(groups: Groups, kernel: Callable[..., None], codes: tuple[Any, ...], *out: Array) -> None:
    """Call a kernel that sorts the codes of each segment, with room for the longest."""
    longest = int(segment_lengths(groups.starts, groups.size).max(initial=0))
    values = raw(groups.values)

    def step(first: int, stop: int) -> None:
        room = (*buffers.empty((2, longest), np.uint64), np.empty(1 << 12, np.int64))
        kernel(values, groups.places, groups.starts, first, stop, groups.size, *codes, *room, *out)

    run_over_segments(groups.starts, groups.size, step)


def _median(groups: Groups) -> Array:
    dtype, n = groups.values.dtype, len(groups.starts)
    order = order_of(dtype)
    least, most = np.uint64(0), np.uint64(2**64 - 1)
    if dtype.kind == "f":  # what lies between the infinities is no nan
        least, most = np.uint64(order.code(_INFINITY | _SIGN)), np.uint64(order.code(_INFINITY))
    counts, middles = np.empty(n, np.int64), np.zeros((2, n), np.uint64)
    _run_sorted(groups, segmented.middles, (order.negative, order.flip, least, most), counts, *middles)
    lower, upper = (m.view(dtype) if dtype.itemsize == 8 else m for m in middles)
    with np.errstate(all="ignore"):
        lower, upper = lower.astype(np.float64), upper.astype(np.float64)
        result = np.where(counts % 2 == 1, lower, (lower + upper) / 2.0)
    partial = counts < segment_lengths(groups.starts, groups.size)
    return np.where((counts == 0) | (partial & (not groups.skip)), np.nan, result)


def _distinct(groups: Groups) -> tuple[Array, Array]:
    order, n = order_of(groups.values.dtype), len(groups.starts)
    counts, modes = np.empty(n, np.int64), np.empty(n, np.uint64)
    _run_sorted(groups, segmented.distinct, (order.negative, order.flip), counts, modes)
    return counts, modes.astype(raw(groups.values).dtype).view(groups.values.dtype)


def _first(groups: Groups) -> Array:
    """The first value; 0 for an empty segment."""
    some = segment_lengths(groups.starts, groups.size) > 0
    places = groups.starts[some] if not len(groups.places) else groups.places[groups.starts[some]]
    out = np.zeros(len(groups.starts), groups.values.dtype)
    out[some] = groups.values[places]
    return out


@dataclass(frozen=True, slots=True)
class _Operation:
    """How groups of values of these kinds are reduced."""

    kinds: str
    reduce: Callable[[Groups], Array]
    combine: Callable[[Array, Groups, Ints], Array] | None = None
    """Makes the result of each group from those of its parts, given which part is its first; None: no parts."""
    finish: Callable[[Array, Groups], Array] = lambda parts, _: parts


def _of_moments(finish: Callable[[Array, Groups], Array]) -> _Operation:
    return _Operation("iufb", _moments, _combined_moments, finish)


_OPERATIONS = {
    "sum": _Operation("iufb", _sum, _again("sum")),
    "prod": _Operation("iufb", _product, _again("prod")),
    "min": _Operation("iufb", _extreme(greatest=False), _again("min")),
    "max": _Operation("iufb", _extreme(greatest=True), _again("max")),
    "argmin": _Operation("iufb", _place_of_extreme(greatest=False), _combined_place("argmin")),
    "argmax": _Operation("iufb", _place_of_extreme(greatest=True), _combined_place("argmax")),
    "mean": _of_moments(lambda moments, _: moments[1].copy()),
    "var": _of_moments(_variance),
    "std": _of_moments(lambda moments, groups: np.sqrt(_variance(moments, groups))),
    "median": _Operation("iufb", _median),
    "any": _Operation("iufb", _truth(segmented.OR, 0), _again("or")),
    "all": _Operation("iufb", _truth(segmented.AND, 1), _again("and")),
    "and": _Operation("iub", _fold(segmented.AND, -1), _again("and")),
    "or": _Operation("iub", _fold(segmented.OR, 0), _again("or")),
    "xor": _Operation("iub", _fold(segmented.XOR, 0), _again("xor")),
    "nunique": _Operation("iufb", lambda groups: _distinct(groups)[0]),
    "mode": _Operation("iufb", lambda groups: _distinct(groups)[1]),
    "count": _Operation("iufb", _count, _again("sum")),
    "first": _Operation("iufb", _first),
}
