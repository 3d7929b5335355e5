"""New arrays over any number of blocks, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import creating
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT
from tests.support.arrays import ALL, FIXED, arrays, assert_same, place


@pytest.mark.parametrize("dtype", ALL)
@pytest.mark.parametrize("shape", [(), (0,), (5,), (20, 3), (2, 0, 4)])
def test_zeros_and_one_value(ex: Executor, dtype: Any, shape: tuple[int, ...]) -> None:
    x = creating.zeros(ex, shape, np.dtype(dtype))
    assert_same(ex, x, np.full(shape, 0, dtype))
    assert_same(ex, creating.set_all(ex, x, 1), np.full(shape, 1, dtype))


@given(st.data(), arrays())
def test_a_copy_shares_no_memory(ex: Executor, data: st.DataObject, x: Any) -> None:
    there = place(data, ex, x)
    copy = creating.copy(ex, there)
    creating.set_all(ex, there, 1)
    assert_same(ex, copy, x)


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool))
def test_arange(ex: Executor, start: int, stop: int, step: int) -> None:
    sent = stop + 2 if step < 0 else stop
    for dtype in (np.dtype(np.int64), BIGINT):
        got = creating.arange(ex, start, sent, step, dtype)
        assert_same(ex, got, np.array(range(start, stop, step), dtype))


def test_arange_over_chunks_and_beyond_int64(ex: Executor) -> None:
    assert_same(ex, creating.arange(ex, 5, 700_005, 7, np.dtype(np.int64)), np.arange(5, 700_005, 7))
    top = 2**64 - 1
    got = creating.arange(ex, top - 3, top, 1, np.dtype(np.uint64))
    assert layout.to_numpy(ex, got).tolist() == [top - 3, top - 2, top - 1]
    assert creating.arange(ex, 2**70, 2**70 + 2, 1, BIGINT).size == 2


@pytest.mark.parametrize("dtype", FIXED)
@pytest.mark.parametrize("shape", [(0, 0), (4, 4), (9, 3), (2, 8)])
@pytest.mark.parametrize("k", [-3, 0, 2, 20])
def test_eye(ex: Executor, dtype: Any, shape: tuple[int, int], k: int) -> None:
    assert_same(ex, creating.eye(ex, *shape, k, np.dtype(dtype)), np.eye(*shape, k, dtype=dtype))


@pytest.mark.parametrize(("size", "text"), [(0, "a"), (5, ""), (9, "wörd")])
def test_one_text(ex: Executor, size: int, text: str) -> None:
    strings = creating.full_text(ex, size, text)
    block = layout.text_here(ex, strings)
    assert (strings.size, strings.chars) == (size, size * len(text.encode()))
    assert block.data.tobytes().decode() == text * size
