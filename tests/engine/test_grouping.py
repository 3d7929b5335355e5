"""Groups over blocks are those of a stable sort by the keys' bits."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import grouping
from arkserver.engine.blocks import text
from arkserver.engine.executor import Executor
from arkserver.engine.values import Strings
from tests.support.columns import columns
from tests.support.session import text_block

Ints = NDArray[np.int64]


def expected_groups(keys: Sequence[NDArray[Any]]) -> tuple[Ints, Ints, Ints]:
    """Permutation, segments and first rows."""
    keys = [k.view(np.uint64) if k.dtype == np.float64 else k for k in keys]
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for k in keys:
        new[1:] |= k[order][1:] != k[order][:-1]
    return order, np.flatnonzero(new), order[new]


def check(ex: Executor, found: grouping.Groups, keys: Sequence[NDArray[Any]]) -> None:
    for got, wanted in zip(found, expected_groups(keys), strict=True):
        np.testing.assert_array_equal(layout.to_numpy(ex, got), wanted)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_groups_of_one_key_and_of_two(ex: Executor, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    keys = data.draw(st.lists(columns(st.just(n)), min_size=1, max_size=2))
    check(ex, grouping.group(ex, [layout.from_numpy(ex, k) for k in keys]), keys)


def test_keys_of_more_than_128_bits_are_grouped_by_their_hashes(ex: Executor) -> None:
    rng = np.random.default_rng(2)
    keys = [rng.choice(rng.integers(-(2**63), 2**63 - 1, 4), 200) for _ in range(3)]
    upper, lower = text.hash_words(keys[0])
    for i in (1, 2):
        high, low = text.hash_words(keys[i])
        low = low << np.uint64(i) | low >> np.uint64(64 - i)
        high = high << np.uint64(i) | high >> np.uint64(64 - i)
        mask = np.uint64((1 << i) - 1)
        upper, lower = upper ^ (high & ~mask | low & mask), lower ^ low
    check(ex, grouping.group(ex, [layout.from_numpy(ex, k) for k in keys]), [upper, lower])


def test_narrow_keys_are_grouped_in_their_own_order(ex: Executor) -> None:
    rng = np.random.default_rng(3)
    keys = [rng.integers(-2, 3, 300) for _ in range(8)]
    check(ex, grouping.group(ex, [layout.from_numpy(ex, k) for k in keys]), keys)


def number(s: str) -> int:
    return int.from_bytes(s.encode(), "big")


WORDS = ["b", "", "abc", "zz", "é", "abc", "b", "12345678", "z"]
LONGER = [*WORDS, "123456789", "a" * 15, "a" * 14 + "b", "1234", "123456789"]
LONGEST = [*LONGER, "a" * 40, "a" * 40 + "b", "a" * 40]


def ordered(words: list[str], key: Callable[[str], Any]) -> tuple[list[int], list[int]]:
    order = sorted(range(len(words)), key=lambda i: key(words[i]))
    return order, [i for k, i in enumerate(order) if k == 0 or words[i] != words[order[k - 1]]]


def strings(ex: Executor, words: list[str]) -> Strings:
    return layout.strings_from_block(ex, text_block(words))


def test_short_strings_are_grouped_as_integers(ex: Executor) -> None:
    found = grouping.group(ex, [strings(ex, WORDS * 3)])
    order, firsts = ordered(WORDS * 3, number)
    assert layout.to_numpy(ex, found.permutation).tolist() == order
    assert layout.to_numpy(ex, found.firsts).tolist() == firsts


def test_strings_of_9_to_15_bytes_are_grouped_by_halves(ex: Executor) -> None:
    def halves(s: str) -> tuple[int, int]:
        half = len(s.encode()) // 2
        return int.from_bytes(s.encode()[:half], "big"), int.from_bytes(s.encode()[half:], "big")

    found = grouping.group(ex, [strings(ex, LONGER)])
    order, firsts = ordered(LONGER, halves)
    assert layout.to_numpy(ex, found.permutation).tolist() == order
    assert layout.to_numpy(ex, found.firsts).tolist() == firsts


def test_long_strings_are_grouped_by_their_hashes(ex: Executor) -> None:
    found = grouping.group(ex, [strings(ex, LONGEST)])
    check(ex, found, list(text.hashes(text_block(LONGEST))))


@pytest.mark.parametrize("words", [WORDS, LONGEST])
def test_strings_beside_numbers(ex: Executor, words: list[str]) -> None:
    numbers = np.arange(len(words)) % 2
    found = grouping.group(ex, [strings(ex, words), layout.from_numpy(ex, numbers)])
    rows = layout.to_numpy(ex, found.permutation)
    groups = np.split(rows, layout.to_numpy(ex, found.segments)[1:])
    distinct = {(words[i], int(numbers[i])) for i in range(len(words))}
    assert len(groups) == len(distinct)
    for members in groups:
        assert len({(words[i], int(numbers[i])) for i in members}) == 1
        assert (np.diff(members) > 0).all()


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_group_of_many_rows_is_one_group(ex: Executor, share: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-50, 50, 3000)
    x[rng.random(3000) < share] = 7
    check(ex, grouping.group(ex, [layout.from_numpy(ex, x)]), [x])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_groups_of_rows_that_lie_together(ex: Executor, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    keys = data.draw(st.lists(columns(st.just(n)), min_size=1, max_size=2))
    order = expected_groups(keys)[0]
    together = [k[order] for k in keys]
    check(ex, grouping.group_sorted(ex, [layout.from_numpy(ex, k) for k in together]), together)
