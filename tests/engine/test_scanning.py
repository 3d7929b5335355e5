"""Running sums, products and differences over any cut, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import scanning
from arkserver.engine.blocks.scanning import IN_TURN
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT
from tests.support.arrays import FIXED, arrays, assert_same, here, place

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DATA = st.data()
SUMMABLE = (np.int64, np.uint64, np.uint8, np.float64, BIGINT)


@pytest.mark.parametrize("op", ["sum", "prod"])
@given(DATA, st.booleans())
def test_running_sums_and_products(ex: Executor, op: str, data: st.DataObject, include_initial: bool) -> None:
    dtype = data.draw(st.sampled_from(SUMMABLE))
    floats = st.floats(-8, 8) | st.sampled_from([np.nan, np.inf])
    x = data.draw(arrays([dtype], values=floats if dtype == np.float64 else None))
    axis = data.draw(st.integers(0, x.ndim - 1))
    ufunc: np.ufunc = np.add if op == "sum" else np.multiply
    expected = ufunc.accumulate(x, axis, dtype=x.dtype)
    if include_initial:
        first = np.full([1 if a == axis else n for a, n in enumerate(x.shape)], ufunc.identity, dtype)
        expected = np.concatenate([first, expected], axis)
    got = scanning.cumulate(ex, place(data, ex, x), op, axis, include_initial=include_initial)
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    if dtype == np.float64:
        np.testing.assert_allclose(here(ex, got), expected, rtol=1e-9, atol=1e-9)
    else:
        np.testing.assert_array_equal(here(ex, got), expected)


@given(DATA)
def test_products_that_overflow_or_vanish_do_so_as_in_numpy(ex: Executor, data: st.DataObject) -> None:
    far = st.sampled_from([0.0, -0.0, 1e300, -1e300, 1e-300, np.inf, np.nan, 3.0])
    x = data.draw(arrays([np.float64], values=far))
    axis = data.draw(st.integers(0, x.ndim - 1))
    got = here(ex, scanning.cumulate(ex, place(data, ex, x), "prod", axis))
    np.testing.assert_array_equal(got, np.multiply.accumulate(x, axis))


def test_products_over_chunks_overflow_as_in_numpy(ex: Executor) -> None:
    x = np.random.default_rng(5).choice([1e9, 1e-9, -1.5, 0.5], 200_000)
    got = here(ex, scanning.cumulate(ex, layout.from_numpy(ex, x), "prod", 0))
    np.testing.assert_array_equal(got, np.cumprod(x))


def test_a_bound_of_bits_holds(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.array([7, 5, 9, 3], object), 3)
    assert here(ex, scanning.cumulate(ex, x, "sum", 0)).tolist() == [7, 4, 5, 0]


@given(DATA, arrays(FIXED), st.integers(0, 4))
def test_differences(ex: Executor, data: st.DataObject, x: Any, n: int) -> None:
    axis = data.draw(st.integers(0, x.ndim - 1))
    got = scanning.diff(ex, place(data, ex, x), n, axis)
    expected = np.diff(x, n, axis) if x.shape[axis] else x
    assert_same(ex, got, expected)


def test_over_chunks(ex: Executor) -> None:
    x = np.random.default_rng(4).integers(-100, 100, 300_000)
    there = layout.from_numpy(ex, x)
    assert_same(ex, scanning.cumulate(ex, there, "sum", 0), x.cumsum())
    assert_same(ex, scanning.diff(ex, there, 1, 0), np.diff(x))
    wide = x.reshape(100_000, 3)
    for axis in (0, 1):
        assert_same(ex, scanning.cumulate(ex, layout.from_numpy(ex, wide), "sum", axis), wide.cumsum(axis))


@pytest.mark.parametrize("n", [IN_TURN, IN_TURN + 1, 8 * IN_TURN + 3])
def test_sums_of_many_floats(ex: Executor, n: int) -> None:
    x = np.random.default_rng(n).normal(size=n)
    for lead in (False, True):
        expected = np.concatenate([np.zeros(int(lead)), x.cumsum()])
        got = here(ex, scanning.cumulate(ex, layout.from_numpy(ex, x), "sum", 0, include_initial=lead))
        np.testing.assert_allclose(got, expected, rtol=0, atol=1e-9)
    x[[n // 3, n // 2, n - 1]] = np.inf, -np.inf, 1.0
    got = here(ex, scanning.cumulate(ex, layout.from_numpy(ex, x), "sum", 0))
    with np.errstate(invalid="ignore"):
        np.testing.assert_allclose(got, x.cumsum(), rtol=0, atol=1e-9)
