"""Reductions of the segments of arbitrary-precision integers of one block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from arkserver.engine.blocks.grouping import segment_lengths
from arkserver.engine.blocks.views import Array, Ints
from arkserver.errors import ArgumentError, UnsupportedError

_BOUNDED = ("min", "max", "and")

# The operation and what an empty segment gives, by the bound on the bits.
_OPERATIONS: dict[str, tuple[np.ufunc, Callable[[int], int]]] = {
    "sum": (np.add, lambda _: 0),
    "or": (np.bitwise_or, lambda _: 0),
    "and": (np.bitwise_and, lambda bits: (1 << bits) - 1),
    "min": (np.minimum, lambda bits: (1 << bits) - 1),
    "max": (np.maximum, lambda bits: -(1 << bits)),
}


def reduce_segments(op: str, values: Array, segments: Ints, max_bits: int) -> Array:
    """Reduce the segments of integers in group order.

    Parameters
    ----------
    op : str
        sum, or, count; with a bound on the bits also min, max and and.
    values : ndarray of object
    segments : ndarray of int64
        Where each segment starts, ascending.
    max_bits : int
        The bound, -1 for none.

    Raises
    ------
    ArgumentError
        When the operation needs a bound and there is none.
    UnsupportedError
        For other operations.
    """
    lengths = segment_lengths(segments, len(values))
    if op == "count":
        return lengths
    if op not in _OPERATIONS:
        raise UnsupportedError(f"{op} of groups is not defined for bigint; there are {sorted(_OPERATIONS)} and count")
    if op in _BOUNDED and max_bits < 0:
        raise ArgumentError(f"Must set max_bits to {op.upper()}")
    combine, nothing = _OPERATIONS[op]
    out: Array = np.full(len(segments), nothing(max(max_bits, 0)), object)
    some = lengths > 0
    if some.any():
        out[some] = combine.reduceat(values, segments[some])
    return _bounded(out, max_bits) if op == "sum" else out


def _bounded(values: Array, max_bits: int) -> Any:
    return values if max_bits < 0 else values & ((1 << max_bits) - 1)
