"""Elementwise functions against NumPy, and against Python's integers where NumPy has no such function."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import functions
from arkserver.engine.algorithms.dtype_tables import pair_dtype
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.errors import ArgumentError, UnsupportedError
from tests.support.arrays import SHAPES, cut_otherwise, filled, here, pairs, scalars

REALS = ("int64", "uint64", "float64")
NATIVE = (*REALS, "bool", "uint8")


def drawn(data: st.DataObject, dtype: str) -> NDArray[Any]:
    shape = data.draw(SHAPES)
    return data.draw(filled(dtype, shape))


def same(got: NDArray[Any], want: NDArray[Any]) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(got, want)


@given(data=st.data(), name=st.sampled_from(sorted(functions.REAL_FUNCTIONS)))
@settings(max_examples=40, deadline=None)
def test_functions_of_reals(ex: Executor, name: str, data: st.DataObject) -> None:
    x = drawn(data, data.draw(st.sampled_from(REALS)))
    with np.errstate(all="ignore"):
        want = np.asarray(getattr(np, name)(x.astype(np.float64)))
    np.testing.assert_allclose(here(ex, functions.of_reals(ex, layout.from_numpy(ex, x), name)), want, rtol=1e-15)


@given(data=st.data(), name=st.sampled_from(["floor", "ceil", "trunc", "isnan", "isinf", "isfinite"]))
@settings(max_examples=25, deadline=None)
def test_roundings_and_predicates(ex: Executor, name: str, data: st.DataObject) -> None:
    x = drawn(data, "float64")
    array = layout.from_numpy(ex, x)
    if name in functions.ROUNDINGS:
        got = functions.same_dtype(ex, array, functions.ROUNDINGS[name])
    else:
        got = functions.predicate(ex, array, name)
    same(here(ex, got), np.asarray(getattr(np, name)(x)))


@given(
    data=st.data(), name=st.sampled_from(sorted(functions.BIT_FUNCTIONS)), dtype=st.sampled_from(["int64", "uint64"])
)
@settings(max_examples=25, deadline=None)
def test_functions_of_words(ex: Executor, name: str, dtype: str, data: st.DataObject) -> None:
    x = drawn(data, dtype)
    got = here(ex, functions.same_dtype(ex, layout.from_numpy(ex, x), functions.BIT_FUNCTIONS[name]))
    words = [format(int(v) % 2**64, "064b") for v in x.ravel().tolist()]
    want = {
        "popcount": [w.count("1") for w in words],
        "parity": [w.count("1") % 2 for w in words],
        "clz": [64 - len(w.lstrip("0")) for w in words],
        "ctz": [len(w) - len(w.rstrip("0")) if "1" in w else 0 for w in words],
    }[name]
    same(got, np.array(want, dtype).reshape(x.shape))


@given(data=st.data(), decimals=st.integers(-3, 6))
@settings(max_examples=20, deadline=None)
def test_round(ex: Executor, data: st.DataObject, decimals: int) -> None:
    x = drawn(data, "float64")
    with np.errstate(all="ignore"):
        same(here(ex, functions.rounded(ex, layout.from_numpy(ex, x), decimals)), np.asarray(np.round(x, decimals)))


@given(data=st.data())
@settings(max_examples=20, deadline=None)
def test_nextafter_and_absolute(ex: Executor, data: st.DataObject) -> None:
    x, y = data.draw(pairs("float64", "float64"))
    a, b = layout.from_numpy(ex, x), cut_otherwise(ex, layout.from_numpy(ex, y), data.draw(st.integers(0, 9)))
    same(here(ex, functions.nextafter(ex, a, b)), np.asarray(np.nextafter(x, y)))
    same(here(ex, functions.absolute(ex, a)), np.asarray(np.abs(x)))


def test_absolute_of_bigint_keeps_the_bound(ex: Executor) -> None:
    x = np.array([-(2**70), 0, 5], object)
    got = functions.absolute(ex, layout.from_numpy(ex, x, max_bits=80))
    assert here(ex, got).tolist() == [2**70, 0, 5]
    assert got.max_bits == 80


@given(data=st.data(), a=st.sampled_from(REALS), b=st.sampled_from(REALS))
@settings(max_examples=25, deadline=None)
def test_fmod_and_arctan2(ex: Executor, a: str, b: str, data: st.DataObject) -> None:
    x, y = data.draw(pairs(a, b))
    value = data.draw(scalars(b))
    left = layout.from_numpy(ex, x)
    right = cut_otherwise(ex, layout.from_numpy(ex, y), data.draw(st.integers(0, 9)))
    with np.errstate(all="ignore"):
        for ours, theirs in ((functions.fmod, np.fmod), (functions.arctan2, np.arctan2)):
            real = x.astype(np.float64)
            same(here(ex, ours(ex, left, right)), np.asarray(theirs(real, y.astype(np.float64))))
            same(here(ex, ours(ex, left, value)), np.asarray(theirs(real, np.float64(value))))
            same(here(ex, ours(ex, value, left)), np.asarray(theirs(np.float64(value), real)))


@given(data=st.data(), a=st.sampled_from(NATIVE), b=st.sampled_from(NATIVE))
@settings(max_examples=30, deadline=None)
def test_where(ex: Executor, a: str, b: str, data: st.DataObject) -> None:
    x, y = data.draw(pairs(a, b))
    u, v = data.draw(scalars(a)), data.draw(scalars(b))
    mask = data.draw(filled("bool", x.shape))
    dtype = pair_dtype(np.dtype(a), np.dtype(b))
    condition = layout.from_numpy(ex, mask)
    left, right = (cut_otherwise(ex, layout.from_numpy(ex, z), data.draw(st.integers(0, 9))) for z in (x, y))
    for one, other, p, q in ((left, right, x, y), (left, v, x, v), (u, right, u, y), (u, v, u, v)):
        want = np.where(mask, np.asarray(p).astype(dtype), np.asarray(q).astype(dtype))
        same(here(ex, functions.where(ex, condition, one, other)), np.asarray(want))


@given(data=st.data(), dtype=st.sampled_from(["int64", "uint64", "uint8", "float64"]))
@settings(max_examples=25, deadline=None)
def test_clip(ex: Executor, dtype: str, data: st.DataObject) -> None:
    x = drawn(data, dtype)
    low, high = sorted(data.draw(st.lists(st.floats(allow_nan=False), min_size=2, max_size=2)))
    got = here(ex, functions.clip(ex, layout.from_numpy(ex, x), low, high))
    bounds = functions.as_bound(low, np.dtype(dtype)), functions.as_bound(high, np.dtype(dtype))
    same(got, np.asarray(np.clip(x, *bounds)))


@pytest.mark.parametrize(
    ("value", "dtype", "want"),
    [
        (-math.inf, "int64", -(2**63)),
        (math.inf, "uint64", 2**64 - 1),
        (2.0**63, "int64", 2**63 - 1),
        (-1.5, "uint8", 0),
        (-1.5, "int64", -1),
        (300.0, "uint8", 255),
        (2.5, "float64", 2.5),
    ],
)
def test_a_bound_is_taken_to_the_dtype(value: float, dtype: str, want: float) -> None:
    got = functions.as_bound(value, np.dtype(dtype))
    assert (got, got.dtype) == (want, dtype)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_putmask(ex: Executor, data: st.DataObject) -> None:
    a, v = data.draw(st.sampled_from([("float64", "int64"), ("int64", "uint64"), ("bool", "bool"), ("uint64", "bool")]))
    x = drawn(data, a)
    mask = data.draw(filled("bool", x.shape))
    shape = data.draw(st.sampled_from([x.shape, (1,), (3,), (2, 2), (70,)]))
    values = data.draw(filled(v, shape))
    target = layout.from_numpy(ex, x.copy())
    condition = cut_otherwise(ex, layout.from_numpy(ex, mask), data.draw(st.integers(0, 9)))
    want = x.copy()
    np.putmask(want, mask, values.astype(a))
    same(here(ex, functions.putmask(ex, target, condition, layout.from_numpy(ex, values))), want)


def test_refusals() -> None:
    ex = LocalExecutor()
    ints, floats, bools = (layout.from_numpy(ex, np.ones(3, d)) for d in ("i8", "f8", "?"))
    with pytest.raises(UnsupportedError, match="isnan takes float64"):
        functions.predicate(ex, ints, "isnan")
    with pytest.raises(UnsupportedError, match="nextafter takes float64"):
        functions.nextafter(ex, floats, ints)
    with pytest.raises(UnsupportedError, match="must be bool"):
        functions.where(ex, ints, floats, floats)
    with pytest.raises(ArgumentError, match="a bound is nan"):
        functions.clip(ex, ints, math.nan, 1.0)
    with pytest.raises(ArgumentError, match="same shape in putmask"):
        functions.putmask(ex, floats, layout.from_numpy(ex, np.ones(2, bool)), floats)
    with pytest.raises(ArgumentError, match="no values"):
        functions.putmask(ex, floats, bools, layout.from_numpy(ex, np.ones(0)))
