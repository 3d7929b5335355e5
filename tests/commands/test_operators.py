"""The operators as a client gives them: templates, scalars as text, in-place changes, texts of errors."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session

INTS = np.array([[1, -2, 3], [4, 5, -6]])
FLOATS = np.array([[0.5, -1.0, np.nan], [np.inf, 0.0, 2.0]])


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def test_two_arrays(session: Session) -> None:
    a, b = session.put(INTS), session.put(FLOATS)
    line = session.text("binopvv<int64,float64,2>", op="+", a=a, b=b)
    assert line.split()[2:] == ["float64", "6", "2", "[2,3]", "8"]
    np.testing.assert_array_equal(session.get(line.split()[1]), INTS + FLOATS)
    np.testing.assert_array_equal(session.array("binopvv<float64,int64,2>", op="<", a=b, b=a), FLOATS < INTS)


def test_the_scalar_has_the_second_dtype_of_the_name_on_either_side(session: Session) -> None:
    a = session.put(INTS)
    np.testing.assert_array_equal(session.array("binopvs<int64,float64,2>", op="-", a=a, value="0.5"), INTS - 0.5)
    np.testing.assert_array_equal(session.array("binopsv<int64,float64,2>", op="-", a=a, value="1e-05"), 1e-5 - INTS)
    np.testing.assert_array_equal(session.array("binopsv<int64,bool,2>", op="+", a=a, value="True"), 1 + INTS)
    big = session.array("binopvs<int64,bigint,2>", op="+", a=a, value=str(2**100))
    assert big.ravel().tolist() == [v + 2**100 for v in INTS.ravel().tolist()]
    assert session.array("binopvs<int64,uint64,2>", op="+", a=a, value=str(2**63)).dtype == np.float64


def test_a_0_d_array(session: Session) -> None:
    line = session.text("binopvs<float64,float64,1>", op="*", a=session.put(np.array(2.5)), value="2.0")
    assert line.split()[2:] == ["float64", "1", "1", "[]", "8"]
    assert session.get(line.split()[1])[()] == 5.0


def test_in_place(session: Session) -> None:
    a, flags = session.put(INTS.copy()), session.put(INTS > 0)
    assert session.text("opeqvv<int64,bool,2>", op="+=", a=a, b=flags) == ""
    assert session.text("opeqvs<int64,2>", op="*=", a=a, value="3") == ""
    assert session.text("opeqvv<int64,int64,2>", op="-=", a=a, b=session.put(INTS)) == ""
    np.testing.assert_array_equal(session.get(a), (INTS + (INTS > 0)) * 3 - INTS)
    reals = session.put(FLOATS.copy())
    session.text("opeqvs<float64,2>", op="/=", a=reals, value="2.00000000000000000")
    np.testing.assert_array_equal(session.get(reals), FLOATS / 2)


def test_in_place_on_bigint_keeps_the_bound(session: Session) -> None:
    a = session.put(np.array([3, 2**20], object), max_bits=21)
    session.text("opeqvs<bigint,1>", op="*=", a=a, value="2")
    assert session.get(a).tolist() == [6, 0]
    assert session.text("get_max_bits<bigint,1>", array=a) == "21"


def test_what_is_refused_and_in_which_words(session: Session) -> None:
    a, b, flags = session.put(INTS), session.put(FLOATS), session.put(INTS > 0)
    vv, int_bool = "binopvv<int64,float64,2>", "binopvv<int64,bool,2>"
    assert "Error: binopvv: unrecognized type: (int64,float64)" in session.error(vv, op="<<", a=a, b=b)
    assert "Unrecognized operator: @" in session.error(vv, op="@", a=a, b=b)
    assert "unrecognized type: (bool,bool)" in session.error("binopvv<bool,bool,2>", op="-", a=flags, b=flags)
    text = session.error("binopvs<bool,bool,2>", op="<<", a=flags, value="True")
    assert "Error: binopvs: bool << bool not implemented" in text
    text = session.error("binopvs<int64,int64,2>", op="**", a=a, value="-1")
    assert "Attempt to exponentiate base of type Int or UInt to negative exponent" in text
    text = session.error("opeqvv<int64,bool,2>", op="/=", a=a, b=flags)
    assert "Error: opeqvv: int64 /= bool not implemented" in text
    text = session.error("opeqvs<int64,2>", op="**=", a=a, value="-1")
    assert "Attempt to exponentiate base of type int64 to negative exponent" in text
    assert "Unrecognized command" in session.error(int_bool, op="+", a=a, b=b)
    assert "different shapes" in session.error("binopvv<int64,int64,2>", op="+", a=a, b=session.put(INTS.T.copy()))
    np.testing.assert_array_equal(session.get(a), INTS)
