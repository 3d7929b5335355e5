"""Bigint from words and back, bounds, and sizes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.errors import ArgumentError, UnsupportedError
from tests.support.arrays import SHAPES, cut_otherwise, filled, here


@given(data=st.data(), bits=st.sampled_from([-1, 0, 3, 64, 100]))
@settings(max_examples=25, deadline=None)
def test_words_make_integers_and_come_back(ex: Executor, data: st.DataObject, bits: int) -> None:
    shape = data.draw(SHAPES)
    high, low = data.draw(filled("uint64", shape)), data.draw(filled("uint64", shape))
    arrays = [layout.from_numpy(ex, high), cut_otherwise(ex, layout.from_numpy(ex, low), data.draw(st.integers(0, 9)))]
    for signed in (False, True):
        got = limbs.joined(ex, arrays, bits, signed=signed)
        top = high.view(np.int64) if signed else high
        whole = [h << 64 | v for h, v in zip(top.ravel().tolist(), low.ravel().tolist(), strict=True)]
        want = [v if bits == -1 else v % 2**bits for v in whole]
        assert here(ex, got).ravel().tolist() == want
        assert (got.shape, got.max_bits) == (shape, bits)
        words = [here(ex, w).ravel().tolist() for w in limbs.words(ex, got)]
        rebuilt = [sum(w << 64 * i for i, w in enumerate(element)) for element in zip(*words, strict=True)]
        assert rebuilt == [v % 2 ** (64 * len(words)) for v in want]


@pytest.mark.parametrize(
    ("values", "count"), [([0], 1), ([], 1), ([-1], 1), ([2**64 - 1], 1), ([2**64], 2), ([-(2**64)], 1), ([2**130], 3)]
)
def test_as_many_words_as_needed(ex: Executor, values: list[int], count: int) -> None:
    assert len(limbs.words(ex, layout.from_numpy(ex, np.array(values, object)))) == count


@pytest.mark.parametrize("dtype", ["int64", "uint64", "float64"])
@given(data=st.data(), bits=st.sampled_from([-1, 7, 70]))
@settings(max_examples=20, deadline=None)
def test_widening(ex: Executor, dtype: str, data: st.DataObject, bits: int) -> None:
    x = data.draw(filled(dtype, (6,)))
    array = layout.from_numpy(ex, x)
    if not np.isfinite(x).all():
        with pytest.raises(ArgumentError, match="Non-finite real values detected"):
            limbs.widened(ex, array, bits)
        return
    got = limbs.widened(ex, array, bits)
    assert here(ex, got).tolist() == [int(v) if bits == -1 else int(v) % 2**bits for v in x.tolist()]
    assert got.max_bits == bits


def test_a_bound_is_set_and_cleared(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.array([-1, 2**70 + 5, 3], object))
    bounded = limbs.bounded(ex, x, 4)
    assert (here(ex, bounded).tolist(), bounded.max_bits) == ([15, 5, 3], 4)
    assert limbs.bounded(ex, bounded, -1).max_bits == -1


def test_footprint(ex: Executor) -> None:
    x = layout.from_numpy(ex, np.array([0, -1, 2**64 - 1, 2**64, -(2**128)], object))
    assert limbs.footprint(ex, x) == 5 * 24 + 8 * (1 + 1 + 1 + 2 + 3)


def test_refusals() -> None:
    ex = LocalExecutor()
    x = layout.from_numpy(ex, np.ones(3, np.int64))
    with pytest.raises(ArgumentError, match="no arrays of words"):
        limbs.joined(ex, [], -1)
    with pytest.raises(UnsupportedError, match="must be uint64"):
        limbs.joined(ex, [x], -1)
    for bits in (-2, 1 << 40):
        with pytest.raises(ArgumentError, match=f"max_bits is {bits}"):
            limbs.bounded(ex, x, bits)
