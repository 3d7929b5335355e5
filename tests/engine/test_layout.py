"""Cutting arrays into blocks, moving rows between cuts, and back."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.values import TextBlock


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (23,), (4, 3), (0, 3), (7, 2, 2)])
def test_an_array_comes_back_as_it_went(ex: Executor, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape, dtype=int), dtype=np.int64).reshape(shape)
    there = layout.from_numpy(ex, x)
    assert there.shape == shape
    assert sum(there.rows) == (shape[0] if shape else 1)
    np.testing.assert_array_equal(layout.to_numpy(ex, there), x)


@pytest.mark.parametrize("rows", [(10,), (3, 7), (0, 10), (4, 0, 6), (1,) * 10])
def test_relayout_keeps_the_rows_in_order(ex: Executor, rows: tuple[int, ...]) -> None:
    x = np.arange(20.0).reshape(10, 2)
    moved = layout.relayout(ex, layout.from_numpy(ex, x), rows)
    assert moved.rows == rows
    np.testing.assert_array_equal(layout.to_numpy(ex, moved), x)


@pytest.mark.parametrize("rows", [(5,), (2, 3), (0, 5), (1, 0, 4)])
def test_relayout_of_strings(ex: Executor, rows: tuple[int, ...]) -> None:
    texts = [b"a", b"", "é".encode(), b"long enough", b"z"]
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int64)
    block = TextBlock(offsets, np.frombuffer(b"".join(texts), np.uint8))
    strings = layout.strings_from_block(ex, block)
    moved = layout.relayout(ex, strings, rows)
    back = layout.text_here(ex, moved)
    assert (moved.rows, moved.size, moved.chars) == (rows, 5, len(block.data))
    np.testing.assert_array_equal(back.offsets, offsets)
    np.testing.assert_array_equal(back.data, block.data)
