"""Running sums and products, and differences, along an axis.

Along the axis that is cut, a first pass collects the total of each block; what comes before a block is handed to it in
the second pass. Products of floats go from block to block instead: where they overflow or vanish depends on the order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.algorithms.limbs import bounded
from arkserver.engine.blocks.folding import fold
from arkserver.engine.blocks.running import UFUNCS, accumulate, difference
from arkserver.engine.blocks.views import quiet
from arkserver.engine.executor import Each, Executor, Refs, light
from arkserver.engine.layout import array_of, as_vector
from arkserver.engine.values import BIGINT, Array


def cumulate(ex: Executor, x: Array, op: str, axis: int, *, include_initial: bool = False) -> Array:
    """The running sum or product along an axis.

    Parameters
    ----------
    x : Array
        Of any dtype but bool; the result has the same, integers modulo their width (bigint modulo its bound).
    op : str
        ``sum`` or ``prod``.
    include_initial : bool
        Begin with 0 (or 1), so that the result is one longer.
    """
    x = as_vector(ex, x)
    shape = tuple(n + (include_initial and a == axis) for a, n in enumerate(x.shape))
    if axis > 0 or len(x.blocks) == 1:
        refs = ex.map(partial(accumulate, op=op, axis=axis, lead=include_initial), x)
        rows = (x.rows[0] + include_initial,) if axis == 0 else x.rows
    else:
        leads = [include_initial and i == 0 for i in range(len(x.blocks))]
        in_turn = op == "prod" and x.dtype.kind == "f"
        refs = _products_in_turn(ex, x, leads) if in_turn else _from_totals(ex, x, op, leads)
        rows = tuple(n + lead for n, lead in zip(x.rows, leads, strict=True))
    found = replace(x, shape=shape, blocks=refs.values, rows=rows)
    return bounded(ex, found, x.max_bits) if x.dtype == BIGINT else found


def _from_totals(ex: Executor, x: Array, op: str, leads: Sequence[bool]) -> Refs:
    """The first block does not wait for the totals; of the last one nobody needs the total."""
    totals = ex.collecting(_total, _part(x, slice(-1)), op)
    first = ex.map(_accumulate_from, _part(x, slice(1)), op, None, leads[0])
    carries = _running(totals(), op, x.dtype)
    others = ex.map(_accumulate_from, _part(x, slice(1, None)), op, Each(carries), Each(leads[1:]))
    return Refs(first.values + others.values)


def _part(x: Array, which: slice) -> Array:
    """Some of the blocks of an array."""
    rows = x.rows[which]
    return replace(x, shape=(sum(rows), *x.shape[1:]), blocks=x.blocks[which], rows=rows)


def _products_in_turn(ex: Executor, x: Array, leads: Sequence[bool]) -> Refs:
    """Each block begins with the last product of the one before it."""
    done: list[Any] = []
    carry = np.ones(x.shape[1:])
    for i, lead in enumerate(leads):
        refs = ex.map(_accumulate_from, _part(x, slice(i, i + 1)), "prod", carry[()], lead)
        (carry,) = ex.collect(_last_of, refs, carry)
        done += refs.values
    return Refs(done)


@light
def _last_of(block: NDArray[Any], before: NDArray[Any]) -> NDArray[Any]:
    return block[-1].copy() if len(block) else before


def _accumulate_from(block: NDArray[Any], op: str, carry: Any, lead: bool) -> NDArray[Any]:
    return accumulate(block, op, 0, carry, lead)


@quiet
def _running(totals: Sequence[Any], op: str, dtype: np.dtype[Any]) -> list[Any]:
    """What comes before each block but the first."""
    before = [np.asarray(totals[0])]
    for total in totals[1:]:
        before.append(np.asarray(UFUNCS[op](before[-1], total, dtype=dtype)))
    return [b[()] for b in before]


@quiet
def _total(block: NDArray[Any], op: str) -> NDArray[Any]:
    """Of a block; wider numbers are cut to its dtype, as a running sum of it does at each step."""
    if block.dtype.hasobject:
        return np.asarray(UFUNCS[op].reduce(block, axis=0))
    return np.asarray(fold(block, op, (0,))[0], block.dtype)


def diff(ex: Executor, x: Array, n: int, axis: int) -> Array:
    """The `n`-th difference along an axis; integers wrap, bool tells whether neighbours differ."""
    x = as_vector(ex, x)
    for _ in range(min(n, x.shape[axis])):
        x = _difference(ex, x, axis)
    return x if n else array_of(ex.map(np.copy, x), x)


def _difference(ex: Executor, x: Array, axis: int) -> Array:
    shape = tuple(max(0, length - (a == axis)) for a, length in enumerate(x.shape))
    if axis > 0:
        return replace(x, shape=shape, blocks=ex.map(difference, x, axis).values)
    following: list[Any] = [None]
    for head in reversed(ex.collect(_head, x)[1:]):
        following.append(head if len(head) else following[-1])
    following.reverse()
    refs = ex.map(difference, x, 0, Each(following))
    rows = tuple(max(0, r - (f is None)) for r, f in zip(x.rows, following, strict=True))
    return replace(x, shape=shape, blocks=refs.values, rows=rows)


@light
def _head(block: NDArray[Any]) -> NDArray[Any]:
    return block[:1].copy()
