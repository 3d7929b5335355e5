"""Joins over blocks give the rows that pandas gives, in its order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import joining
from arkserver.engine.blocks.joining import How
from arkserver.engine.executor import Executor
from arkserver.engine.values import Column
from tests.support.session import text_block

Key = NDArray[Any] | list[str]
HOWS: list[How] = ["inner", "left", "right", "outer"]

SMALL_KEYS = st.sampled_from(["int", "float", "bool", "short", "long"])
WORDS = {
    "short": ["", "a", "b", "ab", "é"],
    "long": ["", "a", "long enough to be hashed", "long enough to be", "x" * 40],
}


@st.composite
def key(draw: st.DrawFn, kind: str, n: int) -> Key:
    rng = np.random.default_rng(draw(st.integers(0, 2**32)))
    if kind in WORDS:
        return list(rng.choice(WORDS[kind], n))
    if kind == "float":
        return rng.choice([0.0, -0.0, 1.5, -3.0, np.inf, np.nan], n)
    return rng.integers(0, 2, n) > 0 if kind == "bool" else rng.integers(-4, 4, n)


@st.composite
def tables(draw: st.DrawFn) -> tuple[list[Key], list[Key]]:
    kinds = draw(st.lists(SMALL_KEYS, min_size=1, max_size=2))
    n, m = draw(st.integers(0, 30)), draw(st.integers(0, 30))
    return [draw(key(k, n)) for k in kinds], [draw(key(k, m)) for k in kinds]


def column(ex: Executor, x: Key) -> Column:
    return layout.strings_from_block(ex, text_block(x)) if isinstance(x, list) else layout.from_numpy(ex, x)


def frame(keys: list[Key], name: str) -> pd.DataFrame:
    # pandas keeps -0.0 and 0.0 apart in no join, but sorts strings by code points, which is the order of UTF-8.
    table = pd.DataFrame(
        {f"k{i}": pd.Series(k, dtype=object if isinstance(k, list) else None) for i, k in enumerate(keys)}
    )
    table[name] = np.arange(len(keys[0]))
    return table


def pandas_join(left: list[Key], right: list[Key], how: How) -> tuple[list[int], list[int]]:
    on = [f"k{i}" for i in range(len(left))]
    found = frame(left, "l").merge(frame(right, "r"), on=on, how=how)
    return found["l"].fillna(-1).astype(int).tolist(), found["r"].fillna(-1).astype(int).tolist()


def check(ex: Executor, left: list[Key], right: list[Key], how: How) -> None:
    found = joining.join(ex, [column(ex, k) for k in left], [column(ex, k) for k in right], how)
    got = tuple(layout.to_numpy(ex, f).tolist() for f in found)
    assert got == pandas_join(left, right, how)


@given(case=tables(), how=st.sampled_from(HOWS))
@settings(max_examples=50, deadline=None)
def test_joins_agree_with_pandas(ex: Executor, case: tuple[list[Key], list[Key]], how: How) -> None:
    check(ex, *case, how)


@pytest.mark.parametrize("how", HOWS)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_key_of_half_of_the_rows(ex: Executor, how: How, swapped: bool) -> None:
    rng = np.random.default_rng(6)
    large, small = rng.integers(0, 500, 3000), rng.integers(0, 800, 100)
    large[rng.random(3000) < 0.5] = 77
    small[:3] = 77
    check(ex, [small] if swapped else [large], [large] if swapped else [small], how)


def test_a_skewed_table_is_spread(ex: Executor) -> None:
    large = np.where(np.random.default_rng(6).random(4000) < 0.8, 5, np.arange(4000))
    found, _ = joining.join(ex, [column(ex, large)], [column(ex, np.array([5, 9]))], "inner")
    assert found.size >= 3000
    assert max(found.rows) <= 1.5 * found.size / len(found.rows)
