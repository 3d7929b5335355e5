"""Patterns in strings over any number of blocks, against Python's ``re``."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms.text import matching
from arkserver.engine.algorithms.text.matching import Peel
from arkserver.engine.blocks import patterns
from arkserver.engine.blocks.patterns import Pattern
from arkserver.engine.executor import Executor
from arkserver.errors import ArgumentError
from tests.support.texts import block_of, listed, raw, strings, texts

few = settings(max_examples=25, deadline=None)

PATTERNS = ["a", "a+", "a|b", "[^a]", "a.", "é", "^a", "b$", r"\bab", r"\W", "(a)(b)?", "new.line", "日|,", "x{3}"]
some_pattern = st.sampled_from(PATTERNS)


def values(ex: Executor, x: Any) -> Any:
    return layout.to_numpy(ex, x).tolist()


def ascii_aware(pattern: str) -> re.Pattern[str]:
    """RE2's classes such as ``\\w`` know ASCII only."""
    return re.compile(pattern, re.ASCII)


def spans_of(pattern: str, item: str, group: int = 0) -> list[tuple[int, int]]:
    """Byte offsets and lengths of the matches of one string."""
    found = [m for m in ascii_aware(pattern).finditer(item) if m.start(group) >= 0]
    return [(len(item[: m.start(group)].encode()), len(m.group(group).encode())) for m in found]


@few
@given(items=texts, pattern=some_pattern, group=st.integers(0, 2))
def test_locations(ex: Executor, items: list[str], pattern: str, group: int) -> None:
    group = min(group, re.compile(pattern).groups)
    s = strings(ex, items)
    found = matching.find(ex, s, pattern, group)
    expected = [spans_of(pattern, i, group) for i in items]
    flat = list(itertools.chain(*expected))
    assert values(ex, found.counts) == [len(e) for e in expected]
    assert list(zip(values(ex, found.starts), values(ex, found.lengths), strict=True)) == flat
    assert values(ex, found.indices) == np.cumsum([0, *map(len, expected)])[:-1].tolist()
    assert values(ex, found.search) == [bool(e) for e in expected]
    matches = [[m for m in ascii_aware(pattern).finditer(i) if m.start(group) >= 0] for i in items]
    assert values(ex, found.match) == [any(m.start() == 0 for m in ms) for ms in matches]
    whole = [any(m.group() == i for m in ms) for ms, i in zip(matches, items, strict=True)]
    assert values(ex, found.full_match) == whole
    if group == 0:
        assert values(ex, matching.search(ex, s, pattern)) == [bool(e) for e in expected]
    all_found, origins = matching.all_matches(ex, s, found.counts, found.starts, found.lengths)
    assert listed(ex, all_found) == [m.group(group) for ms in matches for m in ms]
    assert values(ex, origins) == [i for i, e in enumerate(expected) for _ in e]


@few
@given(items=texts, pattern=st.sampled_from(PATTERNS[:-3]), most=st.integers(0, 3))
def test_splitting_and_replacing(ex: Executor, items: list[str], pattern: str, most: int) -> None:
    s, pattern = strings(ex, items), pattern.replace("(a)(b)?", "ab?")
    pieces, segments = matching.split(ex, s, Pattern(pattern), most)
    expected = [ascii_aware(pattern).split(i, maxsplit=most) for i in items]
    assert listed(ex, pieces) == list(itertools.chain(*expected))
    assert values(ex, segments) == np.cumsum([0, *map(len, expected)])[:-1].tolist()
    changed, counts = matching.substituted(ex, s, pattern, b"\\1<>", most)
    replaced = [ascii_aware(pattern).subn(r"\\1<>", i, count=most) for i in items]
    assert listed(ex, changed) == [r for r, _ in replaced]
    assert values(ex, counts) == [n for _, n in replaced]


