"""Casts against NumPy, and against Python's integers for bigint."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import casting
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import DTYPES
from arkserver.errors import UnsupportedError
from tests.support.arrays import SHAPES, crossed, filled, here

NATIVE = ("int64", "uint64", "uint8", "float64", "bool")


@pytest.mark.parametrize(("source", "target"), list(product(NATIVE, NATIVE)))
def test_native(ex: Executor, source: str, target: str) -> None:
    x = crossed(source, "bool")[0].reshape(-1, 2)
    if source == "float64" and target in ("int64", "uint64", "uint8"):
        x = np.nan_to_num(x, nan=0.0).clip(0, 255)  # what C leaves undefined is not compared
    array = layout.from_numpy(ex, x)
    got = casting.cast(ex, array, np.dtype(target))
    np.testing.assert_array_equal(here(ex, got), x.astype(target), strict=True)
    blocks = zip(ex.fetch(array.blocks), ex.fetch(got.blocks), strict=True)
    assert not any(np.shares_memory(before, after) for before, after in blocks)


def signed(value: int) -> int:
    return (value + 2**63) % 2**64 - 2**63


def wrapped(bits: int) -> Callable[[int], int]:
    return lambda value: value % 2**bits


@given(data=st.data(), other=st.sampled_from(sorted(DTYPES)))
@settings(max_examples=40, deadline=None)
def test_bigint(ex: Executor, other: str, data: st.DataObject) -> None:
    shape = data.draw(SHAPES)
    if casting.can_cast(other, "bigint"):
        x = data.draw(filled(other, shape))
        got = here(ex, casting.cast(ex, layout.from_numpy(ex, x), DTYPES["bigint"]))
        assert got.ravel().tolist() == [int(v) for v in x.ravel().tolist()]
        assert all(type(v) is int for v in got.ravel().tolist())
    if casting.can_cast("bigint", other):
        x = data.draw(filled("bigint", shape))
        got = here(ex, casting.cast(ex, layout.from_numpy(ex, x), DTYPES[other]))
        bits = 8 * got.dtype.itemsize
        exact: dict[str, Callable[[int], Any]] = {"float64": float, "bigint": int, "int64": signed}
        want = exact.get(other, wrapped(bits))
        assert (got.dtype, got.shape) == (DTYPES[other], shape)
        assert got.ravel().tolist() == [want(v) for v in x.ravel().tolist()]


def test_a_bigint_cast_keeps_its_bound_and_overflows_to_infinity() -> None:
    ex = LocalExecutor()
    x = layout.from_numpy(ex, np.array([10**400, 1], object), max_bits=2000)
    assert casting.cast(ex, x, DTYPES["bigint"]).max_bits == 2000
    reals = casting.cast(ex, x, DTYPES["float64"])
    assert here(ex, reals).tolist() == [np.inf, 1.0]
    assert reals.max_bits == -1


def test_casts_that_do_not_exist() -> None:
    ex = LocalExecutor()
    with pytest.raises(UnsupportedError, match="no cast from float64 to bigint"):
        casting.cast(ex, layout.from_numpy(ex, np.ones(2)), DTYPES["bigint"])
    with pytest.raises(UnsupportedError, match="no cast from bigint to bool"):
        casting.cast(ex, layout.from_numpy(ex, np.array([1], object)), DTYPES["bool"])


@given(data=st.data())
@settings(max_examples=10, deadline=None)
def test_bits_of_floats(ex: Executor, data: st.DataObject) -> None:
    x = data.draw(filled("float64", data.draw(SHAPES)))
    np.testing.assert_array_equal(
        here(ex, casting.float_bits(ex, layout.from_numpy(ex, x))), x.view(np.uint64), strict=True
    )
    with pytest.raises(UnsupportedError, match="only float64"):
        casting.float_bits(ex, layout.from_numpy(ex, x.view(np.int64)))
