"""Sets over blocks agree with NumPy on the bits."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import searching, sets
from arkserver.engine.blocks import text
from arkserver.engine.executor import Executor
from tests.support.columns import DTYPES, columns, sort_codes


@given(data=st.data())
@settings(max_examples=30, deadline=None)
def test_distinct_elements(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(columns())
    there = layout.from_numpy(ex, x)
    values, firsts, inverse, counts = np.unique(
        sort_codes(x), return_index=True, return_inverse=True, return_counts=True
    )
    np.testing.assert_array_equal(sort_codes(layout.to_numpy(ex, sets.unique(ex, there))), values)
    for got, wanted in zip(sets.unique_all(ex, there), (values, firsts, inverse, counts), strict=True):
        np.testing.assert_array_equal(sort_codes(layout.to_numpy(ex, got)), wanted)
    for got, wanted in zip(sets.unique_counts(ex, there), (values, counts), strict=True):
        np.testing.assert_array_equal(sort_codes(layout.to_numpy(ex, got)), wanted)
    for got, wanted in zip(sets.unique_inverse(ex, there), (values, inverse), strict=True):
        np.testing.assert_array_equal(sort_codes(layout.to_numpy(ex, got)), wanted)


@pytest.mark.parametrize("shape", [(5, 4), (9, 2, 3), (0, 3), (3, 0), (1, 7)])
def test_the_inverse_has_the_shape_of_the_array(ex: Executor, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).integers(0, 5, shape)
    values, inverse = (layout.to_numpy(ex, a) for a in sets.unique_inverse(ex, layout.from_numpy(ex, x)))
    assert inverse.shape == shape
    np.testing.assert_array_equal(values[inverse], x)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_membership_and_operations(ex: Executor, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    a, b = data.draw(columns(dtypes=[dtype])), data.draw(columns(dtypes=[dtype]))
    x, y = sort_codes(a), sort_codes(b)
    left, right = layout.from_numpy(ex, a), layout.from_numpy(ex, b)
    for invert in (False, True):
        got = layout.to_numpy(ex, sets.in1d(ex, left, right, invert=invert))
        np.testing.assert_array_equal(got, np.isin(x, y, invert=invert))
    wanted = {
        "intersect": np.intersect1d(x, y),
        "union": np.union1d(x, y),
        "difference": np.setdiff1d(x, y),
        "symmetric_difference": np.setxor1d(x, y),
    }
    for operation, expected in wanted.items():
        got = layout.to_numpy(ex, sets.combine(ex, operation, left, right))
        assert got.dtype == dtype
        np.testing.assert_array_equal(sort_codes(got), expected)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_keys_that_a_sample_does_not_show(ex: Executor, data: st.DataObject) -> None:
    """A few keys, in places that no sample looks at, are outside the range, or between the steps, of all others."""
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    dtype, step = data.draw(st.sampled_from([np.int64, np.uint64, np.float64])), data.draw(st.sampled_from([0, 3, 50]))
    bits = (rng.integers(0, 1000, 40_000, np.uint64) + data.draw(st.integers(0, 2**64 // 2**step - 1000))) << step
    places = 4 * rng.integers(0, 10_000, 3) + 1
    words = st.integers(0, 2**64 - 1) | st.sampled_from([0, 1, 2**63 - 1, 2**63, 2**64 - 1])
    bits[places] = [data.draw(words) for _ in places]
    a: NDArray[Any] = bits.view(dtype)
    b = a[places].copy()
    left, right = layout.from_numpy(ex, a), layout.from_numpy(ex, b)
    values, inverse = np.unique(sort_codes(a), return_inverse=True)
    np.testing.assert_array_equal(sort_codes(layout.to_numpy(ex, sets.unique(ex, left))), values)
    np.testing.assert_array_equal(layout.to_numpy(ex, sets.unique_inverse(ex, left)[1]), inverse)
    for x, y, i, j in ((left, right, a, b), (right, left, b, a)):
        np.testing.assert_array_equal(layout.to_numpy(ex, sets.in1d(ex, x, y)), np.isin(sort_codes(i), sort_codes(j)))
    got = layout.to_numpy(ex, sets.combine(ex, "difference", left, right))
    np.testing.assert_array_equal(sort_codes(got), np.setdiff1d(values, sort_codes(b)))


@pytest.fixture
def everything_is_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """No array is so small that it is handed to every block."""
    monkeypatch.setattr(searching, "SMALL", -1)
    monkeypatch.setattr(sets, "SMALL", -1)


@pytest.mark.usefixtures("everything_is_large")
@pytest.mark.parametrize("dtype", [np.int64, np.uint64, np.float64], ids=str)
@pytest.mark.parametrize("skewed", [False, True])
def test_looking_up_in_a_large_array(ex: Executor, dtype: type, skewed: bool) -> None:
    rng = np.random.default_rng(8)
    x: NDArray[Any] = rng.integers(0, 900, 2000).astype(dtype)
    ordered: NDArray[Any] = np.sort(rng.integers(0, 600, 700)).astype(dtype)
    if skewed:
        x[rng.random(2000) < 0.5] = 7
        ordered[:400] = ordered[400]
    if dtype == np.float64:
        x[:3], ordered[-2:] = [np.nan, -0.0, np.inf], [np.inf, np.nan]
    for side in ("left", "right"):
        check_search(ex, ordered, x, side)
    got = layout.to_numpy(ex, sets.in1d(ex, layout.from_numpy(ex, x), layout.from_numpy(ex, ordered)))
    np.testing.assert_array_equal(got, np.isin(sort_codes(x), sort_codes(ordered)))


def check_search(ex: Executor, ordered: NDArray[Any], x: NDArray[Any], side: Any) -> None:
    found = searching.searchsorted(ex, layout.from_numpy(ex, ordered), layout.from_numpy(ex, x), side)
    np.testing.assert_array_equal(layout.to_numpy(ex, found), np.searchsorted(ordered, x, side))


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_searchsorted(ex: Executor, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    ordered, x = np.sort(data.draw(columns(dtypes=[dtype]))), data.draw(columns(dtypes=[dtype]))
    check_search(ex, ordered, x, data.draw(st.sampled_from(["left", "right"])))


@pytest.mark.usefixtures("everything_is_large")
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_searchsorted_in_a_large_array(ex: Executor, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    ordered, x = np.sort(data.draw(columns(dtypes=[dtype]))), data.draw(columns(dtypes=[dtype]))
    check_search(ex, ordered, x, data.draw(st.sampled_from(["left", "right"])))


@pytest.mark.parametrize("longest", [5, 30])
def test_more_strings_than_a_table_can_number(ex: Executor, monkeypatch: pytest.MonkeyPatch, longest: int) -> None:
    monkeypatch.setattr(sets, "MOST_IN_TABLE", 0)
    known = [b"k" * (i % longest) + b"%d" % i for i in range(40)]
    asked = [*known[::3], b"", b"none", *known[:5]]
    s, test = (layout.strings_from_block(ex, text.from_list(t)) for t in (asked, known))
    for invert in (False, True):
        found = layout.to_numpy(ex, sets.strings_in(ex, s, test, invert=invert))
        assert found.tolist() == [(a in known) != invert for a in asked]