def cut_by_hand(item: str, delimiter: str, how: Peel) -> tuple[str, str]:
    """Find the delimiter with str.find, one after the other."""
    at, done = (0 if how.from_left else len(item)), 0
    while done < how.times:
        found = item.find(delimiter, at) if how.from_left else item.rfind(delimiter, 0, at)
        if found < 0:
            return (item, "") if how.from_left == how.keep_partial else ("", item)
        at, done = (found + len(delimiter) if how.from_left else found), done + 1
    left, right = item[:found], item[found + len(delimiter) :]
    if how.include:
        return (left + delimiter, right) if how.from_left else (left, delimiter + right)
    return left, right


@few
@given(items=texts, delimiter=st.sampled_from(["a", "aa", "é", ",", "\\", "aba"]), data=st.data())
def test_peeling(ex: Executor, items: list[str], delimiter: str, data: st.DataObject) -> None:
    items = [*items, "aaa", "aXa", "ababa", "aaaa"]
    include, keep, left, literal = (data.draw(st.booleans()) for _ in range(4))
    literal = literal or not left
    pattern = Pattern(delimiter if literal else re.escape(delimiter), literal)
    how = Peel(pattern, data.draw(st.integers(1, 3)), include, keep, left)
    a, b = matching.peeled(ex, strings(ex, items), how)
    found = list(zip(listed(ex, a), listed(ex, b), strict=True))
    assert found == [cut_by_hand(i, delimiter, how) for i in items]


def test_an_empty_delimiter_is_before_every_byte(ex: Executor) -> None:
    s = strings(ex, ["abc", "", "x"])
    for times, left, right in ((1, ["", "", ""], ["abc", "", "x"]), (2, ["a", "", ""], ["bc", "", "x"])):
        found = matching.peeled(ex, s, Peel(Pattern("", literal=True), times, False, False, True))
        assert [listed(ex, f) for f in found] == [left, right]


def test_literal_delimiters_are_not_patterns(ex: Executor) -> None:
    pieces, _ = matching.split(ex, strings(ex, ["a.b.c", "...", "\\1.x"]), Pattern(".", literal=True))
    assert listed(ex, pieces) == ["a", "b", "c", "", "", "", "", "\\1", "x"]


@pytest.mark.parametrize("items", [[b"a\0a", b"ba"], [b"\xff\xfea\xff", b"", b"a"]])
def test_strings_that_no_client_should_send(ex: Executor, items: list[bytes]) -> None:
    s = strings(ex, items)
    found = matching.find(ex, s, "a", 0)
    assert values(ex, found.counts) == [i.count(b"a") for i in items]
    changed, _ = matching.substituted(ex, s, "a", b"", 0)
    assert raw(ex, changed) == [i.replace(b"a", b"") for i in items]


@pytest.mark.parametrize("pattern", ["(", "a**", "(?=a)", r"(a)\1", "["])
def test_bad_patterns_are_named(ex: Executor, pattern: str) -> None:
    s = strings(ex, ["a"])
    message = re.escape(f"re2 could not compile pattern: {pattern}")
    with pytest.raises(ArgumentError, match=message):
        matching.search(ex, s, pattern)
    with pytest.raises(ArgumentError, match=message):
        matching.find(ex, s, pattern, 0)


def test_locations_outside_of_the_strings_are_refused(ex: Executor) -> None:
    def array(*items: int) -> Any:
        return layout.from_numpy(ex, np.array(items))

    s = strings(ex, ["abc", "de"])
    with pytest.raises(ArgumentError, match="lie outside"):
        matching.all_matches(ex, s, array(1, 1), array(0, 1), array(3, 2))
    with pytest.raises(ArgumentError, match="are counted"):
        matching.all_matches(ex, s, array(1, 1), array(0), array(3))


def test_groups_and_marks_agree() -> None:
    block = block_of(["banana", "", "nanna", "bab"] * 50)
    by_marks = patterns.occurrences(block, Pattern("(an)"))
    by_groups, whole = patterns.groups(block, "(an)", 1)
    for found in (by_groups, whole):
        for a, b in zip(by_marks, found, strict=True):
            np.testing.assert_array_equal(a, b)
