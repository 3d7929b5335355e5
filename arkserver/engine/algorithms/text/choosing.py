"""Which strings: by position, slice, mask and condition; reversed; several arrays end to end."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.indexing import Positions, bounds, by_owner, dealt_to_owners, requests_of, signed
from arkserver.engine.algorithms.text.forms import BOOL, column
from arkserver.engine.blocks import text
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.values import Array, Strings, TextBlock, starts
from arkserver.errors import ArgumentError

OUT_OF_BOUNDS = "index out of bounds"


def item(ex: Executor, s: Strings, position: int) -> bytes:
    """One string; positions below 0 count from the end.

    Raises
    ------
    ArgumentError
    """
    at = position + s.size if position < 0 else position
    if not 0 <= at < s.size:
        raise ArgumentError(f"{OUT_OF_BOUNDS}: {position} of {s.size} strings")
    return next(found for found in ex.collect(_item, s, Each(starts(s.rows)), at) if found is not None)


def _item(block: TextBlock, start: int, position: int) -> bytes | None:
    at = position - start
    if not 0 <= at < text.size(block):
        return None
    return text.item(block, at)


def part(ex: Executor, s: Strings, start: int, stop: int, step: int) -> Strings:
    """Every `step`-th string of ``start:stop``, for bounds in range; a step below 0 goes backwards."""
    wanted = range(start, stop, step)
    if wanted and not (min(wanted[0], wanted[-1]) >= 0 and max(wanted[0], wanted[-1]) < s.size):
        raise ArgumentError(f"{OUT_OF_BOUNDS}: {start}:{stop}:{step} of {s.size} strings")
    refs = ex.map(_part, s, Each(starts(s.rows)), wanted)
    return layout.rebalance(ex, layout.strings_of(ex, refs if step > 0 else Refs(refs.values[::-1])))


def _part(block: TextBlock, start: int, wanted: range) -> TextBlock:
    """The strings of one block that are wanted: those of a range that lie between two bounds are a range again."""
    stop = start + text.size(block)
    near, far = (start, stop) if wanted.step > 0 else (stop - 1, start - 1)
    inside = wanted[_first_from(wanted, near) : _first_from(wanted, far)]
    if wanted.step == 1 and len(inside):
        return layout.slice_text(block, inside[0] - start, inside[-1] + 1 - start)
    if not len(inside):
        return text.gather(block, np.empty(0, np.int64))
    step = max(-(1 << 62), min(inside.step, 1 << 62))  # one that is further is not taken twice
    return text.gather(block, inside[0] - start + step * np.arange(len(inside)))


def _first_from(wanted: range, bound: int) -> int:
    """How many of a range come before it reaches `bound`."""
    return min(len(wanted), max(0, -((wanted.start - bound) // wanted.step)))


def flipped(ex: Executor, s: Strings) -> Strings:
    """The strings in the opposite order."""
    return part(ex, s, s.size - 1, -1, -1)


def check_bounds(ex: Executor, index: Array, s: Strings) -> None:
    """See to it that all positions of an int64 or uint64 array are those of strings.

    Raises
    ------
    ArgumentError
        For a position outside.
    """
    low, high = bounds(ex, index)
    if low < 0 or high >= s.size:
        raise ArgumentError(f"{OUT_OF_BOUNDS}: {low} to {high} of {s.size} strings")


def gather(ex: Executor, s: Strings, index: Array) -> Strings:
    """The strings at positions of an int64 or uint64 array that are known to be in range."""
    if len(s.blocks) == len(index.blocks) == 1:
        return layout.strings_of(ex, ex.map(_gather, s, index), index.rows)
    edges = np.cumsum((0, *s.rows))
    requests = ex.exchange(by_owner, (edges, index), requests_of, parts=len(s.blocks))
    refs = ex.exchange(_answers, (s, requests), _assemble, (edges, index), parts=len(index.blocks))
    return layout.strings_of(ex, refs, index.rows)


def _gather(block: TextBlock, index: NDArray[Any]) -> TextBlock:
    return text.gather(block, signed(index))


def _answers(block: TextBlock, request: tuple[list[int], Positions]) -> list[TextBlock]:
    counts, (positions,) = request
    found = text.gather(block, positions)
    return [layout.slice_text(found, a, b) for a, b in pairwise(np.cumsum((0, *counts)).tolist())]


def _assemble(pieces: list[TextBlock], edges: NDArray[np.int64], index: NDArray[Any]) -> TextBlock:
    """Put the answers of all owners into the order in which the indexes asked."""
    place = dealt_to_owners(edges, index).back(np.arange(len(index)))
    return text.gather(layout.join_text(pieces), place)


def compress(ex: Executor, s: Strings, mask: Array) -> Strings:
    """The strings where a mask is true.

    Raises
    ------
    ArgumentError
        If the mask has another length.
    """
    if mask.size != s.size:
        raise ArgumentError(f"{OUT_OF_BOUNDS}: a mask of {mask.size} for {s.size} strings")
    s, mask = layout.align(ex, s, mask)
    return layout.rebalance(ex, layout.strings_of(ex, ex.map(text.compress, s, mask)))


def where(ex: Executor, mask: Array, left: Strings, right: Strings | bytes) -> Strings:
    """Strings of `left` where the mask is true, else of `right` (or the same literal everywhere)."""
    if isinstance(right, bytes):
        mask, left = layout.align(ex, mask, left)
        refs = ex.map(_where_literal, mask, left, right)
    else:
        mask, left, right = layout.align(ex, mask, left, right)
        refs = ex.map(text.where, mask, left, right)
    return layout.strings_of(ex, refs, mask.rows)


def _where_literal(mask: NDArray[np.bool_], left: TextBlock, right: bytes) -> TextBlock:
    return text.where(mask, left, text.repeated(right, len(mask)))


def concatenated(ex: Executor, parts: Sequence[Strings]) -> Strings:
    """Several arrays of strings end to end."""
    blocks = tuple(b for s in parts for b in s.blocks)
    rows = tuple(n for s in parts for n in s.rows)
    whole = Strings(sum(rows), sum(s.chars for s in parts), blocks, rows)
    return layout.relayout(ex, whole, layout.even_rows(whole.size, ex.width))


def equal(ex: Executor, left: Strings, right: Strings, *, negate: bool = False) -> Array:
    """Whether strings are equal (or not), one by one."""
    left, right = layout.align(ex, left, right)
    return column(left, ex.map(_equal, left, right, negate), BOOL)


def equal_to(ex: Executor, s: Strings, literal: bytes, *, negate: bool = False) -> Array:
    """Whether each string equals a literal (or not)."""
    return column(s, ex.map(_equal_to, s, literal, negate), BOOL)


def _equal(left: TextBlock, right: TextBlock, negate: bool) -> NDArray[np.bool_]:
    return text.equal(left, right) ^ negate


def _equal_to(block: TextBlock, literal: bytes, negate: bool) -> NDArray[np.bool_]:
    return text.equal_to(block, literal) ^ negate
