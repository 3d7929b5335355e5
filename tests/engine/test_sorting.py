"""Sorts over blocks give what NumPy gives, on bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import ordering, ranges, sorting
from arkserver.engine.blocks import dealing, radix, words
from arkserver.engine.blocks.orders import key_range, order_of
from arkserver.engine.blocks.views import raw
from arkserver.engine.blocks.words import Format
from arkserver.engine.executor import Executor
from arkserver.engine.values import Column
from tests.support.columns import DTYPES, columns, expected_order, sort_codes
from tests.support.session import text_block

SHAPES = [(0, 3), (1, 4), (5, 3), (20, 7), (4, 3, 5), (13, 2, 2), (2, 40)]


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_sort_and_argsort_agree_with_numpy(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(columns())
    there = layout.from_numpy(ex, x)
    order = layout.to_numpy(ex, sorting.argsort(ex, there))
    np.testing.assert_array_equal(order, expected_order([x]))
    got = layout.to_numpy(ex, sorting.sort(ex, there))
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(sort_codes(got), np.sort(sort_codes(x)))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_coargsort_is_lexicographic_and_stable(ex: Executor, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    keys = data.draw(st.lists(columns(st.just(n)), min_size=1, max_size=4))
    there = [layout.from_numpy(ex, k) for k in keys]
    np.testing.assert_array_equal(layout.to_numpy(ex, sorting.coargsort(ex, there)), expected_order(keys))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_sorting_along_each_axis(ex: Executor, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
    rng = np.random.default_rng(3)
    x = rng.integers(-9, 9, shape).astype(dtype)
    there = layout.from_numpy(ex, x)
    for axis in range(x.ndim):
        np.testing.assert_array_equal(layout.to_numpy(ex, sorting.sort(ex, there, axis)), np.sort(x, axis=axis))
        order = layout.to_numpy(ex, sorting.argsort(ex, there, axis))
        np.testing.assert_array_equal(order, np.argsort(x, axis=axis, kind="stable"))


@pytest.mark.parametrize("axis", [0, 1])
def test_long_lanes_are_sorted_like_short_ones(axis: int) -> None:
    from arkserver.engine.blocks import along

    x = np.random.default_rng(4).standard_normal((3, along.LONG + 1) if axis else (along.LONG + 1, 3))
    np.testing.assert_array_equal(along.sort(x, axis), np.sort(x, axis=axis))
    np.testing.assert_array_equal(along.argsort(x, axis), np.argsort(x, axis=axis, kind="stable"))


TEXTS = st.text("abé", max_size=20) | st.sampled_from(["", "a" * 30, "a" * 30 + "b", "a" * 8, "a" * 16])


@given(items=st.lists(TEXTS, max_size=60), numbers=st.booleans())
@settings(max_examples=40, deadline=None)
def test_strings_sort_bytewise(ex: Executor, items: list[str], numbers: bool) -> None:
    there = layout.strings_from_block(ex, text_block(items))
    beside = np.arange(len(items))[::-1] // 2
    keys: list[Column] = [there, layout.from_numpy(ex, beside)] if numbers else [there]
    got = layout.to_numpy(ex, sorting.coargsort(ex, keys)).tolist()
    assert got == sorted(range(len(items)), key=lambda i: (items[i].encode(), beside[i] if numbers else 0))


def skewed(kind: str, n: int) -> NDArray[np.int64]:
    rng = np.random.default_rng(5)
    x = rng.integers(-(2**62), 2**62, n)
    x[rng.random(n) < {"half": 0.5, "all": 1.0, "none": 0.0}[kind]] = 17
    return x


def count_rows(pieces: list[ranges.Columns]) -> int:
    return sum(len(p[0]) for p in pieces)


@pytest.mark.parametrize("kind", ["half", "all", "none"])
def test_a_skewed_key_is_spread_over_all_blocks(ex: Executor, kind: str) -> None:
    x = skewed(kind, 20_000)
    there = layout.from_numpy(ex, x)
    cut = ranges.ranges_of(ex, [there], positions=True)
    counts = ex.fetch(ranges.exchange_by_range(ex, cut, [there], count_rows).values)
    assert sum(counts) == 20_000
    assert max(counts) <= 1.3 * 20_000 / len(there.rows)
    np.testing.assert_array_equal(layout.to_numpy(ex, sorting.argsort(ex, there)), np.argsort(x, kind="stable"))


@pytest.mark.parametrize("whole", [radix.WHOLE, 5])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_a_sort_cell_by_cell_agrees_with_numpy(ex: Executor, whole: int, data: st.DataObject) -> None:
    x = data.draw(columns(st.integers(0, 300)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dealing, "CELL_ROW_BITS", 1)
        patch.setattr(radix, "WHOLE", whole)
        got = layout.to_numpy(ex, sorting.sort(ex, layout.from_numpy(ex, x)))
    np.testing.assert_array_equal(sort_codes(got), np.sort(sort_codes(x)))


@pytest.mark.parametrize("kind", ["half", "all", "none"])
@pytest.mark.parametrize("outlier", [0, 2**63 - 1])
def test_a_large_skewed_key_is_sorted_cell_by_cell(ex: Executor, kind: str, outlier: int) -> None:
    x = skewed(kind, 300_000)
    x[7] = outlier
    np.testing.assert_array_equal(layout.to_numpy(ex, sorting.sort(ex, layout.from_numpy(ex, x))), np.sort(x))


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_words_that_tie_are_brought_in_order(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(columns())
    narrow = lambda found, cell_bits, _rows: Format(found, max(0, found.bits - cell_bits), room=60)  # noqa: E731
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Format, "of", narrow)
        patch.setattr(ordering, "_ties", lambda *_: False)
        patch.setattr(ordering, "UNEVEN", 1e9)
        found = ordering.argsort_by_words(ex, layout.from_numpy(ex, x))
    assert (found is None) == (len(x) == 0)
    if found is not None:
        np.testing.assert_array_equal(layout.to_numpy(ex, found), expected_order([x]))


def _full_range(dtype: type, n: int) -> NDArray[Any]:
    bits = np.random.default_rng(8).integers(0, 2**64, n, np.uint64, endpoint=False)
    return np.nan_to_num(bits.view(dtype)) if dtype is np.float64 else bits.astype(dtype)


@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64])
def test_few_neighbours_among_long_codes(ex: Executor, dtype: type) -> None:
    x = _full_range(dtype, 6_000)
    close = x.view(np.uint64)
    close[[3, 4_000, 5_999]] = close[[5_000, 17, 2_500]] ^ np.uint64(1)
    close[[8, 9, 10]] = close[4_500]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ordering, "_ties", lambda *_: False)  # that the sample has none of them is likely only
        found = ordering.argsort_by_words(ex, layout.from_numpy(ex, x))
    assert found is not None
    np.testing.assert_array_equal(layout.to_numpy(ex, found), expected_order([x]))


@pytest.mark.parametrize("dtype", [np.int64, np.float64, np.bool_])
def test_keys_in_order_are_not_dealt(ex: Executor, dtype: type, monkeypatch: pytest.MonkeyPatch) -> None:
    keys: NDArray[Any] = np.sort(np.random.default_rng(5).integers(-40, 40, 300).astype(dtype))
    turned = np.roll(keys, 1)
    np.testing.assert_array_equal(
        layout.to_numpy(ex, sorting.argsort(ex, layout.from_numpy(ex, turned))), expected_order([turned])
    )
    there = layout.from_numpy(ex, keys)
    monkeypatch.setattr(ex, "exchange", None)
    np.testing.assert_array_equal(layout.to_numpy(ex, sorting.argsort(ex, there)), np.arange(300))


@pytest.mark.parametrize(
    ("keys", "travels"),
    [
        (np.arange(3_000) % 50, True),
        (np.arange(3_000) % 2 == 0, True),
        (np.repeat([5, 2**40, -(2**62)], 1_000), False),  # a cell each, and two parts
        (np.tile(_full_range(np.int64, 2_000), 3), False),
    ],
)
def test_which_keys_travel_as_words(ex: Executor, keys: NDArray[Any], travels: bool) -> None:
    there = layout.from_numpy(ex, keys)
    if len(there.rows) == 2:
        assert (ordering.argsort_by_words(ex, there) is not None) == travels
    np.testing.assert_array_equal(layout.to_numpy(ex, sorting.argsort(ex, there)), expected_order([keys]))


def test_ties_are_brought_in_order_once() -> None:
    keys = np.array([4, 6, 5, 7, 4, 6], np.int64)
    found = key_range(raw(keys), order_of(keys.dtype))
    form = Format(found, shift=3, room=63)
    part = words.merge_marked(words.deal(keys, 0, form, np.array([0, form.cells])), form)
    rows = words.tied_rows(part)
    once = words.settled(part, rows, keys[rows]).tolist()
    assert once == [0, 4, 2, 1, 5, 3]
    assert words.tied_rows(part).tolist() == rows.tolist()
    assert words.settled(part, rows, keys[rows]).tolist() == once


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_the_least_and_the_greatest(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(columns())
    k = data.draw(st.integers(1, 70))
    there = layout.from_numpy(ex, x)
    ordered = np.sort(sort_codes(x[~np.isnan(x)]))
    for largest, wanted in ((False, ordered[:k]), (True, ordered[-k:])):
        places, values = sorting.argtop(ex, there, k, largest=largest)
        np.testing.assert_array_equal(sort_codes(values), wanted)
        np.testing.assert_array_equal(sort_codes(x[places]), wanted)
        assert len(set(places.tolist())) == len(places)
