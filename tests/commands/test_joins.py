"""The commands that join tables and read rows of them."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def test_joins_by_a_number_and_a_string(session: Session) -> None:
    left = [session.put(np.array([1, 2, 1, 3])), session.put(["a", "b", "c", "d"])]
    right = [session.put(np.array([1, 1, 4, 2])), session.put(["c", "a", "z", "b"])]
    found = {
        how: session.arrays("join", left=left, right=right, how=how) for how in ("inner", "left", "right", "outer")
    }
    assert [r.tolist() for r in found["inner"]] == [[0, 1, 2], [1, 3, 0]]
    assert [r.tolist() for r in found["left"]] == [[0, 1, 2, 3], [1, 3, 0, -1]]
    assert [r.tolist() for r in found["right"]] == [[2, 0, -1, 1], [0, 1, 2, 3]]
    assert [r.tolist() for r in found["outer"]] == [[0, 2, 1, 3, -1], [1, 0, 3, -1, 2]]


def test_what_joins_refuse(session: Session) -> None:
    x, y = session.put(np.array([1, 2])), session.put(np.array([1.0]))
    assert "must have the same dtypes" in session.error("join", left=[x], right=[y], how="inner")
    assert "it must be one of inner, left" in session.error("join", left=[x], right=[x], how="cross")
    assert "at least one" in session.error("join", left=[], right=[], how="inner")


@pytest.mark.parametrize(("pred", "dt"), [(0, 0), (1, 3), (2, 3), (1, 0)])
def test_joins_with_a_window_of_time(session: Session, pred: int, dt: int) -> None:
    rng = np.random.default_rng(7)
    a1, a2 = rng.integers(0, 5, 30), rng.integers(0, 6, 20)
    t1, t2 = rng.integers(-10, 10, 30), rng.integers(-10, 10, 20)
    keys, starts = np.unique(np.sort(a2), return_index=True)
    names = {"a1": a1, "g2seg": starts, "g2keys": keys, "g2perm": np.argsort(a2, kind="stable"), "t1": t1, "t2": t2}
    args = {k: session.put(v) for k, v in names.items()}
    apart = t2[None, :] - t1[:, None]
    close = {0: np.ones((30, 20), np.bool_), 1: abs(apart) <= dt, 2: (apart >= 0) & (apart <= dt)}[pred]
    wanted = [(int(i), int(j)) for i, j in np.argwhere((a1[:, None] == a2[None, :]) & close)]
    left, right = session.arrays("joinEqWithDT", dt=dt, pred=pred, resLimit=1000, **args)
    assert list(zip(left.tolist(), right.tolist(), strict=True)) == wanted
    left, _ = session.arrays("joinEqWithDT", dt=dt, pred=pred, resLimit=3, **args)
    assert left.tolist() == [i for i, _ in wanted[:3]]
    args["t1"] = session.put(t1 * 1.0)
    assert "Incompatible arguments" in session.error("joinEqWithDT", dt=dt, pred=pred, resLimit=3, **args)


def test_rows_of_columns_of_every_type(session: Session) -> None:
    codes, categories = session.put(np.array([1, 0, 1, 2])), session.put(["red", "green", "blue"])
    segments, values = session.put(np.array([0, 2, 2, 5])), session.put(np.arange(6) * 10)
    columns = [
        f"pdarray+a+b+{session.put(np.array([5.0, 6.0, 7.0, 8.0]))}",
        f"Strings+s+{session.put(['w', 'x', '', 'z'])}",
        f"Categorical+c+{codes}+{categories}",
        f"SegArray+v+{segments}+{values}",
    ]
    text = session.text("dataframe_idx", size=4, idx_name=session.put(np.array([3, 0])), columns=columns)
    lines = [line.split("+") for line in json.loads(text)]
    assert [line[0] for line in lines] == ["pdarray", "Strings", "Strings", "SegArray"]
    assert lines[0][1:3] == ["a", "b"]
    contents = [[session.get(w.split()[1]).tolist() for w in line if w.startswith("created id")] for line in lines]
    assert contents == [[[8.0, 5.0]], [[b"z", b"w"]], [[b"blue", b"green"]], [[0, 1], [50, 0, 10]]]


def test_rows_outside_a_table(session: Session) -> None:
    columns = [f"pdarray+a+{session.put(np.arange(3))}"]
    for rows, text in (([0, 3], "OOBindex 3 > 2"), ([-1], "OOBindex -1 < 0")):
        assert text in session.error("dataframe_idx", size=1, idx_name=session.put(np.array(rows)), columns=columns)


@pytest.mark.parametrize("n", [0, 1, 20])
def test_rows_of_a_table_in_one_request(session: Session, n: int) -> None:
    rng = np.random.default_rng(n)
    words = [f"w{i}" for i in rng.integers(0, 9, n)]
    columns: list[Any] = [rng.random(n), words, rng.integers(0, 2**64, n, np.uint64), rng.random(n) < 0.5]
    names = [session.put(c) for c in columns]
    mask, at = rng.random(n) < 0.5, rng.integers(0, max(1, n), 2 * n)
    contents = [np.array([w.encode() for w in words], object) if c is words else np.asarray(c) for c in columns]
    for idx in (mask, at, at.astype(np.uint64), at[:0]):
        got = session.arrays("takeRows", columns=names, idx=session.put(idx))
        assert [g.tolist() for g in got] == [c[idx].tolist() for c in contents]


def test_rows_that_cannot_be_taken(session: Session) -> None:
    three, two = session.put(np.arange(3)), session.put(["a", "b"])
    for columns, idx, text in (
        ([three], np.array([0, 3]), "OOBindex 3 > 2"),
        ([three], np.array([-1]), "OOBindex -1 < 0"),
        ([three, two], np.array([0]), "the columns must have the same length; they have [2, 3]"),
        ([], np.array([0]), "no columns were given"),
        ([three], np.array([True, False]), "a mask of 3 bools, not by bool of shape [2]"),
        ([three], np.array([0.5]), "not by float64 of shape [1]"),
    ):
        assert text in session.error("takeRows", columns=columns, idx=session.put(idx))
