"""Binary operators against Python's integers and NumPy's floats, for every operator and every pair of dtypes."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.dtype_tables import COMPARISONS, NATIVE, OPERATORS
from arkserver.engine.algorithms.operators import binary, in_place
from arkserver.engine.blocks.elementwise import PIECE
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import dtype_name
from arkserver.errors import ArgumentError, UnsupportedError
from tests.support.arrays import crossed, cut_otherwise, filled, here, pairs, scalars

NAMES = tuple(map(dtype_name, NATIVE))
PAIRS = list(product(NAMES, NAMES))
OF_FLOATS = {"+", "-", "*", "/", "//", "%", "**", *COMPARISONS}
OF_BOOLS = {"+", "*", "/", "&", "|", "^", "%", "//", "**", *COMPARISONS}

INTEGER: dict[str, Callable[[int, int, int], int]] = {
    "+": lambda a, b, _: a + b,
    "-": lambda a, b, _: a - b,
    "*": lambda a, b, _: a * b,
    "//": lambda a, b, _: a // b if b else 0,
    "%": lambda a, b, _: int(math.copysign(1, a)) * (abs(a) % abs(b)) if b else 0,
    "**": lambda a, b, bits: pow(a, b, 1 << bits),
    "&": lambda a, b, _: a & b,
    "|": lambda a, b, _: a | b,
    "^": lambda a, b, _: a ^ b,
    "<<": lambda a, b, bits: a << b if 0 <= b < bits else 0,
    ">>": lambda a, b, bits: a >> b if 0 <= b < bits else 0,
    "<<<": lambda a, b, bits: (word := a % (1 << bits)) << b % bits | word >> (-b % bits or bits),
    ">>>": lambda a, b, bits: (word := a % (1 << bits)) >> b % bits | word << (-b % bits or bits),
}
FLOAT: dict[str, Callable[[Any, Any], Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "//": np.floor_divide,
    "%": np.remainder,
    "**": np.power,
    "/": np.true_divide,
}
BOOLS: dict[str, Callable[[bool, bool], int]] = {
    "+": lambda a, b: a or b,
    "*": lambda a, b: a and b,
    "&": lambda a, b: a and b,
    "|": lambda a, b: a or b,
    "^": lambda a, b: a != b,
    "%": lambda _a, _b: 0,
    "//": lambda a, b: a and b,
    "**": lambda a, b: a or not b,
}


def meet(a: str, b: str) -> str:
    """The table of the protocol, written down once more."""
    if "float64" in (a, b) or {a, b} == {"int64", "uint64"}:
        return "float64"
    return next(d for d in ("int64", "uint64", "uint8", "bool") if d in (a, b))


def has(op: str, a: str, b: str) -> bool:
    wanted = {"float64": OF_FLOATS, "bool": OF_BOOLS}.get(meet(a, b), OPERATORS)
    return op in wanted


def expected(op: str, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """What ``a op b`` is, element by element."""
    pair = np.dtype(meet(dtype_name(a.dtype), dtype_name(b.dtype)))
    with np.errstate(all="ignore"):
        if op in COMPARISONS:
            return np.asarray(COMPARISONS[op](a.astype(pair), b.astype(pair)))
        if op == "/" or pair == np.float64:
            return np.asarray(FLOAT[op](a.astype(np.float64), b.astype(np.float64)))
    if pair == np.bool_:
        dtype = np.uint8 if op in ("%", "//", "**") else np.bool_
        values = [BOOLS[op](x, y) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]
        return np.array(values, dtype).reshape(a.shape)
    bits = 8 * pair.itemsize
    values = [INTEGER[op](int(x), int(y), bits) for x, y in zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)]
    words = np.array([v % (1 << bits) for v in values], f"u{pair.itemsize}")
    return words.view(pair).reshape(a.shape)


def refused(op: str, a: NDArray[Any], b: NDArray[Any]) -> bool:
    """Whether integers would get a negative exponent."""
    if op != "**" or meet(dtype_name(a.dtype), dtype_name(b.dtype)) == "float64":
        return False
    return bool(b.dtype == np.int64 and (b < 0).any())


def expected_in_place(op: str, a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """What `a` is after ``a op= b``: like ``a op b``, but integers are divided toward zero."""
    if op == "//" and a.dtype != np.float64:
        pairs = zip(a.ravel().tolist(), b.ravel().tolist(), strict=True)
        values = [abs(x) // abs(y) * (1 if (x < 0) == (y < 0) else -1) if y else 0 for x, y in pairs]
        return np.array([v % 2 ** (8 * a.itemsize) for v in values], f"u{a.itemsize}").view(a.dtype).reshape(a.shape)
    return expected(op, a, b)


def has_in_place(op: str, a: str, b: str) -> bool:
    """The table of the protocol, written down once more."""
    if a == "bool":
        return b == "bool" and op in ("+", "|", "&", "^")
    if b == "bool":
        return op in ("+", "-", "*") or (a != "float64" and op in ("<<", ">>"))
    if a == "float64":
        return op in ("+", "-", "*", "/", "//", "%", "**")
    return a == b and op in ("+", "-", "*", "//", "%", "**", "<<", ">>")


def same(got: NDArray[Any], want: NDArray[Any]) -> None:
    assert (got.dtype, got.shape) == (want.dtype, want.shape)
    np.testing.assert_array_equal(got, want)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_every_operator_on_the_extremes(ex: Executor, a: str, b: str) -> None:
    x, y = crossed(a, b)
    for op in sorted(o for o in OPERATORS if has(o, a, b)):
        wanted = y >= 0 if refused(op, x, y) else np.ones(len(y), bool)
        left, right = layout.from_numpy(ex, x[wanted]), layout.from_numpy(ex, y[wanted])
        same(here(ex, binary(ex, "binopvv", op, left, right)), expected(op, x[wanted], y[wanted]))


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_arrays(ex: Executor, data: st.DataObject) -> None:
    a, b = data.draw(st.sampled_from(PAIRS))
    op = data.draw(st.sampled_from(sorted(o for o in OPERATORS if has(o, a, b))))
    x, y = data.draw(pairs(a, b))
    left = layout.from_numpy(ex, x)
    right = cut_otherwise(ex, layout.from_numpy(ex, y), data.draw(st.integers(0, 9)))
    if refused(op, x, y):
        with pytest.raises(ArgumentError, match="base of type Int or UInt to negative exponent"):
            binary(ex, "binopvv", op, left, right)
        return
    same(here(ex, binary(ex, "binopvv", op, left, right)), expected(op, x, y))


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_an_array_and_a_scalar_on_either_side(ex: Executor, data: st.DataObject) -> None:
    a, b = data.draw(st.sampled_from(PAIRS))
    op = data.draw(st.sampled_from(sorted(o for o in OPERATORS if has(o, a, b))))
    x, value = data.draw(filled(a, (4,))), data.draw(scalars(b))
    array, spread = layout.from_numpy(ex, x), np.full(x.shape, value)
    for left, right, u, v in ((array, value, x, spread), (value, array, spread, x)):
        if refused(op, u, v):
            with pytest.raises(ArgumentError, match="negative exponent"):
                binary(ex, "binopvs", op, left, right)
        else:
            same(here(ex, binary(ex, "binopvs", op, left, right)), expected(op, u, v))


@given(data=st.data())
@settings(max_examples=50, deadline=None)
def test_in_place(ex: Executor, data: st.DataObject) -> None:
    a, b = data.draw(st.sampled_from([p for p in PAIRS if has_in_place("+", *p)]))
    op = data.draw(st.sampled_from(sorted(o for o in OPERATORS if has_in_place(o, a, b))))
    x, y = data.draw(pairs(a, b))
    left = layout.from_numpy(ex, x.copy())
    right = cut_otherwise(ex, layout.from_numpy(ex, y), data.draw(st.integers(0, 9)))
    if refused(op, x, y):
        with pytest.raises(ArgumentError, match="base of type Int64 to negative exponent"):
            in_place(ex, "opeqvv", op + "=", left, right)
        same(here(ex, left), x)
    else:
        same(here(ex, in_place(ex, "opeqvv", op + "=", left, right)), expected_in_place(op, x, y))


@given(data=st.data(), dtype=st.sampled_from(NAMES))
@settings(max_examples=25, deadline=None)
def test_in_place_with_a_scalar_or_with_itself(ex: Executor, dtype: str, data: st.DataObject) -> None:
    names = {o for o in OPERATORS if has_in_place(o, dtype, dtype)}
    op = data.draw(st.sampled_from(sorted({"+"} if dtype == "bool" else names)))
    x, value = data.draw(filled(dtype, (4,))), data.draw(scalars(dtype))
    for right, y in ((value, np.full(x.shape, value)), (None, x)):
        left = layout.from_numpy(ex, x.copy())
        if refused(op, x, y):
            with pytest.raises(ArgumentError, match="negative exponent"):
                in_place(ex, "opeqvs", op + "=", left, left if right is None else right)
        else:
            got = in_place(ex, "opeqvs", op + "=", left, left if right is None else right)
            same(here(ex, got), expected_in_place(op, x, y))


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_what_has_no_in_place_form_is_refused(a: str, b: str) -> None:
    ex = LocalExecutor()
    x, y = layout.from_numpy(ex, np.ones(3, a)), layout.from_numpy(ex, np.ones(3, b))
    for op in {o for o in OPERATORS if not has_in_place(o, a, b)}:
        with pytest.raises(UnsupportedError, match=re.escape(f"Error: opeqvv: {a} {op}= {b} not implemented")):
            in_place(ex, "opeqvv", op + "=", x, y)


@pytest.mark.parametrize(("a", "b"), PAIRS)
def test_what_a_pair_does_not_have_is_refused(a: str, b: str) -> None:
    ex = LocalExecutor()
    x, y = layout.from_numpy(ex, np.ones(3, a)), layout.from_numpy(ex, np.ones(3, b))
    for op in OPERATORS:
        if not has(op, a, b):
            reason = rf"unrecognized type: \({a},{b}\)" if meet(a, b) == "float64" or op == "-" else "not implemented"
            with pytest.raises(UnsupportedError, match=f"Error: binopvv: .*{reason}"):
                binary(ex, "binopvv", op, x, y)
    with pytest.raises(UnsupportedError, match="Unrecognized operator: @"):
        binary(ex, "binopvv", "@", x, y)


def test_shapes_must_be_equal() -> None:
    ex = LocalExecutor()
    with pytest.raises(ArgumentError, match=r"\[2, 3\] and \[3, 2\]"):
        binary(ex, "binopvv", "+", layout.from_numpy(ex, np.ones((2, 3))), layout.from_numpy(ex, np.ones((3, 2))))


@pytest.mark.parametrize("op", ["+", ">>", "<<<", "%", "<"])
def test_more_than_a_piece(ex: Executor, op: str) -> None:
    n = 3 * PIECE + 17
    x = np.random.default_rng(1).integers(-(2**63), 2**63 - 1, n)
    y = np.random.default_rng(2).integers(1, 63, n)
    got = here(ex, binary(ex, "binopvv", op, layout.from_numpy(ex, x), layout.from_numpy(ex, y)))
    bits = y.astype(np.uint64)
    words = x.view(np.uint64)
    rotated = (words << bits | words >> np.uint64(64) - bits).view(np.int64)
    want = {"+": x + y, ">>": x >> y, "<<<": rotated, "%": np.fmod(x, y), "<": x < y}[op]
    same(got, want)
