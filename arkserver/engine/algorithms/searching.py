"""Looking values up in a sorted array.

A small sorted array is handed to every block of the values. Of a large one each block answers for the values that
belong between its first element and that of the next block: distinct values travel there, answers travel back, so
that a value which fills half of an array is asked for once a block.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import moving, sorting
from arkserver.engine.blocks.codes import codes, keys_of
from arkserver.engine.blocks.grouping import factorize
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.layout import array_of, concatenate_blocks, to_numpy
from arkserver.engine.values import BIGINT, Array, starts

INT64 = np.dtype(np.int64)
Ints = NDArray[np.int64]
Answer = Callable[..., NDArray[Any]]

# A sorted array of at most so many bytes is sent to where the values are.
SMALL = 1 << 22


def searchsorted(ex: Executor, ordered: Array, values: Array, side: str = "left") -> Array:
    """Where each value belongs in a sorted 1-D array of the same dtype, as `numpy.searchsorted`; any rank."""
    refs = lookup(ex, ordered, values, _search, side, INT64)
    return array_of(refs, values, INT64).with_max_bits(-1)


def lookup(ex: Executor, ordered: Array, values: Array, answer: Answer, side: str, dtype: np.dtype[Any]) -> Refs:
    """One answer for each value, in blocks like those of `values`.

    Parameters
    ----------
    ordered : Array
        1-D, ascending.
    answer : callable
        ``answer(block, start, values, side)`` for the block of `ordered` (whose first row is `start`) where the values
        belong: at `side` of their equals.
    dtype : dtype
        Of the answers.
    """
    if len(ordered.rows) == 1 or ordered.nbytes <= SMALL or ordered.dtype == BIGINT:
        return ex.map(_ask, to_numpy(ex, ordered), values, answer, side)
    firsts = ex.collect(_first, ordered)
    owners = [i for i, first in enumerate(firsts) if len(first)]
    borders = np.concatenate([firsts[i] for i in owners[1:]] or firsts[:1])
    distinct, places = ex.map_parts(2, _distinct, values)
    cut = (distinct, borders, owners, len(ordered.rows), side)
    requests = ex.exchange(_by_owner, cut, _request, (values.dtype,), parts=len(ordered.rows))
    replies = (ordered, Each(starts(ordered.rows)), requests, answer, side)
    answers = ex.exchange(_reply, replies, concatenate_blocks, (dtype,), parts=len(values.rows))
    return ex.map(_spread, answers, places, values)


def _search(block: NDArray[Any], start: int, values: NDArray[Any], side: str) -> Ints:
    if block.dtype == object:
        return np.searchsorted(block, values, "right" if side == "right" else "left")
    found = sorting.searchsorted(block, values, side)
    return found + start if start else found


def _ask(table: NDArray[Any], values: NDArray[Any], answer: Answer, side: str) -> NDArray[Any]:
    return answer(table, 0, values, side)


def _first(block: NDArray[Any]) -> NDArray[Any]:
    return block[:1]


def _distinct(values: NDArray[Any]) -> tuple[NDArray[Any], Ints]:
    """The distinct values, ascending, and which of them each value is; zeros are one, and so are nans."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "f":
        flat = np.where(np.isnan(flat), np.nan, flat + 0.0)
    numbers, distinct = factorize(codes(flat))
    return keys_of(distinct, values.dtype), numbers


def _by_owner(
    distinct: NDArray[Any], borders: NDArray[Any], owners: Sequence[int], parts: int, side: str
) -> list[NDArray[Any]]:
    """Cut ascending values at the first elements of the blocks that own rows."""
    other = "right" if side == "left" else "left"
    cuts = [0, *(sorting.searchsorted(distinct, borders, other).tolist() if len(owners) > 1 else []), len(distinct)]
    pieces = [distinct[:0]] * parts
    for owner, (a, b) in zip(owners, pairwise(cuts), strict=True):
        pieces[owner] = distinct[a:b]
    return pieces


def _request(pieces: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> tuple[list[int], NDArray[Any]]:
    return [len(p) for p in pieces], concatenate_blocks(pieces, dtype)


def _reply(
    block: NDArray[Any], start: int, request: tuple[list[int], NDArray[Any]], answer: Answer, side: str
) -> list[NDArray[Any]]:
    counts, values = request
    answers = answer(block, start, values, side)
    return [answers[a:b] for a, b in pairwise(np.cumsum((0, *counts)).tolist())]


def _spread(answers: NDArray[Any], places: Ints, values: NDArray[Any]) -> NDArray[Any]:
    return moving.gather(answers, places).reshape(values.shape)
