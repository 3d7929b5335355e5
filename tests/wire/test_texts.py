"""The text of replies: scalars, announcements, str and repr."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.wire import display, replies


@given(st.floats())
def test_a_float_reads_back_exactly(value: float) -> None:
    back = float(replies.scalar_text(np.float64(value)).split()[1])
    assert back == value or (np.isnan(back) and np.isnan(value))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (np.float64(1), "float64 1.00000000000000000"),
        (np.float64(-0.0), "float64 -0.00000000000000000"),
        (np.float64(0.1), "float64 0.10000000000000001"),
        (np.float64("nan"), "float64 nan"),
        (np.float64("-inf"), "float64 -inf"),
        (np.int64(-3), "int64 -3"),
        (np.uint64(2**64 - 1), "uint64 18446744073709551615"),
        (np.uint8(7), "uint8 7"),
        (np.bool_(True), "bool True"),
        (2**100, f"bigint {2**100}"),
        ('a "b" \\ \n é', 'str "a \\"b\\" \\\\ \n é"'),
    ],
)
def test_scalars(value: object, text: str) -> None:
    assert replies.scalar_text(value) == text


@given(st.text(alphabet=st.characters(exclude_characters="\0", exclude_categories=["Cs"])))
def test_a_string_scalar_is_unescaped_by_dropping_backslashes(value: str) -> None:
    inner = replies.scalar_text(value).removeprefix('str "').removesuffix('"')
    out, escaped = "", False
    for c in inner:
        escaped, out = (True, out) if c == "\\" and not escaped else (False, out + c)
    assert out == value


def shown(x: np.ndarray, threshold: int = 100, *, is_repr: bool = False) -> str:
    return display.array_text(x.shape, threshold, lambda i: x[i] if x.ndim else x[()], is_repr=is_repr)


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.arange(3), "[0 1 2]"),
        (np.array([], int), "[]"),
        (np.array([True, False]), "[True False]"),
        (np.array([1.0, 0.1, 1e6, 123456789.0, np.nan, -np.inf]), "[1.0 0.1 1e+06 1.23457e+08 nan -inf]"),
        (np.arange(4).reshape(2, 2), "[[0 1] [2 3]]"),
        (np.arange(101), "[0 1 2 ... 98 99 100]"),
        (np.array(7), "[7]"),
    ],
)
def test_str(x: np.ndarray, text: str) -> None:
    assert shown(x) == text


@pytest.mark.parametrize(
    ("x", "text"),
    [
        (np.array([1.0, 0.5]), "array([1.00000000000000000 0.5])"),
        (np.arange(4).reshape(2, 2), "array([array([0 1]) array([2 3])])"),
        (np.array([], int), "array([])"),
        (np.array(5.0), "array([5.00000000000000000])"),
    ],
)
def test_repr(x: np.ndarray, text: str) -> None:
    assert shown(x, is_repr=True) == text


def test_short_axes_are_never_abbreviated_and_outer_ones_earlier_than_inner() -> None:
    assert "..." not in shown(np.arange(6), 2)
    assert shown(np.arange(7), 2) == "[0 1 2 ... 4 5 6]"
    tall = np.zeros((60, 2), int)
    assert shown(tall, 100).count("[0 0]") == 6
    assert shown(tall.T, 100).count("0") == 120


@given(st.integers(0, 300), st.integers(0, 150))
def test_the_rows_that_are_fetched_are_those_that_are_shown(n: int, threshold: int) -> None:
    wanted = display.shown_rows((n,), threshold)
    asked: list[int] = []
    display.array_text((n,), threshold, lambda i: asked.append(i) or 0, is_repr=False)  # type: ignore[func-returns-value,arg-type,return-value]
    assert asked == wanted
