"""Reductions of segments that go on in the next block: the state of each segment, to be combined and finished.

A state is a tuple of arrays with one element a segment. Which arrays depends on the operation: for most the result
itself, for argmin and argmax the value beside its position, for mean, var and std the moments.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from arkserver_kernels import segmented as kernels

from arkserver.engine.blocks import bignum, moving, segmented
from arkserver.engine.blocks.grouping import segment_lengths
from arkserver.engine.blocks.views import Array, Ints, quiet

State = tuple[Array, ...]

_FOLDS = {
    "sum": "sum", "prod": "prod", "min": "min", "max": "max", "and": "and", "or": "or", "xor": "xor",
    "any": "any", "all": "all", "count": "sum", "first": "first",
}  # fmt: skip
_EXTREME = ("argmin", "argmax")
_MOMENTS = ("mean", "var", "std")

_ACCUMULATING = ("sum", "prod")

PARTIAL = (*_FOLDS, *_EXTREME, *_MOMENTS)
"""The operations whose states can be combined."""

_FIRST = np.zeros(1, np.int64)


def state_of(op: str, values: Array, start: int, segments: Ints, skip_nan: bool, max_bits: int) -> State:
    """The states of the segments of a block.

    Parameters
    ----------
    start : int
        The position of the block's first value, for argmin and argmax.
    segments : ndarray of int64
        Where each segment starts in the block; at least one.
    """
    if op in _MOMENTS:
        return tuple(segmented.moments(values, segments, skip_nan))
    found = _reduced(op, values, segments, skip_nan, max_bits)
    return _with_values(values, start, segments, found) if op in _EXTREME else (found,)


def _with_values(values: Array, start: int, segments: Ints, places: Ints) -> State:
    """Positions in the whole array, 0 for an empty segment, behind the values there."""
    if not len(values):
        return np.zeros(len(places), values.dtype), places
    some = segment_lengths(segments, len(values)) > 0
    return moving.gather(values, places), np.where(some, places + start, 0)


def _reduced(op: str, values: Array, segments: Ints, skip_nan: bool, max_bits: int) -> Array:
    if values.dtype == object:
        return bignum.reduce_segments(op, values, segments, max_bits)
    return segmented.reduce_segments(op, values, segments, skip_nan)


def row(state: State, i: int) -> State:
    """The state of one segment."""
    return tuple(s[i : i + 1] for s in state)


def combine(op: str, states: Sequence[State], skip_nan: bool, max_bits: int) -> State:
    """The state of one segment from those of its parts, in order, none of them empty."""
    parts = tuple(np.concatenate(column) for column in zip(*states, strict=True))
    if op in _MOMENTS:
        out = np.empty((3, 1))
        kernels.combine_moments(parts[0], parts[1], parts[2], _FIRST, len(states), out[0], out[1], out[2])
        return tuple(out)
    # A sum without the nan among its values is nan for inf - inf only, which stays.
    skip = skip_nan and op not in _ACCUMULATING
    best = _reduced(_FOLDS.get(op, op), parts[0], _FIRST, skip, max_bits)
    return tuple(p[best] for p in parts) if op in _EXTREME else (best,)


@quiet
def finish(op: str, state: State, ddof: int) -> Array:
    """The results of the segments."""
    if op not in _MOMENTS:
        return state[-1]
    count, mean, squares = state
    if op == "mean":
        return mean
    free = count - ddof
    variance = np.where(free > 0, squares / np.where(free > 0, free, 1), np.nan)
    return np.sqrt(variance) if op == "std" else variance
