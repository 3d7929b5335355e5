"""Slices, index arrays and masks over any cut, against NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import indexing, slicing
from arkserver.engine.executor import Executor
from arkserver.errors import ArgumentError
from tests.support.arrays import ALL, FIXED, arrays, assert_same, elements, place

DATA = st.data()


def drawn_slices(data: st.DataObject, shape: tuple[int, ...]) -> tuple[slice, ...]:
    return tuple(data.draw(st.slices(n), label="slice") for n in shape)


def ranges(shape: tuple[int, ...], slices: tuple[slice, ...]) -> list[range]:
    bounds = [s.indices(n) for s, n in zip(slices, shape, strict=True)]
    return slicing.ranges_of(shape, *zip(*bounds, strict=True))


@given(DATA, arrays())
def test_a_slice(ex: Executor, data: st.DataObject, x: Any) -> None:
    slices = drawn_slices(data, x.shape)
    assert_same(ex, slicing.take_slice(ex, place(data, ex, x), ranges(x.shape, slices)), x[slices])


@given(DATA, arrays())
def test_a_slice_is_filled(ex: Executor, data: st.DataObject, x: Any) -> None:
    slices, value = drawn_slices(data, x.shape), data.draw(elements(x.dtype))
    got = slicing.fill_slice(ex, place(data, ex, x), ranges(x.shape, slices), value)
    x[slices] = value
    assert_same(ex, got, x)


@given(DATA, arrays())
def test_a_slice_takes_an_array(ex: Executor, data: st.DataObject, x: Any) -> None:
    slices = drawn_slices(data, x.shape)
    values = data.draw(arrays([x.dtype], x[slices].shape))
    got = slicing.put_slice(ex, place(data, ex, x), ranges(x.shape, slices), place(data, ex, values))
    x[slices] = values
    assert_same(ex, got, x)


def test_a_slice_of_an_array_takes_the_array_itself(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.arange(100_000))
    got = slicing.put_slice(ex, x, [range(99_999, -1, -1)], x)
    assert_same(ex, got, np.arange(100_000)[::-1])


def test_a_slice_shares_no_memory(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.arange(10))
    part = slicing.take_slice(ex, x, [range(10)])
    slicing.fill_slice(ex, x, [range(10)], 7)
    assert_same(ex, part, np.arange(10))


@pytest.mark.parametrize("bounds", [((0,), (6,), (1,)), ((-1,), (2,), (1,)), ((5,), (-2,), (-1,)), ((0,), (1,), (0,))])
def test_a_slice_out_of_bounds_is_refused(bounds: Any) -> None:
    with pytest.raises(ArgumentError):
        slicing.ranges_of((5,), *bounds)


@given(DATA, arrays(shape=st.sampled_from([(), (1,), (7,), (4, 3), (2, 1, 3)])))
def test_an_element(ex: Executor, data: st.DataObject, x: Any) -> None:
    there, index = place(data, ex, x), tuple(data.draw(st.integers(0, n - 1)) for n in x.shape)
    np.testing.assert_equal(slicing.element(ex, there, index), x[index])
    value = data.draw(elements(x.dtype))
    got = slicing.set_element(ex, there, index, value)
    x[index] = value
    assert_same(ex, got, x)


@pytest.mark.parametrize("index", [(5,), (-1,), (0, 0), ()])
def test_an_element_out_of_bounds_is_refused(ex: Executor, index: tuple[int, ...]) -> None:
    with pytest.raises(ArgumentError, match="out of bounds"):
        slicing.element(ex, layout.from_numpy(ex, np.arange(5)), index)


def drawn_index(data: st.DataObject, n: int, dtypes: Any = (np.int64, np.uint64), length: Any = None) -> Any:
    length = data.draw(st.integers(0, 12)) if length is None else length
    return data.draw(arrays(dtypes, (length if n else 0,), st.integers(0, max(0, n - 1))), label="index")


@given(DATA, arrays())
def test_take_along_any_axis(ex: Executor, data: st.DataObject, x: Any) -> None:
    axis = data.draw(st.integers(0, x.ndim - 1))
    index = drawn_index(data, x.shape[axis])
    got = indexing.take(ex, place(data, ex, x), place(data, ex, index), axis)
    assert_same(ex, got, np.take(x, index.astype(np.int64), axis))


@given(DATA, arrays(shape=st.sampled_from([(5,), (4, 3), (3, 2, 4)])))
def test_points(ex: Executor, data: st.DataObject, x: Any) -> None:
    axes = tuple(sorted(data.draw(st.sets(st.integers(0, x.ndim - 1), min_size=1))))
    length = data.draw(st.integers(0, 9))
    index = [drawn_index(data, x.shape[a], length=length) for a in axes]
    got = indexing.take_points(ex, place(data, ex, x), axes, [place(data, ex, i) for i in index])
    key: list[Any] = [slice(None)] * x.ndim
    for a, i in zip(axes, index, strict=True):
        key[a] = i
    assert_same(ex, got, np.expand_dims(x[tuple(key)], axes[1:]))


@given(DATA, arrays())
def test_compress(ex: Executor, data: st.DataObject, x: Any) -> None:
    mask = data.draw(arrays([np.bool_], (len(x),)))
    assert_same(ex, indexing.compress(ex, place(data, ex, x), place(data, ex, mask)), x[mask])


@given(DATA, arrays(FIXED))
def test_nonzero(ex: Executor, data: st.DataObject, x: Any) -> None:
    got = indexing.nonzero(ex, place(data, ex, x))
    for one, expected in zip(got, x.nonzero(), strict=True):
        assert_same(ex, one, expected)


@given(DATA, arrays())
def test_scatter_keeps_the_last_value(ex: Executor, data: st.DataObject, x: Any) -> None:
    index = drawn_index(data, len(x))
    values = data.draw(arrays([x.dtype], (len(index), *x.shape[1:])))
    got = indexing.scatter(ex, place(data, ex, x), place(data, ex, index), place(data, ex, values))
    for i, v in zip(index.tolist(), values, strict=True):
        x[i] = v
    assert_same(ex, got, x)


@given(DATA, arrays(shape=st.integers(0, 12).map(lambda n: (n,))))
def test_scatter_of_one_value(ex: Executor, data: st.DataObject, x: Any) -> None:
    index, value = drawn_index(data, len(x)), data.draw(elements(x.dtype))
    got = indexing.scatter_value(ex, place(data, ex, x), place(data, ex, index), value)
    x[index.astype(np.int64)] = value
    assert_same(ex, got, x)


@given(DATA, arrays())
def test_writing_where_a_mask_is_true(ex: Executor, data: st.DataObject, x: Any) -> None:
    mask, value = data.draw(arrays([np.bool_], (len(x),))), data.draw(elements(x.dtype))
    filled = x.copy()
    filled[mask] = value
    if x.ndim == 1:
        assert_same(ex, indexing.fill_where(ex, place(data, ex, x), place(data, ex, mask), value), filled)
    values = data.draw(arrays([x.dtype], x[mask].shape))
    got = indexing.put_where(ex, place(data, ex, x), place(data, ex, mask), place(data, ex, values))
    x[mask] = values
    assert_same(ex, got, x)


def test_an_array_is_its_own_index_and_value(ex: Executor) -> None:
    permutation = np.random.default_rng(3).permutation(100_000)
    twice = np.empty_like(permutation)
    twice[permutation] = permutation
    x = layout.from_numpy(ex, permutation.copy())
    assert_same(ex, indexing.scatter(ex, x, x, x), twice)
    x = layout.from_numpy(ex, permutation.copy())
    assert_same(ex, indexing.scatter_value(ex, x, x, 5), np.full(100_000, 5))


def test_a_mask_that_selects_another_number_is_refused(ex: Executor) -> None:
    x, mask = (layout.from_numpy(ex, a) for a in (np.arange(5), np.array([True, False, True, False, True])))
    with pytest.raises(ArgumentError, match="pop size mismatch 3 2"):
        indexing.put_where(ex, x, mask, layout.from_numpy(ex, np.arange(2)))
    assert_same(ex, x, np.arange(5))


@pytest.mark.parametrize(
    ("index", "text"),
    [
        (np.array([0, 5]), "Error: who: OOBindex 5 > 4"),
        (np.array([4, -2]), "Error: who: OOBindex -2 < 0"),
        (np.array([0, 2**63 + 7], np.uint64), f"Error: who: OOBindex {2**63 + 7} > 4"),
    ],
)
def test_bounds_are_checked(ex: Executor, index: Any, text: str) -> None:
    with pytest.raises(ArgumentError) as error:
        indexing.check_bounds(ex, layout.from_numpy(ex, index), 5, "who")
    assert str(error.value) == text


@pytest.mark.parametrize("dtype", ALL)
def test_no_index_is_in_bounds(ex: Executor, dtype: Any) -> None:
    index = layout.from_numpy(ex, np.empty(0, np.int64))
    indexing.check_bounds(ex, index, 0, "who")
    x = layout.from_numpy(ex, np.empty(0, dtype))
    assert_same(ex, indexing.gather(ex, x, index), np.empty(0, dtype))


@pytest.mark.parametrize("narrow", [indexing.NARROW_ROWS, 0])
def test_a_large_gather_and_scatter(ex: Executor, monkeypatch: pytest.MonkeyPatch, narrow: int) -> None:
    monkeypatch.setattr(indexing, "NARROW_ROWS", narrow)
    rng = np.random.default_rng(5)
    x, index = rng.integers(0, 100, 200_000), rng.integers(0, 200_000, 300_000)
    there, positions = layout.from_numpy(ex, x.copy()), layout.from_numpy(ex, index)
    assert_same(ex, indexing.gather(ex, there, positions), x[index])
    values = np.arange(300_000)
    x[index] = values
    assert_same(ex, indexing.scatter(ex, there, positions, layout.from_numpy(ex, values)), x)
