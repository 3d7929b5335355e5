"""Patterns in strings: search, locations, all matches, splitting, substitution, peeling off."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.text.forms import BOOL, INT64, column
from arkserver.engine.blocks import patterns, text
from arkserver.engine.blocks.patterns import Pattern, Spans
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.values import Array, Strings, TextBlock, starts
from arkserver.errors import ArgumentError

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNLIMITED = np.iinfo(np.int64).max


class Locations(NamedTuple):
    """Where a pattern was found in each string."""

    counts: Array
    """int64: matches in each string"""
    starts: Array
    """int64: byte of its string at which each match starts"""
    lengths: Array
    """int64: bytes of each match"""
    indices: Array
    """int64: matches before each string"""
    search: Array
    """bool: whether a string matches somewhere"""
    match: Array
    """bool: whether it matches at its beginning"""
    full_match: Array
    """bool: whether a match is as long as the string"""


def search(ex: Executor, s: Strings, pattern: str) -> Array:
    """Which strings match somewhere."""
    patterns.compiled(pattern)
    return column(s, ex.map(patterns.contains, s, pattern), BOOL)


def find(ex: Executor, s: Strings, pattern: str, group: int) -> Locations:
    """All matches of a pattern, or of a group of it."""
    known = patterns.compiled(pattern).groups
    if not 0 <= group <= known:
        raise ArgumentError(f"there is no group {group} in {pattern}, which has {known}")
    counts, places, lengths, *bools = ex.map_parts(6, _find, s, pattern, group)
    number = column(s, counts, INT64)
    return Locations(
        number,
        layout.array_of_unknown(ex, places, INT64),
        layout.array_of_unknown(ex, lengths, INT64),
        before(ex, number),
        *(column(s, refs, BOOL) for refs in bools),
    )


def _find(block: TextBlock, pattern: str, group: int) -> tuple[Ints, Ints, Ints, Bools, Bools, Bools]:
    found, whole = patterns.groups(block, pattern, group)
    owner = np.repeat(np.arange(len(found.counts)), found.counts)
    origin = block.offsets[owner]
    at_start, full = np.zeros(len(found.counts), np.bool_), np.zeros(len(found.counts), np.bool_)
    at_start[owner[whole.starts == origin]] = True
    full[owner[whole.lengths == text.lengths(block)[owner]]] = True
    return found.counts, found.starts - origin, found.lengths, found.counts > 0, at_start, full


def before(ex: Executor, counts: Array) -> Array:
    """The sum of all elements before each one, of int64 or bool."""
    totals = tuple(int(n) for n in ex.collect(np.sum, counts))
    return layout.array_of(ex.map(_before, counts, Each(starts(totals))), counts, INT64)


def _before(counts: NDArray[Any], start: int) -> Ints:
    numbers = counts.astype(np.int64)
    return start + np.cumsum(numbers) - numbers


def all_matches(ex: Executor, s: Strings, counts: Array, places: Array, lengths: Array) -> tuple[Strings, Array]:
    """The matches that `find` located, end to end, and the number of the string that each is from.

    Parameters
    ----------
    counts : Array
        Matches in each string: int64, or bool for one or none.

    Raises
    ------
    ArgumentError
        If the locations are not within the strings.
    """
    s, counts = layout.align(ex, s, counts)
    cut = tuple(int(n) for n in ex.collect(np.sum, counts))
    if not sum(cut) == places.size == lengths.size:
        raise ArgumentError(f"{sum(cut)} matches are counted, {places.size} starts and {lengths.size} lengths given")
    spans = (Refs(layout.relayout(ex, x, cut).blocks) for x in (places, lengths))
    found = layout.strings_of(ex, ex.map(_pick, s, counts, *spans), cut)
    origins = ex.map(_origins, counts, Each(starts(s.rows)))
    return layout.rebalance(ex, found), layout.array_of_unknown(ex, origins, INT64)


def _pick(block: TextBlock, counts: NDArray[Any], places: Ints, lengths: Ints) -> TextBlock:
    owner = np.repeat(np.arange(len(counts)), counts.astype(np.int64))
    inside = (places >= 0) & (lengths >= 0) & (lengths <= text.lengths(block)[owner] - places)
    if not inside.all():
        raise ArgumentError(f"{np.count_nonzero(~inside)} of the matches lie outside of their strings")
    return text.ranges(block.data, block.offsets[owner] + places, lengths)


def _origins(counts: NDArray[Any], start: int) -> Ints:
    return start + np.repeat(np.arange(len(counts)), counts.astype(np.int64))


def split(ex: Executor, s: Strings, pattern: Pattern, most: int = 0) -> tuple[Strings, Array]:
    """What lies between the matches, end to end, and the number of the first piece of each string.

    Parameters
    ----------
    most : int
        At most so many matches of each string count; 0 for all.
    """
    _check(pattern)
    pieces, counts = ex.map_parts(2, _split, s, pattern, most or UNLIMITED)
    return layout.rebalance(ex, layout.strings_of(ex, pieces)), before(ex, column(s, counts, INT64))


def _check(pattern: Pattern) -> None:
    if not pattern.literal:
        patterns.compiled(pattern.source)


def _split(block: TextBlock, pattern: Pattern, most: int) -> tuple[TextBlock, Ints]:
    gaps = patterns.between(block, patterns.limited(patterns.occurrences(block, pattern), most))
    return text.ranges(block.data, gaps.starts, gaps.lengths), gaps.counts


def substituted(ex: Executor, s: Strings, pattern: str, replacement: bytes, most: int) -> tuple[Strings, Array]:
    """The strings with at most `most` matches (0: all) replaced by a text, and how many were in each."""
    patterns.compiled(pattern)
    changed, counts = ex.map_parts(2, _substituted, s, pattern, replacement, most or UNLIMITED)
    return layout.strings_of(ex, changed, s.rows), column(s, counts, INT64)


def _substituted(block: TextBlock, pattern: str, replacement: bytes, most: int) -> tuple[TextBlock, Ints]:
    spans = patterns.limited(patterns.occurrences(block, Pattern(pattern)), most)
    return patterns.replaced(block, spans, replacement), spans.counts


class Peel(NamedTuple):
    """How strings are cut in two at a delimiter."""

    delimiter: Pattern
    times: int
    """which occurrence is the cut, from 1 on"""
    include: bool
    """keep the delimiter, at the end of the part that is peeled off"""
    keep_partial: bool
    """a string with too few delimiters goes to the side that is peeled off, else to the other"""
    from_left: bool


def peeled(ex: Executor, s: Strings, how: Peel) -> tuple[Strings, Strings]:
    """The left and the right part of each string."""
    _check(how.delimiter)
    left, right = ex.map_parts(2, _peeled, s, how)
    return layout.strings_of(ex, left, s.rows), layout.strings_of(ex, right, s.rows)


def _peeled(block: TextBlock, how: Peel) -> tuple[TextBlock, TextBlock]:
    spans = patterns.occurrences(block, how.delimiter, from_right=not how.from_left)
    starts, ends = block.offsets[:-1], block.offsets[1:]
    whole_is_left = how.from_left == how.keep_partial
    left_end = np.where(whole_is_left, ends, starts)
    right_start = left_end.copy()
    enough = spans.counts >= how.times
    left_end[enough], right_start[enough] = _cut(spans, enough, how)
    left = text.ranges(block.data, starts, left_end - starts)
    return left, text.ranges(block.data, right_start, ends - right_start)


def _cut(spans: Spans, enough: Bools, how: Peel) -> tuple[Ints, Ints]:
    """Where the left part ends and the right part begins, of the strings with enough delimiters."""
    ends = np.cumsum(spans.counts)[enough]
    chosen = ends - spans.counts[enough] + how.times - 1 if how.from_left else ends - how.times
    start, stop = spans.starts[chosen], spans.starts[chosen] + spans.lengths[chosen]
    if not how.include:
        return start, stop
    return (stop, stop) if how.from_left else (start, start)
