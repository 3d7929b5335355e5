"""Where a pattern occurs in the strings of one block.

Arrow's RE2 says which strings match, but not where. So it is asked to put a NUL, which no string contains, on both
sides of each match; the places of the NULs are the places of the matches. This runs in C++ on all threads, about ten
times as fast as a loop in Python. Only groups inside a match, and strings that do contain a NUL, are looked up one by
one with RE2's own Python module.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pyarrow.compute as pc
import re2
from numpy.typing import NDArray

from arkserver.engine.blocks import arrow, moving, text
from arkserver.engine.blocks.views import Ints
from arkserver.engine.values import TextBlock
from arkserver.errors import ArgumentError

MARK = "\0"


class Pattern(NamedTuple):
    """A regular expression, or a literal text."""

    source: str
    literal: bool = False


class Spans(NamedTuple):
    """Ranges of a block's bytes, string after string."""

    counts: Ints
    """ranges in each string"""
    starts: Ints
    """of each range, counted from the beginning of the block"""
    lengths: Ints
    """bytes of each range"""


@functools.lru_cache(maxsize=64)
def compiled(source: str) -> Any:
    """An RE2 program.

    Raises
    ------
    ArgumentError
        In the protocol's words.
    """
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(source, options)
    except re2.error as e:
        raise ArgumentError(f"re2 could not compile pattern: {source}: {e}") from None


def occurrences(block: TextBlock, pattern: Pattern, *, from_right: bool = False) -> Spans:
    """The matches in each string, none overlapping another, from left to right.

    Parameters
    ----------
    pattern : Pattern
        An empty literal occurs before every byte.
    from_right : bool
        Look for a literal from the right end on, which differs for one that can overlap itself.
    """
    if pattern == Pattern("", literal=True):
        return Spans(text.lengths(block), np.arange(len(block.data)), np.zeros(len(block.data), np.int64))
    if (block.data == 0).any():
        return _looked_up(block, re2.escape(pattern.source) if pattern.literal else pattern.source, 0)[0]
    if not pattern.literal:
        return _marked(block, functools.partial(_mark, pattern=pattern.source))
    literal = pattern.source.encode()
    if not from_right:
        return _marked(block, functools.partial(_mark_literal, literal=literal))
    spans = _marked(_mirrored(block), functools.partial(_mark_literal, literal=literal[::-1]))
    starts = len(block.data) - (spans.starts + spans.lengths)
    return Spans(spans.counts[::-1], starts[::-1], spans.lengths[::-1])


def groups(block: TextBlock, pattern: str, group: int) -> tuple[Spans, Spans]:
    """The spans of a group in each match in which it takes part, and the spans of these matches."""
    if group == 0:
        found = occurrences(block, Pattern(pattern))
        return found, found
    return _looked_up(block, pattern, group)


def contains(block: TextBlock, pattern: str) -> NDArray[np.bool_]:
    """Which strings match somewhere."""
    return arrow.to_bools(functools.partial(pc.match_substring_regex, pattern=pattern), block)


def _mark(strings: Any, pattern: str) -> Any:
    return pc.replace_substring_regex(strings, pattern=pattern, replacement=f"{MARK}\\0{MARK}")


def _mark_literal(strings: Any, literal: bytes) -> Any:
    mark = MARK.encode()
    return pc.replace_substring(strings, pattern=literal, replacement=mark + literal + mark)


def _marked(block: TextBlock, mark: Callable[[Any], Any]) -> Spans:
    """Read the spans off the marks: without them the text is as it was."""
    marked = arrow.to_texts(mark, block)
    places = moving.nonzero(marked.data == 0)
    places -= np.arange(len(places))
    counts = (text.lengths(marked) - text.lengths(block)) // 2
    return Spans(counts, places[::2], places[1::2] - places[::2])


def _mirrored(block: TextBlock) -> TextBlock:
    """The last string first, each of them backwards."""
    return TextBlock(len(block.data) - block.offsets[::-1], block.data[::-1])


def _looked_up(block: TextBlock, pattern: str, group: int) -> tuple[Spans, Spans]:
    program, counts = compiled(pattern), np.zeros(text.size(block), np.int64)
    rows: list[tuple[int, int, int, int]] = []
    for i, (raw, at) in enumerate(zip(text.to_list(block), block.offsets.tolist(), strict=False)):
        found = [(*m.span(group), *m.span()) for m in program.finditer(raw) if m.start(group) >= 0]
        rows += [(at + a, at + b, at + c, at + d) for a, b, c, d in found]
        counts[i] = len(found)
    a, b, c, d = np.array(rows, np.int64).reshape(-1, 4).T
    return Spans(counts, a, b - a), Spans(counts, c, d - c)


def ranks(counts: Ints) -> Ints:
    """The number of each range within its string."""
    return np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)


def limited(spans: Spans, most: int) -> Spans:
    """The first `most` ranges of each string."""
    if not len(spans.counts) or spans.counts.max() <= most:
        return spans
    kept = ranks(spans.counts) < most
    return Spans(np.minimum(spans.counts, most), spans.starts[kept], spans.lengths[kept])


def between(block: TextBlock, spans: Spans) -> Spans:
    """What lies between the ranges: one range more in each string."""
    counts = spans.counts + 1
    first = np.zeros(int(counts.sum()), np.bool_)
    first[np.cumsum(counts) - counts] = True
    last = np.append(first[1:], True)[: len(first)]
    starts, ends = np.empty(len(first), np.int64), np.empty(len(first), np.int64)
    starts[first], starts[~first] = block.offsets[:-1], spans.starts + spans.lengths
    ends[last], ends[~last] = block.offsets[1:], spans.starts
    return Spans(counts, starts, ends - starts)


def replaced(block: TextBlock, spans: Spans, replacement: bytes) -> TextBlock:
    """The strings with every range replaced."""
    gaps = between(block, spans)
    ahead = np.where(ranks(gaps.counts) > 0, len(replacement), 0)
    places = text.offsets_of(gaps.lengths + ahead)
    out = np.empty(int(places[-1]), np.uint8)
    text.copy_ranges(np.frombuffer(replacement, np.uint8), np.zeros_like(ahead), ahead, out, places)
    text.copy_ranges(block.data, gaps.starts, gaps.lengths, out, places[:-1] + ahead)
    return TextBlock(places[np.append(0, np.cumsum(gaps.counts))], out)
