"""The commands that group."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session

KEY = np.array([3, 1, 3, 2, 1, 3])
X = np.array([1.0, 2.0, np.nan, 4.0, 8.0, 16.0])


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def groups_of(session: Session, *keys: str) -> tuple[str, str, str]:
    text = session.text(
        "unique", returnGroupStr=True, assumeSortedStr=False, nstr=len(keys), keynames=list(keys), keytypes=["pdarray"]
    )
    permutation, segments, firsts = (line.split()[1] for line in text.split("+"))
    return permutation, segments, firsts


def test_unique_gives_permutation_segments_and_first_rows(session: Session) -> None:
    permutation, segments, firsts = map(session.get, groups_of(session, session.put(KEY)))
    assert permutation.tolist() == [1, 4, 3, 0, 2, 5]
    assert segments.tolist() == [0, 2, 3]
    assert firsts.tolist() == [1, 3, 0]
    args = {"nstr": 1, "keynames": [session.put(np.sort(KEY))], "keytypes": ["pdarray"]}
    assert session.array("unique", returnGroupStr=False, assumeSortedStr=True, **args).tolist() == [0, 2, 3]


def test_too_many_keys(session: Session) -> None:
    x = session.put(KEY)
    args = {"nstr": 129, "keynames": [x] * 129, "keytypes": ["pdarray"] * 129}
    text = session.error("unique", returnGroupStr=True, assumeSortedStr=False, **args)
    assert "Cannot hash more than 128 arrays" in text


def test_reductions_of_permuted_values(session: Session) -> None:
    values = session.put(X[[1, 4, 3, 0, 2, 5]])
    args = {"values": values, "segments": session.put(np.array([0, 2, 3])), "ddof": 1}
    assert session.array("segmentedReduction", op="sum", skip_nan=True, **args).tolist() == [10, 4, 17]
    np.testing.assert_array_equal(
        session.array("segmentedReduction", op="sum", skip_nan=False, **args), [10, 4, np.nan]
    )
    assert session.array("segmentedReduction", op="count", skip_nan=False, **args).tolist() == [2, 1, 2]
    text = session.error("segmentedReduction", op="nunique", skip_nan=False, **args)
    assert "Error: segmentedReductionMsg: nunique float64 not implemented" in text


def test_products_have_the_digits_of_logarithms(session: Session) -> None:
    x = np.array([3, 2, -2, 2, 4, 0, -5, -(2**63)])
    args = {"segments": session.put(np.array([0, 1, 4, 6, 7, 8])), "skip_nan": True, "ddof": 1}
    found = session.array("segmentedReduction", values=session.put(x), op="prod", **args)
    np.testing.assert_array_equal(found[:3], [3.0000000000000004, -7.999999999999998, 0])
    np.testing.assert_allclose(found[3:], [-5, -(2.0**63), 1])


def test_heads_and_tails(session: Session) -> None:
    permutation, segments, _ = groups_of(session, session.put(KEY))
    args = {"values": permutation, "segments": segments, "n": 2, "skip_nan": False, "ddof": 1}
    assert session.array("segmentedReduction", op="head", **args).tolist() == [1, 4, 3, 0, 2]
    assert session.array("segmentedReduction", op="tail", **args).tolist() == [1, 4, 3, 2, 5]


def test_sizes_and_broadcasts(session: Session) -> None:
    permutation, segments, _ = groups_of(session, session.put(KEY))
    assert session.array("sizeReduction", segments=segments, size=6).tolist() == [2, 1, 3]
    args = {"permName": permutation, "segName": segments, "valName": session.put(np.array([True, False, True]))}
    spread = session.array("gbbroadcast", permute=False, size=6, **args)
    assert spread.tolist() == [True, True, False, True, True, True]
    spread = session.array("gbbroadcast", permute=True, size=6, **args)
    assert spread.tolist() == [True, True, True, False, True, True]


def test_what_precedes_the_first_segment_is_zero(session: Session) -> None:
    args = {"segName": session.put(np.array([3, 3, 5])), "valName": session.put(np.array([7, 8, 9])), "size": 6}
    assert session.array("gbbroadcast", permName="none", permute=False, **args).tolist() == [0, 0, 0, 8, 8, 9]


@pytest.mark.parametrize("starts", [[0, 7], [-1, 2], [2, 1], [0, 2**62]])
def test_segments_that_point_outside_are_refused(session: Session, starts: list[int]) -> None:
    x, segments = session.put(X), session.put(np.array(starts))
    args = {"segments": segments, "op": "sum", "skip_nan": True, "ddof": 1}
    assert "segments must ascend" in session.error("segmentedReduction", values=x, **args)
    text = session.error("gbbroadcast", permName="", segName=segments, valName=segments, permute=False, size=6)
    assert "segments must ascend" in text


def test_permutations_that_point_outside_are_refused(session: Session) -> None:
    wrong, segments = session.put(np.array([0, 1, 2, 3, 4, 6])), session.put(np.array([0]))
    args = {"segName": segments, "valName": session.put(X[:1]), "permute": True, "size": 6}
    assert "OOBindex 6 > 5" in session.error("gbbroadcast", permName=wrong, **args)


def test_groups_by_number(session: Session) -> None:
    codes, firsts = (line.split()[1] for line in session.text("groupCodes", keys=[session.put(KEY)]).split("+"))
    assert session.get(codes).tolist() == [2, 0, 2, 1, 0, 2]
    assert session.get(firsts).tolist() == [1, 3, 0]
    values = session.put(X)
    args = {"codes": codes, "groups": 3, "values": [values, values], "ops": ["sum", "max"]}
    sums, most = (line.split()[1] for line in session.text("codedAggregate", **args).split("+"))
    np.testing.assert_array_equal(session.get(sums), [10, 4, 17])
    np.testing.assert_array_equal(session.get(most), [8, 4, 16])


def test_groups_by_number_with_their_keys(session: Session) -> None:
    texts = session.put(["b", "", "b", "ä", "", "b"])
    lines = session.text("groupCodes", keys=[session.put(KEY), texts], unique=True).split("+")
    _, firsts, numbers, names = (line.split()[1] for line in lines[:4])
    assert session.get(firsts).tolist() == [1, 3, 0]
    assert session.get(numbers).tolist() == KEY[[1, 3, 0]].tolist()
    assert [t.decode() for t in session.get(names)] == ["", "ä", "b"]


def test_numbers_of_groups_are_checked(session: Session) -> None:
    codes, values = session.put(np.array([0, 1, 5])), session.put(np.zeros(3))
    args = {"codes": codes, "values": [values]}
    assert "OOBindex 5 > 1" in session.error("codedAggregate", **args, groups=2, ops=["sum"])
    text = session.error("codedAggregate", **args, groups=2, ops=["sum", "max"])
    assert "there are 1 columns and 2 reductions" in text
    assert "3 numbers (int64) cannot be of 4 groups" in session.error("codedAggregate", **args, groups=4, ops=["sum"])
    assert "there is no reduction argmin" in session.error("codedAggregate", **args, groups=3, ops=["argmin"])
    assert "1 columns and 2 reductions" in session.error("codedAggregate", **args, groups=3, ops=["sum", "min"])
    short = {"codes": codes, "values": [session.put(np.zeros(2))], "ops": ["sum"]}
    assert "has the shape (2,)" in session.error("codedAggregate", **short, groups=3)
    assert "there are no keys" in session.error("groupCodes", keys=[])
