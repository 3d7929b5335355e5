"""Elementwise functions, casts, bigint words and times as a client gives them."""

from __future__ import annotations

import json
from itertools import product
from typing import Any

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from tests.support.session import Session

NUMERIC = ("int64", "uint64", "float64", "bool")
REAL = NUMERIC[:3]
X = np.array([[-1.5, 0.25], [2.5, np.nan]])


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


@pytest.mark.parametrize("name", ["sin", "arctan", "tanh", "exp", "log1p", "log10"])
def test_functions_of_one_array(session: Session, name: str) -> None:
    key = "pda" if name in ("exp", "log1p", "log10") else "x"
    with np.errstate(all="ignore"):
        want = getattr(np, name)(X)
    np.testing.assert_allclose(session.array(f"{name}<float64,2>", **{key: session.put(X)}), want, rtol=1e-15)
    assert "Unrecognized command" in session.error(f"{name}<bool,2>", **{key: session.put(X > 0)})


def test_functions_that_keep_the_dtype(session: Session) -> None:
    ints, reals = session.put(np.array([-8, 0, 7])), session.put(X)
    assert session.array("popcount<int64,1>", pda=ints).tolist() == [61, 0, 3]
    assert session.array("abs<int64,1>", pda=ints).tolist() == [8, 0, 7]
    assert session.array("sgn<int64,1>", pda=ints).tolist() == [-1, 0, 1]
    assert session.array("square<int64,1>", x=ints).tolist() == [64, 0, 49]
    np.testing.assert_array_equal(session.array("floor<float64,2>", x=reals), np.floor(X))
    np.testing.assert_array_equal(session.array("isnan<2>", pda=reals), np.isnan(X))
    np.testing.assert_array_equal(session.array("round<float64,2>", x=reals, n=1), np.round(X, 1))
    np.testing.assert_array_equal(session.array("nextafter<2>", x1=reals, x2=reals), X)
    assert session.array("clip<int64,1>", x=ints, min="-inf", max="3.7").tolist() == [-8, 0, 3]


@pytest.mark.parametrize("scalar", REAL)
def test_fmod_and_arctan2_with_typed_scalars(session: Session, scalar: str) -> None:
    a = session.put(X)
    value = "3.0" if scalar == "float64" else "3"
    for name, ufunc in (("fmod2", np.fmod), ("arctan2", np.arctan2)):
        got = session.array(f"{name}vs_{scalar}<float64,2>", a=a, b=value)
        np.testing.assert_array_equal(got, ufunc(X, 3.0))
        got = session.array(f"{name}sv_{scalar}<float64,2>", a=value, b=a)
        np.testing.assert_array_equal(got, ufunc(3.0, X))
        np.testing.assert_array_equal(session.array(f"{name}vv<float64,2,float64>", a=a, b=a), ufunc(X, X))


def meet(a: str, b: str) -> str:
    if "float64" in (a, b) or {a, b} == {"int64", "uint64"}:
        return "float64"
    return next(d for d in ("int64", "uint64", "bool") if d in (a, b))


@pytest.mark.parametrize(("a", "b"), list(product(NUMERIC, NUMERIC)))
def test_where_in_all_its_variants(a: str, b: str) -> None:
    session = Session(LocalExecutor())
    mask = np.array([True, False, True])
    x, y = np.array([1, 0, 1]).astype(a), np.array([0, 1, 0]).astype(b)
    condition, left, right = session.put(mask), session.put(x), session.put(y)
    one, other = ("True" if d == "bool" else "1.0" if d == "float64" else "1" for d in (a, b))
    want = np.where(mask, x.astype(meet(a, b)), y.astype(meet(a, b)))
    ones = np.ones(3, meet(a, b))
    for cmd, p, q, expected in (
        (f"wherevv<1,{a},{b}>", left, right, want),
        (f"wherevs_{b}<1,{a}>", left, other, np.where(mask, x.astype(meet(a, b)), ones)),
        (f"wheresv_{a}<1,{b}>", one, right, np.where(mask, ones, y.astype(meet(a, b)))),
        (f"wheress_{a}_{b}<1>", one, other, ones),
    ):
        np.testing.assert_array_equal(session.array(cmd, condition=condition, a=p, b=q), expected, strict=True)


