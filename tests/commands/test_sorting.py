"""The commands that sort."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session

X = np.array([3.0, -1.0, np.nan, 2.0, -1.0, np.inf])


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def test_argsort_sort_and_coargsort(session: Session) -> None:
    x, key = session.put(X), session.put(np.array([1, 0, 1, 0, 1, 0]))
    order = session.array("argsort<float64,1>", name=x, algoName="RadixSortLSD", objType="pdarray", axis=0)
    np.testing.assert_array_equal(order, np.argsort(X, kind="stable"))
    done = session.array("sort<float64,1>", alg="TwoArrayRadixSort", array=x, axis=0)
    np.testing.assert_array_equal(done, np.sort(X))
    order = session.array("coargsort", algoName="RadixSortLSD", nstr=2, arr_names=[key, x], arr_types=["", ""])
    np.testing.assert_array_equal(order, [1, 3, 5, 4, 0, 2])


def test_sorting_along_the_last_axis(session: Session) -> None:
    x = np.array([[3, 1, 2], [9, 7, 8]])
    done = session.array("sort<int64,2>", alg="RadixSortLSD", array=session.put(x), axis=-1)
    np.testing.assert_array_equal(done, np.sort(x, axis=1))


def test_the_k_least_and_greatest(session: Session) -> None:
    x = session.put(np.array([5, 9, 1, 7, 3]))
    assert session.array("mink", array=x, k=2, rtnInd=False).tolist() == [1, 3]
    assert session.array("mink", array=x, k=2, rtnInd=True).tolist() == [2, 4]
    assert session.array("maxk", array=x, k=2, rtnInd=False).tolist() == [7, 9]
    assert session.array("maxk", array=x, k=2, rtnInd=True).tolist() == [3, 1]


def test_what_is_refused(session: Session) -> None:
    x, short = session.put(X), session.put(X[:2])
    text = session.error("argsort<float64,1>", name=x, algoName="BubbleSort", objType="pdarray", axis=0)
    assert "Unrecognized sorting algorithm: BubbleSort" in text
    text = session.error("sort<float64,1>", alg="RadixSortLSD", array=x, axis=1)
    assert "Parameter cannot be cast as a positive int in the range: [-1, 1)" in text
    text = session.error("coargsort", algoName="", nstr=2, arr_names=[x, short], arr_types=["", ""])
    assert "[2, 6]" in text
    assert "Unrecognized command" in session.error("sort<bool,1>", alg="", array=session.put(X > 0), axis=0)
    assert "mink: bool not implemented" in session.error("mink", array=session.put(X > 0), k=1, rtnInd=False)
