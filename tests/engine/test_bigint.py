"""Arithmetic of arbitrary precision against Python's integers."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.operators import binary, in_place
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import BIGINT, Array
from arkserver.errors import ArgumentError, UnsupportedError
from tests.support.arrays import cut_otherwise, filled, here, pairs, scalars

OTHERS = ("int64", "uint64", "uint8", "bool", "bigint")
BITS = st.sampled_from([-1, 1, 5, 64, 100])

EXACT: dict[str, Callable[[int, int], int]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
    "%": lambda a, b: a % b if b else 0,
    "//": lambda a, b: a // b if b else 0,
}

ORDER: dict[str, Callable[[int, int], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
    "!=": operator.ne,
}


def toward_zero(a: int, b: int) -> int:
    return (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1) if b else 0


def kept(value: int, bits: int) -> int:
    return value if bits == -1 else value % 2**bits


def elementwise(fn: Callable[[int, int], Any], a: NDArray[Any], b: NDArray[Any], dtype: Any) -> NDArray[Any]:
    out = np.empty(a.size, dtype)
    out[:] = [fn(int(x), int(y)) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]
    return out.reshape(a.shape)


def arranged(ex: Executor, x: NDArray[Any], bits: int = -1) -> Array:
    values = elementwise(lambda v, _: kept(v, bits), x, x, object) if x.dtype == BIGINT else x
    return layout.from_numpy(ex, values, bits if x.dtype == BIGINT else -1)


def check(ex: Executor, got: Array, want: NDArray[Any], bits: int = -1) -> None:
    values = here(ex, got)
    assert (values.dtype, values.shape, got.max_bits) == (want.dtype, want.shape, bits)
    assert values.tolist() == want.tolist()
    assert all(type(v) is int for v in values.ravel().tolist() if values.dtype == BIGINT)


@given(data=st.data(), other=st.sampled_from(OTHERS))
@settings(max_examples=40, deadline=None)
def test_arrays(ex: Executor, other: str, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(sorted(EXACT)))
    x, y = data.draw(pairs("bigint", other))
    bits = data.draw(BITS)
    a = arranged(ex, x, bits)
    b = cut_otherwise(ex, arranged(ex, y), data.draw(st.integers(0, 9)))
    x = here(ex, a)
    want = elementwise(lambda v, w: kept(EXACT[op](v, w), bits), x, y, object)
    check(ex, binary(ex, "binopvv", op, a, b), want, bits)
    back = elementwise(lambda v, w: kept(EXACT[op](w, v), bits), x, y, object)
    check(ex, binary(ex, "binopvv", op, b, a), back, bits)


@given(data=st.data(), other=st.sampled_from(OTHERS))
@settings(max_examples=40, deadline=None)
def test_scalars_on_either_side(ex: Executor, other: str, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(sorted(EXACT)))
    fn = toward_zero if op == "//" else EXACT[op]
    x, value, bits = data.draw(filled("bigint", (4,))), data.draw(scalars(other)), data.draw(BITS)
    a = arranged(ex, x, bits)
    x, y = here(ex, a), np.full(4, value, object)
    check(ex, binary(ex, "binopvs", op, a, value), elementwise(lambda v, w: kept(fn(v, w), bits), x, y, object), bits)
    check(ex, binary(ex, "binopsv", op, value, a), elementwise(lambda v, w: kept(fn(w, v), bits), x, y, object), bits)


@given(data=st.data(), other=st.sampled_from(OTHERS))
@settings(max_examples=30, deadline=None)
def test_comparisons(ex: Executor, other: str, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(sorted(ORDER)))
    x, y = data.draw(pairs("bigint", other))
    value = data.draw(scalars(other))
    a, b = arranged(ex, x, -1), arranged(ex, y)
    check(ex, binary(ex, "binopvv", op, a, b), elementwise(ORDER[op], x, y, bool))
    check(ex, binary(ex, "binopvs", op, a, value), elementwise(ORDER[op], x, np.full(x.shape, value, object), bool))


@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_floats_compare_exactly_and_compute_as_floats(ex: Executor, data: st.DataObject) -> None:
    x, y = data.draw(pairs("bigint", "float64"))
    a, b = arranged(ex, x), arranged(ex, y)
    less = [v < w for v, w in zip(x.ravel().tolist(), y.ravel().tolist(), strict=True)]
    check(ex, binary(ex, "binopvv", "<", a, b), np.array(less, bool).reshape(x.shape))
    check(ex, binary(ex, "binopvv", ">", b, a), np.array(less, bool).reshape(x.shape))
    with np.errstate(all="ignore"):
        for op, ufunc in (("+", np.add), ("/", np.true_divide), ("//", np.floor_divide), ("**", np.power)):
            np.testing.assert_array_equal(here(ex, binary(ex, "binopvv", op, a, b)), ufunc(x.astype(float), y))


def test_what_is_too_large_for_a_float_is_infinite() -> None:
    ex = LocalExecutor()
    a = arranged(ex, np.array([10**400, -(10**400)], object))
    got = here(ex, binary(ex, "binopvv", "*", a, arranged(ex, np.array([1.0, 2.0]))))
    assert got.tolist() == [math.inf, -math.inf]


@given(data=st.data(), bits=BITS, op=st.sampled_from(["<<", ">>", "<<<", ">>>"]))
@settings(max_examples=40, deadline=None)
def test_shifts_and_rotations(ex: Executor, data: st.DataObject, bits: int, op: str) -> None:
    x = data.draw(filled("bigint", (5,)))
    counts = np.array(data.draw(st.lists(st.integers(0, 130), min_size=5, max_size=5)))
    a, b = arranged(ex, x, bits), arranged(ex, counts)
    if op in ("<<<", ">>>") and bits == -1:
        with pytest.raises(ArgumentError, match="Must set max_bits to rot"):
            binary(ex, "binopvv", op, a, b)
        return
    for right in (b, np.int64(counts[0])):
        spread = counts if right is b else np.full(5, counts[0])
        want = elementwise(lambda v, n: moved(op, v, n, bits), here(ex, a), spread, object)
        check(ex, binary(ex, "binopvv", op, a, right), want, bits)


def moved(op: str, value: int, count: int, bits: int) -> int:
    if op in ("<<", ">>"):
        whole = value << count if op == "<<" else value >> count
        return whole if bits == -1 else 0 if count >= bits else whole % 2**bits
    text = format(value, f"0{bits}b")
    count = (count if op == "<<<" else -count) % bits
    return int(text[count:] + text[:count], 2)


@given(data=st.data(), bits=BITS)
@settings(max_examples=25, deadline=None)
def test_powers(ex: Executor, data: st.DataObject, bits: int) -> None:
    x = data.draw(filled("bigint", (5,)))
    exponents = np.array(data.draw(st.lists(st.integers(0, 40), min_size=5, max_size=5)))
    a, b = arranged(ex, x, bits), arranged(ex, exponents)
    want = elementwise(lambda v, n: kept(v**n, bits), here(ex, a), exponents, object)
    check(ex, binary(ex, "binopvv", "**", a, b), want, bits)
    check(ex, in_place(ex, "opeqvv", "**=", a, b), want, bits)


@given(data=st.data(), other=st.sampled_from(OTHERS))
@settings(max_examples=30, deadline=None)
def test_in_place(ex: Executor, other: str, data: st.DataObject) -> None:
    op = data.draw(st.sampled_from(["+", "-", "*"] if other == "bool" else ["+", "-", "*", "//", "%"]))
    fn = toward_zero if op == "//" else EXACT[op]
    x, y = data.draw(pairs("bigint", other))
    bits = data.draw(BITS)
    a, b = arranged(ex, x, bits), arranged(ex, y)
    want = elementwise(lambda v, w: kept(fn(v, w), bits), here(ex, a), y, object)
    check(ex, in_place(ex, "opeqvv", op + "=", a, b), want, bits)


def test_refusals() -> None:
    ex = LocalExecutor()
    a = arranged(ex, np.array([3, 2**70], object))
    ints, reals = arranged(ex, np.array([1, -1])), arranged(ex, np.array([1.0, 2.0]))
    huge = arranged(ex, np.array([2**62, 2**62]))
    refusals: list[tuple[str, Any, Any, type[Exception], str]] = [
        ("**", a, ints, ArgumentError, "base of type BigInt to negative exponent"),
        ("**", a, a, ArgumentError, "base of type BigInt to BigInt without max_bits"),
        ("**", a, huge, ArgumentError, "set max_bits"),
        ("<<", a, huge, ArgumentError, "set max_bits"),
        ("<<<", a, ints, ArgumentError, "Must set max_bits to rotl"),
        (">>>", a, ints, ArgumentError, "Must set max_bits to rotr"),
        ("<<", a, a, UnsupportedError, "Unsupported operation: bigint << bigint"),
        ("&", a, reals, UnsupportedError, "Unsupported operation: bigint & float64"),
        ("+", a, np.float64(1), UnsupportedError, r"unrecognized type: \(bigint,float64\)"),
        ("@", a, a, UnsupportedError, "Unrecognized operator: @"),
    ]
    for op, left, right, error, text in refusals:
        with pytest.raises(error, match=text):
            binary(ex, "binopvv", op, left, right)
    for op, right in (("<<=", ints), ("+=", reals), ("//=", arranged(ex, np.array([True, False])))):
        with pytest.raises(UnsupportedError, match=r"opeqvv: bigint .* not implemented"):
            in_place(ex, "opeqvv", op, a, right)


def test_a_bigint_scalar_divides_a_bigint_array_toward_zero() -> None:
    ex = LocalExecutor()
    a = arranged(ex, np.array([-7, 2**70], object))
    check(ex, binary(ex, "binopvs", "/", a, 2), np.array([-3, 2**69], object))
