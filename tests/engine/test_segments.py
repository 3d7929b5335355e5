"""Segmented reductions over any cut agree with those of one block and with plain loops."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import aggregates, segments
from arkserver.engine.algorithms.grouping import Groups
from arkserver.engine.blocks import segmented
from arkserver.engine.executor import Executor
from arkserver.errors import ArgumentError
from tests.support.columns import columns

OPERATIONS = [
    "sum", "prod", "min", "max", "argmin", "argmax", "mean", "var", "std", "median", "any", "all", "and", "or", "xor",
    "nunique", "count", "first", "mode",
]  # fmt: skip
BITWISE = ("and", "or", "xor")


@st.composite
def segmented_columns(draw: st.DrawFn) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Values and ascending starts, the first of them 0, some equal."""
    x = draw(columns())
    cuts = draw(st.lists(st.integers(0, len(x)), max_size=12))
    return x, np.array(sorted([0, *cuts]), np.int64)


@given(case=segmented_columns(), op=st.sampled_from(OPERATIONS), skip=st.booleans())
@settings(max_examples=60, deadline=None)
def test_reductions_do_not_depend_on_the_cut(
    ex: Executor, case: tuple[NDArray[Any], NDArray[np.int64]], op: str, skip: bool
) -> None:
    x, starts = case
    if x.dtype.kind == "f" and op in BITWISE:
        return
    with np.errstate(all="ignore"):
        wanted = segmented.reduce_segments(op, x, starts, skip)
    there = aggregates.aggregate_segments(
        ex, op, layout.from_numpy(ex, x), layout.from_numpy(ex, starts), skip_nan=skip
    )
    got = layout.to_numpy(ex, there)
    assert there.dtype == got.dtype == wanted.dtype
    if wanted.dtype.kind == "f" and op not in ("min", "max", "first", "mode", "median"):
        scale = float(np.abs(x.astype(np.float64))[np.isfinite(x)].max(initial=0))
        close(got, wanted, scale)
    else:
        np.testing.assert_array_equal(got, wanted)


def close(got: NDArray[np.float64], wanted: NDArray[np.float64], scale: float) -> None:
    """Equal up to rounding; of large values the order of adding decides how much is lost."""
    if scale < 1e4:
        np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-9 * max(1.0, scale))


def loop(fn: Callable[[NDArray[Any]], Any], x: NDArray[Any], starts: NDArray[np.int64]) -> list[Any]:
    return [fn(x[a:b]) for a, b in zip(starts, [*starts[1:], len(x)], strict=True)]


@pytest.mark.parametrize(
    ("op", "fn"),
    [
        ("sum", np.sum), ("min", np.min), ("max", np.max), ("mean", np.mean), ("median", np.median),
        ("argmin", np.argmin), ("nunique", lambda v: len(np.unique(v))), ("std", lambda v: np.std(v, ddof=1)),
    ],
)  # fmt: skip
def test_one_segment_of_most_rows(ex: Executor, op: str, fn: Callable[[NDArray[Any]], Any]) -> None:
    x = np.random.default_rng(2).integers(-1000, 1000, 5000)
    starts = np.array([0, 30, 40, 4900])
    wanted = np.array(loop(fn, x, starts))
    if op == "argmin":
        wanted += starts
    found = aggregates.aggregate_segments(ex, op, layout.from_numpy(ex, x), layout.from_numpy(ex, starts))
    np.testing.assert_allclose(layout.to_numpy(ex, found), wanted, rtol=1e-12)


