"""The commands of sets."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.algorithms import sets
from arkserver.engine.executor import Executor
from tests.support.session import Session

A, B = np.array([4, 1, 7, 1, 9]), np.array([1, 8, 4, 4])


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("intersect1d", [1, 4]), ("union1d", [1, 4, 7, 8, 9]), ("setdiff1d", [7, 9]), ("setxor1d", [7, 8, 9])],
)
def test_two_sets(session: Session, name: str, expected: list[int]) -> None:
    a, b = session.put(A), session.put(B)
    assert session.array(name, arg1=a, arg2=b, assume_unique=False).tolist() == expected
    text = session.error(name, arg1=a, arg2=session.put(B * 1.5), assume_unique=False)
    assert "1d: int64 not implemented" in text


def test_membership(session: Session) -> None:
    a, b = session.put(A), session.put(B)
    assert session.array("in1d", pda1=a, pda2=b, invert=False).tolist() == [True, True, False, True, False]
    assert session.array("in1d", pda1=a, pda2=b, invert=True).tolist() == [False, False, True, False, True]
    assert "not implemented" in session.error("in1d", pda1=a, pda2=session.put(B * 1.5), invert=False)


@pytest.mark.parametrize("small", [1 << 22, -1])
@pytest.mark.parametrize("tail", ["", "b" * 10, "b" * 40])
def test_membership_of_strings(
    session: Session, monkeypatch: pytest.MonkeyPatch, small: int, tail: str
) -> None:  # fmt: skip
    monkeypatch.setattr(sets, "SMALL", small)
    words, others = [w + tail for w in ("x", "", "yy", "x", "é")], [w + tail for w in ("é", "x", "q")]
    args = {"objType": "Strings", "obj": session.put(words), "otherType": "Strings", "other": session.put(others)}
    assert session.array("segmentedIn1d", invert=False, **args).tolist() == [True, False, False, True, True]
    assert session.array("segmentedIn1d", invert=True, **args).tolist() == [False, True, True, False, False]


def test_distinct_elements(session: Session) -> None:
    x = np.array([[3, 1], [3, 2], [1, 3]])
    name = session.put(x)
    assert session.array("uniqueValues<int64,2>", name=name).tolist() == [1, 2, 3]
    assert [r.tolist() for r in session.arrays("uniqueCounts<int64,2>", name=name)] == [[1, 2, 3], [2, 1, 3]]
    values, firsts, inverse, counts = session.arrays("uniqueAll<int64,2>", name=name)
    assert (values.tolist(), firsts.tolist(), counts.tolist()) == ([1, 2, 3], [1, 3, 0], [2, 1, 3])
    np.testing.assert_array_equal(values[inverse], x)
    values, inverse = session.arrays("uniqueInverse<int64,2>", name=name)
    np.testing.assert_array_equal(values[inverse], x)
    text = session.error("uniqueCounts<uint8,1>", name=session.put(np.zeros(3, np.uint8)))
    assert "unique_counts does not support the uint(8) dtype" in text


def test_sparse_sums(session: Session) -> None:
    args = {
        "idx1": session.put(np.array([0, 4, 7])),
        "idx2": session.put(np.array([1, 4])),
        "val1": session.put(np.array([10, 20, 30])),
        "val2": session.put(np.array([1, 2])),
    }
    found = session.arrays("sparseSumHelp", merge=True, percent_transfer_limit=100, **args)
    assert [f.tolist() for f in found] == [[0, 1, 4, 7], [10, 1, 22, 30]]


@pytest.mark.parametrize("side", ["left", "right"])
def test_searchsorted(session: Session, side: str) -> None:
    ordered, x = np.array([1.0, 2.0, 2.0, 5.0]), np.array([[2.0, 0.0], [9.0, 5.0]])
    found = session.array(
        "searchSorted<float64,1,2>", x1=session.put(ordered), x2=session.put(x), side=side, x2Sorted=False
    )
    np.testing.assert_array_equal(found, np.searchsorted(ordered, x, "right" if side == "right" else "left"))


def test_searchsorted_refuses_other_sides_and_ranks(session: Session) -> None:
    x = session.put(np.array([1, 2]))
    text = session.error("searchSorted<int64,1,1>", x1=x, x2=x, side="middle", x2Sorted=False)
    assert "searchSorted side must be a string with value 'left' or 'right'." in text
    assert "Unrecognized command" in session.error("searchSorted<int64,2,1>", x1=x, x2=x, side="left")
