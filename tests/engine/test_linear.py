"""Products and triangles of matrices over any cut, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import linear
from arkserver.engine.executor import Executor
from tests.support.arrays import FIXED, arrays, assert_same, place, shapes

DATA = st.data()
SIDE = st.integers(0, 5)


@given(DATA, SIDE, SIDE, SIDE, st.integers(0, 3))
def test_matmul(ex: Executor, data: st.DataObject, rows: int, inner: int, columns: int, stack: int) -> None:
    front = (stack,) if stack else ()
    x = data.draw(arrays(FIXED, (*front, rows, inner), st.integers(0, 1)))
    y = data.draw(arrays(FIXED, (*front, inner, columns), st.integers(0, 1)))
    dtype = np.result_type(x, y)
    expected = np.matmul(x.astype(dtype), y.astype(dtype))
    assert_same(ex, linear.matmul(ex, place(data, ex, x), place(data, ex, y)), expected)


@given(DATA, st.sampled_from([((3, 4), (4, 2)), ((2, 3, 4), (4, 2)), ((5, 4), (3, 4, 2))]))
def test_dot(ex: Executor, data: st.DataObject, both: Any) -> None:
    x, y = (data.draw(arrays(FIXED, shape, st.integers(0, 1))) for shape in both)
    dtype = np.result_type(x, y)
    expected = np.dot(x.astype(dtype), y.astype(dtype))
    assert_same(ex, linear.dot(ex, place(data, ex, x), place(data, ex, y)), expected)


def test_integers_wrap(ex: Executor) -> None:
    x = np.array([[2**62, 3]])
    got = linear.matmul(ex, layout.from_numpy(ex, x), layout.from_numpy(ex, np.array([[4], [1]])))
    assert_same(ex, got, np.array([[3]]))


@given(DATA, arrays(shape=shapes(min_dims=2)), st.integers(-9, 9), st.booleans())
def test_triangle(ex: Executor, data: st.DataObject, x: Any, diagonal: int, upper: bool) -> None:
    expected = np.triu(x, diagonal) if upper else np.tril(x, diagonal)
    assert_same(ex, linear.triangle(ex, place(data, ex, x), diagonal, upper=upper), expected)
