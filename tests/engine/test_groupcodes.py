"""Groups by number over any cut: against pandas, and against the reductions of one block."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import groupcodes
from arkserver.engine.blocks import coded
from arkserver.engine.executor import Executor
from arkserver.errors import ArgumentError
from tests.support.columns import columns
from tests.support.session import text_block


def numbered(ex: Executor, *keys: Any) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    there = [
        layout.strings_from_block(ex, text_block(k)) if isinstance(k, list) else layout.from_numpy(ex, k) for k in keys
    ]
    codes, firsts = groupcodes.number(ex, there)
    return layout.to_numpy(ex, codes), layout.to_numpy(ex, firsts)


def expected(*keys: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    frame = pd.DataFrame({f"k{i}": [x.encode() for x in k] if isinstance(k, list) else k for i, k in enumerate(keys)})
    codes = frame.groupby(list(frame.columns), dropna=False).ngroup().to_numpy(np.int64)
    return codes, np.unique(codes, return_index=True)[1]


@given(x=columns())
def test_numbers_of_one_key(ex: Executor, x: NDArray[Any]) -> None:
    for got, wanted in zip(numbered(ex, x), expected(x), strict=True):
        np.testing.assert_array_equal(got, wanted)


@given(data=st.data(), n=st.integers(0, 40))
def test_numbers_of_several_keys(ex: Executor, data: st.DataObject, n: int) -> None:
    size = st.just(n)
    texts = st.lists(st.sampled_from(["", "b", "a", "ü", "longer than fifteen bytes", "b0"]), min_size=n, max_size=n)
    for keys in (
        [data.draw(columns(size)) for _ in range(2)],
        [data.draw(columns(size, [np.dtype(np.int64)])) for _ in range(3)],
        [data.draw(texts)],
        [data.draw(texts), data.draw(columns(size))],
    ):
        for got, wanted in zip(numbered(ex, *keys), expected(*keys), strict=True):
            np.testing.assert_array_equal(got, wanted)


@given(x=columns(), op=st.sampled_from(coded.OPERATIONS), groups=st.integers(1, 9), skip=st.booleans())
@settings(max_examples=40)
def test_reductions_do_not_depend_on_the_cut(
    ex: Executor, x: NDArray[Any], op: str, groups: int, skip: bool
) -> None:  # fmt: skip
    if x.dtype.kind == "f" and op in ("var", "std", "prod"):
        x = np.where(np.abs(x) < 1e100, x, 1.0)
    if op == "prod" and x.dtype.kind != "b":
        x = x.clip(0, 2)  # no overflow, whose product with 0 depends on the order
    groups = min(groups, len(x))
    codes = np.arange(len(x))[::-1] % max(groups, 1)
    with np.errstate(all="ignore"):
        wanted = coded.reduce_codes(op, x, codes, groups, skip)
    there = groupcodes.reduce(ex, op, layout.from_numpy(ex, x), layout.from_numpy(ex, codes), groups, skip_nan=skip)
    got = layout.to_numpy(ex, there)
    assert there.dtype == got.dtype == wanted.dtype
    assert there.shape == (groups,)
    if got.dtype.kind == "f" and op not in ("min", "max"):
        scale = float(np.abs(x.astype(np.float64))[np.isfinite(x)].max(initial=0))
        squared = scale if op in ("var", "std") else 1.0
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=scale * squared * 1e-14)
    else:
        np.testing.assert_array_equal(got, wanted)


def test_inf_less_inf_is_nan_wherever_they_lie(ex: Executor) -> None:
    x = np.full(40, np.nan)
    x[10], x[18] = -np.inf, np.inf
    codes = np.arange(40)[::-1] % 8
    there = groupcodes.reduce(ex, "sum", layout.from_numpy(ex, x), layout.from_numpy(ex, codes), 8, skip_nan=True)
    np.testing.assert_array_equal(layout.to_numpy(ex, there), [0, 0, 0, 0, 0, np.nan, 0, 0])


def test_groups_without_rows(ex: Executor) -> None:
    codes, x = layout.from_numpy(ex, np.array([4, 1] * 50)), layout.from_numpy(ex, np.arange(100.0))
    counts = groupcodes.reduce(ex, "count", x, codes, 6)
    assert layout.to_numpy(ex, counts).tolist() == [0, 50, 0, 0, 50, 0]
    if len(x.rows) > 1:
        with pytest.raises(ArgumentError, match="2 of 6 groups have rows"):
            groupcodes.reduce(ex, "median", x, codes, 6)