def test_putmask_of_another_rank(session: Session) -> None:
    x, mask = np.arange(6.0).reshape(2, 3), np.array([[True, False, True], [False, True, True]])
    a = session.put(x.copy())
    cmd = "putmask<2,float64,int64,1>"
    assert session.text(cmd, mask=session.put(mask), a=a, v=session.put(np.array([10, 20]))) == ""
    np.putmask(x, mask, [10, 20])
    np.testing.assert_array_equal(session.get(a), x)
    huge = session.put(np.array([2**70], object))
    session.text("putmask<2,float64,bigint,1>", mask=session.put(mask), a=a, v=huge)
    np.testing.assert_array_equal(session.get(a), np.where(mask, 2.0**70, x))
    refused = session.error("putmask<2,int64,float64,1>", mask=session.put(mask), a=a, v=huge)
    assert "Unrecognized command" in refused


def test_hashes(session: Session) -> None:
    # The test vectors of SipHash's reference implementation for the message 00 01 .. 07.
    x = np.frombuffer(bytes(range(8)), np.int64)
    assert session.array("hash64<int64,1>", x=session.put(x)).tolist() == [0x6224939A79F5F593]
    upper, lower = session.arrays("hash128<int64,1>", x=session.put(x))
    assert (upper.tolist(), lower.tolist()) == ([0x3B62A9BA6258F561], [0x0F83E264F31497B4])
    words = np.random.default_rng(1).integers(0, 2**64, 5000, np.uint64)
    assert len(set(session.array("hash64<uint64,1>", x=session.put(words)).tolist())) == len(set(words.tolist()))


def test_casts(session: Session) -> None:
    a = session.put(np.array([-1.9, 0.0, 300.5]))
    assert session.array("cast<float64,int64,1>", name=a).tolist() == [-1, 0, 300]
    assert session.array("cast<float64,bool,1>", name=a).tolist() == [True, False, True]
    big = session.put(np.array([2**64 + 5], object))
    assert session.array("cast<bigint,uint64,1>", name=big).tolist() == [5]
    assert "Unrecognized command" in session.error("cast<float64,bigint,1>", name=a)
    assert "Unrecognized command" in session.error("cast<bigint,bool,1>", name=big)
    np.testing.assert_array_equal(session.array("transmuteFloat", name=a), session.get(a).view(np.uint64))


def test_bigint_words(session: Session) -> None:
    high, low = session.put(np.array([1, 2**63], np.uint64)), session.put(np.array([7, 8], np.uint64))
    sent: dict[str, Any] = {"num_arrays": 2, "shape": [2], "max_bits": -1}
    line = session.text("big_int_creation<bigint,1>", arrays=[high, low], **sent)
    assert line.split()[2:] == ["bigint", "2", "1", "[2]", "16"]
    name = line.split()[1]
    assert session.get(name).tolist() == [2**64 + 7, 2**127 + 8]
    signed = session.array("big_int_creation_multi_limb<uint64,1>", arrays=[low, high], signed=True, **sent)
    assert signed.tolist() == [2**64 + 7, -(2**127) + 8]
    assert [w.tolist() for w in session.arrays("bigint_to_uint_list<bigint,1>", array=name)] == [[7, 8], [1, 2**63]]
    assert int(session.text("big_int_nbytes<bigint,1>", array=name)) == 2 * (24 + 16)
    session.text("set_max_bits<bigint,1>", array=name, max_bits=3)
    assert session.get(name).tolist() == [7, 0]
    assert session.text("get_max_bits<bigint,1>", array=name) == "3"
    reals = session.put(np.array([1.9, -1.9]))
    assert session.array("big_int_creation_one_limb<float64,1>", array=reals, shape=[2], max_bits=-1).tolist() == [
        1,
        -1,
    ]


def test_times(session: Session) -> None:
    moment = np.array([np.datetime64("2024-02-29T23:59:59.123456789", "ns").astype(np.int64)])
    reply = json.loads(session.text("dateTimeAttributes", values=session.put(moment)))
    found = {name: session.get(line.split()[1]).tolist()[0] for name, line in reply.items()}
    assert found == {
        "year": 2024,
        "month": 2,
        "day": 29,
        "hour": 23,
        "minute": 59,
        "second": 59,
        "millisecond": 123,
        "microsecond": 456,
        "nanosecond": 789,
        "dayOfYear": 60,
        "dayOfWeek": 3,
        "isoYear": 2024,
        "weekOfYear": 9,
        "isLeapYear": True,
    }
    reply = json.loads(session.text("timeDeltaAttributes", values=session.put(np.array([-1]))))
    assert session.get(reply["day"].split()[1]).tolist() == [-1]
    assert session.get(reply["hour"].split()[1]).tolist() == [23]
