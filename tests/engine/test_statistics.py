"""Histograms and quantiles over any cut, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import selection, statistics
from arkserver.engine.blocks.sorting import sort
from arkserver.engine.executor import Executor
from tests.support.arrays import arrays, here, place
from tests.support.columns import columns

pytestmark = pytest.mark.filterwarnings("ignore::RuntimeWarning")

DATA = st.data()
REAL = (np.int64, np.uint64, np.float64)
WIDE = st.integers(0, 40)
Q = st.sampled_from([0.0, 0.1, 0.25, 0.5, 2 / 3, 0.9, 1.0])


@given(DATA, st.integers(1, 3))
def test_histograms(ex: Executor, data: st.DataObject, dims: int) -> None:
    n = data.draw(st.integers(0, 30))
    sample = [data.draw(arrays(REAL, (n,), WIDE)) for _ in range(dims)]
    bins = [data.draw(st.integers(1, 7)) for _ in range(dims)]
    ranges = [(0.0, float(data.draw(st.integers(1, 40)))) for _ in range(dims)]
    got = statistics.histogram(ex, [place(data, ex, x) for x in sample], bins, ranges)
    expected, _ = np.histogramdd(np.array([x.astype(np.float64) for x in sample]).T, bins, ranges)
    np.testing.assert_array_equal(got, expected)


def test_nan_and_infinities_are_not_counted(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.array([np.nan, 1.0, np.inf, -np.inf, 2.0, 3.0]))
    assert statistics.histogram(ex, [x], [2], [(1.0, 2.0)]).tolist() == [1, 1]


@pytest.mark.parametrize("method", statistics.METHODS)
@given(data=DATA)
def test_quantiles(ex: Executor, method: Any, data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(1,), (2,), (7,), (12,), (3, 4)]))
    x = data.draw(arrays(REAL, shape, WIDE))
    q = data.draw(arrays([np.float64], st.sampled_from([(), (1,), (3,), (2, 2)]), Q))
    got = statistics.quantile(ex, place(data, ex, x), q, method)
    np.testing.assert_allclose(got, np.quantile(x.astype(np.float64), q, method=method), rtol=1e-12)


@given(DATA, st.sampled_from(["linear", "lower", "weibull", "inverted_cdf"]))
def test_quantiles_along_axes(ex: Executor, data: st.DataObject, method: Any) -> None:
    x = data.draw(arrays(REAL, st.sampled_from([(3, 4), (5, 1), (2, 3, 4)]), WIDE))
    axes = data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1, max_size=x.ndim - 1).map(sorted))
    q = data.draw(arrays([np.float64], st.sampled_from([(), (1,), (3,)]), Q))
    got = statistics.quantile_along(ex, place(data, ex, x), q, axes, method)
    expected = np.quantile(x.astype(np.float64), q, axis=tuple(axes), method=method, keepdims=True)
    assert got.shape == expected.shape
    np.testing.assert_allclose(here(ex, got), expected, rtol=1e-12)


def test_a_nan_makes_all_quantiles_nan(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.array([1.0, np.nan, 2.0]))
    assert np.isnan(statistics.quantile(ex, x, np.array([0.0, 0.5]), "linear")).all()


@pytest.mark.parametrize("few", [1, 4, 100])
@given(x=columns(st.integers(1, 60)), data=DATA)
def test_elements_by_rank(ex: Executor, x: Any, data: st.DataObject, few: int) -> None:
    ranks = np.array(data.draw(st.lists(st.integers(0, len(x) - 1), min_size=1, max_size=5)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(selection, "FEW", few)
        patch.setattr(selection, "DIGIT_BITS", 3)
        got = selection.at_ranks(ex, layout.from_numpy(ex, x), ranks)
    assert got.dtype == x.dtype
    assert got.tobytes() == sort(x)[ranks].tobytes()