@given(case=segmented_columns(), last=st.booleans(), n=st.integers(0, 5))
@settings(max_examples=50, deadline=None)
def test_sizes_broadcasts_and_ends(
    ex: Executor, case: tuple[NDArray[Any], NDArray[np.int64]], last: bool, n: int
) -> None:
    x, starts = case
    lengths = np.diff(starts, append=len(x))
    values, there = layout.from_numpy(ex, x), layout.from_numpy(ex, starts)
    np.testing.assert_array_equal(layout.to_numpy(ex, segments.sizes(ex, there, len(x))), lengths)
    numbers = np.arange(len(starts)) * 10
    spread = segments.broadcast(ex, layout.from_numpy(ex, numbers), there, len(x))
    np.testing.assert_array_equal(layout.to_numpy(ex, spread), np.repeat(numbers, lengths))
    ends = layout.to_numpy(ex, segments.ends_of(ex, values, there, n, last=last))
    parts = loop(lambda v: v[max(0, len(v) - n) :] if last else v[:n], x, starts)
    np.testing.assert_array_equal(ends, np.concatenate(parts))


@pytest.mark.parametrize("op", ["sum", "mean", "median", "argmax", "nunique"])
def test_groups_read_their_values_through_the_permutation(ex: Executor, op: str) -> None:
    from arkserver.engine.algorithms import grouping

    rng = np.random.default_rng(3)
    key, x = rng.integers(0, 20, 500), rng.standard_normal(500)
    groups = grouping.group(ex, [layout.from_numpy(ex, key)])
    found = layout.to_numpy(ex, aggregates.aggregate_groups(ex, op, layout.from_numpy(ex, x), groups))
    rows = [np.flatnonzero(key == k) for k in np.unique(key)]
    plain: dict[str, Callable[[NDArray[np.int64]], Any]] = {
        "sum": lambda r: x[r].sum(),
        "mean": lambda r: x[r].mean(),
        "median": lambda r: np.median(x[r]),
        "argmax": lambda r: r[np.argmax(x[r])],
        "nunique": len,
    }
    np.testing.assert_allclose(found, [plain[op](r) for r in rows], rtol=1e-12)
    spread = layout.to_numpy(ex, segments.broadcast_to_rows(ex, groups.firsts, groups))
    np.testing.assert_array_equal(spread, [np.flatnonzero(key == k)[0] for k in key])


BIG = np.array([2**70, -5, 3, 2**65 + 1, 2**64 - 1, 0, 17], object)


@pytest.mark.parametrize("op", ["sum", "min", "max", "or", "and", "count"])
def test_bigint(ex: Executor, op: str) -> None:
    x, starts = np.abs(BIG), np.array([0, 3, 3, 6])
    there = layout.from_numpy(ex, x, max_bits=80)
    found = aggregates.aggregate_segments(ex, op, there, layout.from_numpy(ex, starts))
    empty = {"sum": 0, "or": 0, "count": 0, "and": 2**80 - 1, "min": 2**80 - 1, "max": -(2**80)}[op]
    fns: dict[str, Callable[[NDArray[Any]], Any]] = {
        "sum": sum, "min": min, "max": max, "count": len,
        "or": np.bitwise_or.reduce, "and": np.bitwise_and.reduce,
    }  # fmt: skip
    wanted = loop(lambda v: fns[op](v) if len(v) else empty, x, starts)
    assert layout.to_numpy(ex, found).tolist() == wanted


@pytest.mark.parametrize("op", ["min", "max", "and"])
def test_bigint_without_a_bound(ex: Executor, op: str) -> None:
    there, starts = layout.from_numpy(ex, BIG), layout.from_numpy(ex, np.array([0, 3]))
    with pytest.raises(ArgumentError, match=f"Must set max_bits to {op.upper()}"):
        aggregates.aggregate_segments(ex, op, there, starts)


def test_an_array_without_rows(ex: Executor) -> None:
    groups = Groups(*(layout.from_numpy(ex, np.empty(0, np.int64)) for _ in range(3)))
    for op in OPERATIONS:
        found = aggregates.aggregate_groups(ex, op, layout.from_numpy(ex, np.empty(0, np.int64)), groups)
        assert found.shape == (0,)
    starts = layout.from_numpy(ex, np.zeros(2, np.int64))
    found = aggregates.aggregate_segments(ex, "median", layout.from_numpy(ex, np.empty(0)), starts)
    assert all(math.isnan(v) for v in layout.to_numpy(ex, found))
