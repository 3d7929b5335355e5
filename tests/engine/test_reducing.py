"""Reductions over any cut, whole and along axes, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import reducing
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from tests.support.arrays import ALL, FIXED, NUMERIC, arrays, here, place

# NumPy warns of overflow and nan while the expected values are made.
pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DATA = st.data()
MODERATE = st.floats(-1e6, 1e6) | st.sampled_from([0.0, -0.0, np.nan, np.inf, -np.inf])
NUMPY: dict[str, Any] = {"sum": np.sum, "prod": np.prod, "min": np.min, "max": np.max, "any": np.any, "all": np.all}


def some(data: st.DataObject, dtypes: Any = NUMERIC) -> Any:
    """Arrays whose sums stay exact enough to be compared."""
    dtype = data.draw(st.sampled_from(dtypes))
    return data.draw(arrays([dtype], values=MODERATE if dtype == np.float64 else None), label="x")


def drawn_axes(data: st.DataObject, x: Any) -> tuple[int, ...]:
    return tuple(sorted(data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1), label="axes")))


def compare(ex: Executor, got: Array, expected: Any) -> None:
    """Equal, up to the order in which floats were added."""
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    np.testing.assert_allclose(here(ex, got), expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("op", ["sum", "prod"])
@given(data=DATA)
def test_sum_and_prod(ex: Executor, op: str, data: st.DataObject) -> None:
    x = some(data) if op == "sum" else data.draw(arrays(NUMERIC, values=st.integers(0, 2)))
    axes, there = drawn_axes(data, x), place(data, ex, x)
    compare(ex, reducing.fold(ex, there, op, axes), NUMPY[op](x, axis=axes, keepdims=True))
    got, expected = reducing.fold_all(ex, there, op), NUMPY[op](x)
    assert got.dtype == expected.dtype
    np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-6)


@pytest.mark.parametrize("op", ["min", "max", "any", "all"])
@given(data=DATA)
def test_extremes_and_truth(ex: Executor, op: str, data: st.DataObject) -> None:
    x = data.draw(arrays(NUMERIC if op in ("min", "max") else ALL))
    axes, there = drawn_axes(data, x), place(data, ex, x)
    values = x if op in ("min", "max") else x != 0
    if min(values.shape[a] for a in axes) == 0 and op in ("min", "max"):
        return
    compare(ex, reducing.fold(ex, there, op, axes), NUMPY[op](values, axis=axes, keepdims=True))
    if x.size or op in ("any", "all"):
        np.testing.assert_array_equal(reducing.fold_all(ex, there, op), NUMPY[op](values))


@pytest.mark.parametrize("op", ["sum", "prod", "min", "max"])
@given(data=DATA)
def test_nan_is_skipped(ex: Executor, op: str, data: st.DataObject) -> None:
    x = data.draw(
        arrays(
            [np.float64], shape=st.sampled_from([(5,), (4, 3), (2, 3, 2)]), values=st.sampled_from([np.nan, 1.0, -2.0])
        )
    )
    axes, there = drawn_axes(data, x), place(data, ex, x)
    fn: Any = {"sum": np.nansum, "prod": np.nanprod, "min": np.fmin.reduce, "max": np.fmax.reduce}[op]
    expected = np.asarray(fn(x, axis=axes, keepdims=True))
    compare(ex, reducing.fold(ex, there, op, axes, skip_nan=True), expected)
    whole = fn(x.reshape(-1))
    np.testing.assert_array_equal(reducing.fold_all(ex, there, op, skip_nan=True), whole)


@pytest.mark.parametrize("dtype", NUMERIC)
def test_no_elements_give_the_identity(ex: Executor, dtype: Any) -> None:
    x = layout.from_numpy(ex, np.empty(0, dtype))
    low, high = {"f": (-np.inf, np.inf), "b": (False, True)}.get(np.dtype(dtype).kind) or (
        np.iinfo(dtype).min,
        np.iinfo(dtype).max,
    )
    found = {op: reducing.fold_all(ex, x, op) for op in NUMPY}
    assert found == {"sum": 0, "prod": 1, "min": high, "max": low, "any": False, "all": True}
    wide = layout.from_numpy(ex, np.empty((3, 0), dtype))
    assert here(ex, reducing.fold(ex, wide, "max", (1,))).tolist() == [[low]] * 3
    assert np.isnan(reducing.mean_all(ex, x))
    assert np.isnan(reducing.spread_all(ex, x, ddof=0, root=True))


@given(DATA, st.booleans())
def test_mean_and_variance(ex: Executor, data: st.DataObject, skip_nan: bool) -> None:
    dtype = data.draw(st.sampled_from(ALL))
    small = st.floats(-1e3, 1e3) | st.just(np.nan) if dtype == np.float64 else st.integers(0, 1)
    x = data.draw(arrays([dtype], values=small))
    axes, there, floats = drawn_axes(data, x), place(data, ex, x), x.astype(np.float64)
    ddof = data.draw(st.sampled_from([0.0, 1.0, 0.5]))
    numbers = ~np.isnan(floats) if skip_nan else np.ones(x.shape, np.bool_)
    count = numbers.sum(axis=axes, keepdims=True)
    total = floats.sum(axis=axes, keepdims=True, where=numbers)
    with np.errstate(all="ignore"):
        mean = total / count
        squares = np.square(floats - mean).sum(axis=axes, keepdims=True, where=numbers)
        variance = np.where(count > ddof, squares / (count - ddof), np.nan)
        compare(ex, reducing.mean(ex, there, axes, skip_nan=skip_nan), mean)
        got = reducing.spread(ex, there, axes, ddof=ddof, root=False, skip_nan=skip_nan)
        compare(ex, got, variance)
        if len(axes) == x.ndim:
            np.testing.assert_allclose(reducing.mean_all(ex, there, skip_nan=skip_nan), mean.item(), 1e-9, 1e-9)
            root = reducing.spread_all(ex, there, ddof=ddof, root=True, skip_nan=skip_nan)
            np.testing.assert_allclose(root, np.sqrt(variance).item(), 1e-9, 1e-9)


@given(DATA, arrays(FIXED), st.booleans())
def test_where_the_extremes_are(ex: Executor, data: st.DataObject, x: Any, greatest: bool) -> None:
    there, find = place(data, ex, x), np.argmax if greatest else np.argmin
    axis = data.draw(st.integers(0, x.ndim - 1))
    if x.shape[axis] == 0:
        with pytest.raises(ArgumentError):
            reducing.arg_extreme(ex, there, axis, greatest=greatest)
        return
    compare(ex, reducing.arg_extreme(ex, there, axis, greatest=greatest), find(x, axis=axis, keepdims=True))
    if x.size:
        assert reducing.arg_extreme_all(ex, there, greatest=greatest) == find(x)


@given(DATA)
def test_ascending_order(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(arrays(values=st.integers(0, 1)))
    if data.draw(st.booleans(), label="sort"):
        for axis in range(x.ndim):
            x.sort(axis=axis)
    axes, there = drawn_axes(data, x), place(data, ex, x)
    flags = [
        np.all(np.take(x, range(x.shape[a] - 1), a) <= np.take(x, range(1, x.shape[a]), a), axis=axes, keepdims=True)
        if x.shape[a]
        else True
        for a in axes
    ]
    shape = tuple(1 if a in axes else n for a, n in enumerate(x.shape))
    expected = np.ones(shape, np.bool_)
    for flag in flags:
        expected = expected & flag
    compare(ex, reducing.ascends(ex, there, axes), expected)
    if len(axes) == x.ndim:
        assert reducing.ascends_all(ex, there) == expected.item()


@given(DATA)
def test_two_arrays(ex: Executor, data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(6,), (4, 3)]))
    x, y = (data.draw(arrays(ALL, shape, st.integers(0, 1))) for _ in range(2))
    a, b = place(data, ex, x), place(data, ex, y)
    floats = np.array([x.reshape(-1), y.reshape(-1)]).astype(np.float64)
    with np.errstate(all="ignore"):
        np.testing.assert_allclose(reducing.covariance(ex, a, b), np.asarray(np.cov(floats))[0, 1], atol=1e-12)
        if floats.std(axis=1).all():
            np.testing.assert_allclose(
                reducing.correlation(ex, a, b), np.asarray(np.corrcoef(floats))[0, 1], atol=1e-12
            )


@given(DATA, st.booleans())
def test_closeness(ex: Executor, data: st.DataObject, equal_nan: bool) -> None:
    x = data.draw(arrays(FIXED, values=st.integers(0, 1)))
    y = x.astype(np.float64) + data.draw(st.sampled_from([0.0, 1e-9, 0.5, np.nan]))
    got = reducing.all_close(ex, place(data, ex, x), place(data, ex, y), rtol=1e-5, atol=1e-8, equal_nan=equal_nan)
    assert got == np.allclose(x.astype(np.float64), y, equal_nan=equal_nan)


def test_over_chunks(ex: Executor) -> None:
    x = np.random.default_rng(2).normal(size=(50_000, 3))
    there = layout.from_numpy(ex, x)
    for axes in [(0,), (1,), (0, 1)]:
        compare(ex, reducing.fold(ex, there, "sum", axes), x.sum(axis=axes, keepdims=True))
        compare(ex, reducing.spread(ex, there, axes, ddof=1, root=True), x.std(axis=axes, ddof=1, keepdims=True))
    assert reducing.arg_extreme_all(ex, there, greatest=True) == x.argmax()
    compare(ex, reducing.arg_extreme(ex, there, 0, greatest=False), x.argmin(axis=0, keepdims=True))
