"""Generators, distributions, shuffles and samples: known values, any cut, and what they must have in common."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import generators, shuffling
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.blocks import random
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import DTYPES
from arkserver.errors import ArgumentError

INT64, FLOAT64 = DTYPES["int64"], DTYPES["float64"]
ONE = LocalExecutor(1)


def values(ex: Executor, x: Any) -> list[Any]:
    return list(layout.to_numpy(ex, x).tolist())


def drawn(ex: Executor, name: str, seed: int, size: int, *parameters: Any) -> list[Any]:
    first = generators.first_seed(Generator(FLOAT64, seed), 0)
    return values(ex, generators.distribution(ex, name, (size,), first, parameters))


def test_the_numbers_that_clients_know(ex: Executor) -> None:
    assert drawn(ex, "normal", 17, 3) == [0.53011556044134911, -0.30288808691027669, -1.1620170409701138]
    assert drawn(ex, "logistic", 17, 3, 3.0, 2.5) == [1.1319566682702642, -7.1665150633720014, 7.7208667145173608]


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("normal", ()), ("exponential", ()), ("poisson", (4.0,)), ("gamma", (2.5,)), ("logistic", (1.0, 2.0))],
)
@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 3000])
def test_the_cut_does_not_change_the_numbers(ex: Executor, name: str, parameters: Any, size: int) -> None:
    assert drawn(ex, name, 3, size, *parameters) == drawn(ONE, name, 3, size, *parameters)
    each = tuple(layout.from_numpy(ex, np.full(size, p)) for p in parameters)
    assert drawn(ex, name, 3, size, *each) == drawn(ONE, name, 3, size, *parameters)


MOMENTS = [
    ("normal", (), 0.0, 1.0),
    ("exponential", (), 1.0, 1.0),
    ("poisson", (3.0,), 3.0, 3.0),
    ("gamma", (0.5,), 0.5, 0.5),
    ("gamma", (1.0,), 1.0, 1.0),
    ("gamma", (7.5,), 7.5, 7.5),
    ("logistic", (2.0, 1.0), 2.0, np.pi**2 / 3),
]


@pytest.mark.parametrize(("name", "parameters", "mean", "variance"), MOMENTS)
def test_means_and_variances(name: str, parameters: Any, mean: float, variance: float) -> None:
    x = np.array(drawn(ONE, name, 8, 40_000, *parameters))
    assert abs(x.mean() - mean) < 0.05 * max(1, variance)
    assert abs(x.var() - variance) < 0.06 * max(1, variance)


def test_a_generator_is_entered_by_position(ex: Executor) -> None:
    for name in ("int64", "uint64", "uint8", "float64", "bool"):
        generator = Generator(DTYPES[name], 9)
        whole = values(ex, generators.uniform(ex, generator, (20,), 0, 50, 0))
        assert values(ex, generators.uniform(ex, generator, (3, 5), 0, 50, 5)) == np.reshape(whole[5:], (3, 5)).tolist()
    box = generators.box_normals(ex, Generator(FLOAT64, 9), (7,), 4)
    u = random.uniform(4, 14, 9)
    np.testing.assert_allclose(values(ex, box), np.sqrt(-2 * np.log(u[:7])) * np.cos(2 * np.pi * u[7:]))
    inverse = generators.inverse_exponentials(ex, Generator(FLOAT64, 9), (7,), 4)
    np.testing.assert_allclose(values(ex, inverse), -np.log1p(-u[:7]))


# --- orders ----------------------------------------------------------------------------------------------------------


def draws(seed: int, position: int, bounds: list[tuple[int, int]]) -> list[int]:
    """Bounded integers of one stream, one after the other."""
    return [int(random.bounded(position + k, 1, seed, a, b, INT64)[0]) for k, (a, b) in enumerate(bounds)]


def shuffle_by_hand(items: list[int], first: int, last: int, bound: int, seed: int) -> None:
    spans = [(min(i, bound), max(i, bound)) for i in range(first, last + 1)]
    for i, j in zip(range(first, last + 1), draws(seed, 0, spans), strict=True):
        items[i], items[j] = items[j], items[i]


def merge_shuffle_by_hand(n: int, seed: int) -> list[int]:
    items = list(range(n))
    key, chunk = int(random.words(0, 1, seed)[0]), max(n // 64, min(10, n))
    begins = list(range(0, n, chunk))
    for k, a in enumerate(begins):
        shuffle_by_hand(items, a, min(a + chunk, n) - 1, min(a + chunk, n) - 1, key + k)
    key += len(begins)
    for m in range(int(np.log2(len(begins))) + 1):
        size = chunk * 2**m
        runs = list(range(0, n, 2 * size))
        for k, start in enumerate(runs):
            left = min(size, n - start)
            end = start + left + min(size, n - start - left) - 1
            uniform, j, stop = iter(random.uniform(0, 2 * size + 1, key + k)), start + left, end
            for i in range(start, end + 1):
                if i == j or j > end:
                    stop = i
                    break
                if not next(uniform) < left / (end - start + 1):
                    items[i], items[j] = items[j], items[i]
                    j += 1
            shuffle_by_hand(items, stop, end, start, key + k + 1)
        key += len(runs)
    return items


@pytest.mark.parametrize("n", [1, 2, 9, 10, 11, 25, 64, 100, 130, 700])
def test_merge_shuffle_step_by_step(n: int) -> None:
    assert random.merge_shuffle(n, 5).tolist() == merge_shuffle_by_hand(n, 5)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(0, 300), seed=st.integers(0, 2**63 - 1), at=st.integers(0, 1000))
def test_orders_hold_every_position_once(n: int, seed: int, at: int) -> None:
    for order in (random.fisher_yates(n, seed, at), random.permutation(n, seed, at), random.merge_shuffle(n, seed)):
        assert sorted(order.tolist()) == list(range(n))
    if n > 1:
        assert sorted(random.feistel(0, n, n, seed, 16).tolist()) == list(range(n))


def test_fisher_yates_step_by_step() -> None:
    items = list(range(40))
    for i, j in zip(range(39, -1, -1), draws(3, 7, [(0, i) for i in range(39, -1, -1)]), strict=True):
        items[i], items[j] = items[j], items[i]
    assert random.fisher_yates(40, 3, 7).tolist() == items


@pytest.mark.parametrize("shape", [(0,), (1,), (17,), (4, 3), (2, 3, 4)])
def test_shuffles_over_blocks(ex: Executor, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape) * 10
    order = random.fisher_yates(x.size, 1, 0)
    moved = shuffling.reordered(ex, layout.from_numpy(ex, x), order)
    np.testing.assert_array_equal(layout.to_numpy(ex, moved), x.reshape(-1)[order].reshape(shape))
    if x.ndim == 1 and x.size:
        scattered = layout.to_numpy(ex, shuffling.enciphered(ex, layout.from_numpy(ex, x.copy()), 12345, 16))
        places = random.feistel(0, x.size, x.size, 12345, 16)
        np.testing.assert_array_equal(scattered[places], x)


# --- choices ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "count"), [(1, 1), (10, 3), (10, 5), (10, 10), (1000, 7), (1000, 900)])
def test_choices_without_replacement_are_distinct(ex: Executor, size: int, count: int) -> None:
    plain = values(ex, shuffling.choice(ex, size, count, 4, 0, replace=False))
    weights = layout.from_numpy(ex, np.linspace(0.5, 2.0, size))
    weighted = values(ex, shuffling.weighted_choice(ex, weights, count, 4, 0, replace=False))
    for found in (plain, weighted):
        assert len(set(found)) == count
        assert set(found) <= set(range(size))
    assert plain == values(ONE, shuffling.choice(ONE, size, count, 4, 0, replace=False))


def test_choices_follow_their_weights(ex: Executor) -> None:
    weights = layout.from_numpy(ex, np.array([0.0, 1.0, 3.0, 0.0, 4.0]))
    found = values(ex, shuffling.weighted_choice(ex, weights, 8000, 2, 0, replace=True))
    shares = np.bincount(found, minlength=5) / 8000
    np.testing.assert_allclose(shares, [0, 0.125, 0.375, 0, 0.5], atol=0.03)
    firsts = [values(ex, shuffling.weighted_choice(ex, weights, 3, s, 0, replace=False))[0] for s in range(60)]
    assert set(firsts) == {1, 2, 4}


def test_choices_that_cannot_be_made(ex: Executor) -> None:
    def weights(*w: float) -> Any:
        return layout.from_numpy(ex, np.array(w))

    for size, count, replace in ((0, 1, True), (5, 0, True), (5, 6, False)):
        with pytest.raises(ArgumentError):
            shuffling.choice(ex, size, count, 1, 0, replace=replace)
    with pytest.raises(ArgumentError, match="negative"):
        shuffling.weighted_choice(ex, weights(1, -1), 1, 1, 0, replace=True)
    with pytest.raises(ArgumentError, match="non-zero"):
        shuffling.weighted_choice(ex, weights(0, 0), 1, 1, 0, replace=True)
    with pytest.raises(ArgumentError, match="non-zero"):
        shuffling.weighted_choice(ex, weights(0, 1), 2, 1, 0, replace=False)


@settings(max_examples=25, deadline=None)
@given(data=st.data(), weighted=st.booleans(), replace=st.booleans())
def test_samples_of_segments(data: st.DataObject, weighted: bool, replace: bool) -> None:
    lengths = np.array(data.draw(st.lists(st.integers(0, 9), min_size=1, max_size=8)), np.int64)
    starts = np.cumsum(lengths) - lengths
    counts = np.array([data.draw(st.integers(0, n if not replace else 12 * (n > 0))) for n in lengths], np.int64)
    weights = np.linspace(1, 2, int(lengths.sum())) if weighted else None
    found = shuffling.segment_samples(starts, lengths, counts, weights, 6, 3, replace=replace)
    pieces = np.split(found, np.cumsum(counts)[:-1])
    for start, length, count, piece in zip(starts, lengths, counts, pieces, strict=True):
        assert len(piece) == count
        assert ((piece >= start) & (piece < start + length)).all()
        assert replace or len(set(piece.tolist())) == count


def test_samples_that_segments_do_not_have() -> None:
    one = np.array([0], np.int64)
    with pytest.raises(ArgumentError, match="cannot take 3 samples of segment 0, which has 2 elements"):
        shuffling.segment_samples(one, one + 2, one + 3, None, 1, 0, replace=False)
