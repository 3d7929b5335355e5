"""Groups over blocks are those of a stable sort by the keys' bits."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import grouping
from arkserver.engine.executor import Executor
from tests.support.columns import columns

Ints = NDArray[np.int64]


def expected_groups(keys: Sequence[NDArray[Any]]) -> tuple[Ints, Ints, Ints]:
    """Permutation, segments and first rows."""
    keys = [k.view(np.uint64) if k.dtype == np.float64 else k for k in keys]
    order = np.lexsort(keys[::-1])
    new = np.zeros(len(order), np.bool_)
    new[:1] = True
    for k in keys:
        new[1:] |= k[order][1:] != k[order][:-1]
    return order, np.flatnonzero(new), order[new]


def check(ex: Executor, found: grouping.Groups, keys: Sequence[NDArray[Any]]) -> None:
    for got, wanted in zip(found, expected_groups(keys), strict=True):
        np.testing.assert_array_equal(layout.to_numpy(ex, got), wanted)


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_groups_of_one_key_and_of_several(ex: Executor, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    keys = data.draw(st.lists(columns(st.just(n)), min_size=1, max_size=3))
    check(ex, grouping.group(ex, [layout.from_numpy(ex, k) for k in keys]), keys)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_group_of_many_rows_is_one_group(ex: Executor, share: float) -> None:
    rng = np.random.default_rng(1)
    x = rng.integers(-50, 50, 3000)
    x[rng.random(3000) < share] = 7
    check(ex, grouping.group(ex, [layout.from_numpy(ex, x)]), [x])


@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_groups_of_rows_that_lie_together(ex: Executor, data: st.DataObject) -> None:
    n = data.draw(st.integers(0, 60))
    keys = data.draw(st.lists(columns(st.just(n)), min_size=1, max_size=2))
    order = expected_groups(keys)[0]
    together = [k[order] for k in keys]
    check(ex, grouping.group_sorted(ex, [layout.from_numpy(ex, k) for k in together]), together)
