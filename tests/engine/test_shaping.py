"""Other shapes of the same elements over any cut, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import creating, shaping
from arkserver.engine.executor import Executor
from tests.support.arrays import FIXED, arrays, assert_same, elements, here, place, shapes

DATA = st.data()


@given(DATA, st.sampled_from([(), (1,), (12,), (3, 4), (4, 3), (2, 3, 2), (12, 1, 1), (1, 12), (0,), (0, 3), (3, 0)]))
def test_reshape(ex: Executor, data: st.DataObject, shape: tuple[int, ...]) -> None:
    others = [(), (1,), (12,), (2, 6), (6, 2), (3, 2, 2), (1, 1, 12), (1, 1, 1), (0,), (0, 2), (2, 0)]
    wanted = data.draw(st.sampled_from([s for s in others if np.prod(s) == np.prod(shape)]))
    x = data.draw(arrays(shape=shape))
    there = place(data, ex, x)
    got = shaping.reshape(ex, there, wanted)
    creating.set_all(ex, there, 1)
    assert_same(ex, got, x.reshape(wanted))


@given(DATA, arrays())
def test_permute(ex: Executor, data: st.DataObject, x: Any) -> None:
    axes = tuple(data.draw(st.permutations(range(x.ndim))))
    assert_same(ex, shaping.permute(ex, place(data, ex, x), axes), x.transpose(axes))


@given(DATA, shapes(), st.integers(1, 4))
def test_concatenate(ex: Executor, data: st.DataObject, shape: tuple[int, ...], n: int) -> None:
    axis = data.draw(st.integers(0, len(shape) - 1))
    dtype = data.draw(arrays(shape=(0,))).dtype
    parts = [
        data.draw(arrays([dtype], (*shape[:axis], data.draw(st.integers(0, 5)), *shape[axis + 1 :]))) for _ in range(n)
    ]
    there = [place(data, ex, p) for p in parts]
    got = shaping.concatenate(ex, there, axis)
    for t in there:
        creating.set_all(ex, t, 1)
    assert_same(ex, got, np.concatenate(parts, axis))


@given(DATA, shapes(max_dims=2), st.integers(1, 3))
def test_stack_and_unstack(ex: Executor, data: st.DataObject, shape: tuple[int, ...], n: int) -> None:
    axis = data.draw(st.integers(0, len(shape)))
    dtype = data.draw(arrays(shape=(0,))).dtype
    parts = [data.draw(arrays([dtype], shape)) for _ in range(n)]
    stacked = shaping.stack(ex, [place(data, ex, p) for p in parts], axis)
    assert_same(ex, stacked, np.stack(parts, axis))
    for got, expected in zip(shaping.unstack(ex, stacked, axis), parts, strict=True):
        assert_same(ex, got, expected)


@given(DATA, arrays(shape=shapes(min_dims=0)))
def test_broadcast(ex: Executor, data: st.DataObject, x: Any) -> None:
    stretched = tuple(data.draw(st.integers(0, 4)) if n == 1 else n for n in x.shape)
    extra = data.draw(st.lists(st.integers(0, 4), min_size=0 if x.ndim else 1, max_size=2))
    shape = (*extra, *stretched)
    assert_same(ex, shaping.broadcast(ex, place(data, ex, x), shape), np.broadcast_to(x, shape))


@given(DATA, arrays(shape=shapes(max_side=4)))
def test_tile(ex: Executor, data: st.DataObject, x: Any) -> None:
    reps = tuple(data.draw(st.integers(0, 3)) for _ in x.shape)
    assert_same(ex, shaping.tile(ex, place(data, ex, x), reps), np.tile(x, reps))


@given(DATA, arrays())
def test_roll(ex: Executor, data: st.DataObject, x: Any) -> None:
    axes = data.draw(st.lists(st.integers(0, x.ndim - 1), min_size=1, max_size=3))
    shifts = [data.draw(st.integers(-20, 20)) for _ in axes]
    assert_same(ex, shaping.roll(ex, place(data, ex, x), shifts, axes), np.roll(x, shifts, axes))


@given(DATA, arrays())
def test_repeat(ex: Executor, data: st.DataObject, x: Any) -> None:
    axis = data.draw(st.integers(0, x.ndim - 1))
    counts = data.draw(arrays([np.int64, np.uint64], (x.shape[axis],), st.integers(0, 3)))
    got = shaping.repeat(ex, place(data, ex, x), place(data, ex, counts), axis)
    assert_same(ex, got, np.repeat(x, counts.astype(np.int64), axis))


@given(DATA, arrays(FIXED))
def test_pad(ex: Executor, data: st.DataObject, x: Any) -> None:
    widths = [(data.draw(st.integers(0, 3)), data.draw(st.integers(0, 3))) for _ in x.shape]
    values = [(data.draw(elements(x.dtype)), data.draw(elements(x.dtype))) for _ in x.shape]
    constants: Any = np.array(values, object)  # NumPy would take them all to one dtype of numbers
    expected = np.pad(x.astype(object), widths, constant_values=constants).astype(x.dtype)
    assert_same(ex, shaping.pad(ex, place(data, ex, x), widths, values), expected)


@given(DATA, arrays())
def test_keep(ex: Executor, data: st.DataObject, x: Any) -> None:
    if x.ndim == 1:
        return
    axis = data.draw(st.integers(1, x.ndim - 1))
    mask = data.draw(arrays([np.bool_], (x.shape[axis],)))
    assert_same(ex, shaping.keep(ex, place(data, ex, x), place(data, ex, mask), axis), np.compress(mask, x, axis))


def test_over_chunks(ex: Executor) -> None:
    x = np.arange(300_000)
    there = layout.from_numpy(ex, x)
    wide = shaping.reshape(ex, there, (100, 3000))
    assert_same(ex, wide, x.reshape(100, 3000))
    assert_same(ex, shaping.permute(ex, wide, (1, 0)), x.reshape(100, 3000).T)
    assert here(ex, shaping.concatenate(ex, [there, there], 0)).tolist() == [*range(300_000)] * 2
