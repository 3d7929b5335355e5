"""Random streams: known values of the protocol, independence of the cut, bounds."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import randomness
from arkserver.engine.blocks import random
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.values import DTYPES, Array

INT64 = DTYPES["int64"]
WORD = (1 << 64) - 1
HALF = (1 << 32) - 1


def generator(seed: int, sequence: int, position: int = 0) -> Iterator[int]:
    """A PCG generator after its definition, one step at a time."""
    step = sequence << 1 | 1
    state = ((seed + step) * 6364136223846793005 + step) & WORD
    while True:
        x, turn = (((state >> 18) ^ state) >> 27) & HALF, state >> 59
        if position <= 0:
            yield (x >> turn | x << (-turn & 31)) & HALF
        position -= 1
        state = (state * 6364136223846793005 + step) & WORD


def test_the_values_that_clients_know(ex: Executor) -> None:
    ints = randomness.integers(ex, (10,), INT64, 1, 4, 2)
    assert layout.to_numpy(ex, ints).tolist() == [4, 3, 1, 3, 2, 4, 4, 2, 3, 4]
    floats = randomness.floats(ex, (3,), 0.0, 1.0, 1701)
    assert layout.to_numpy(ex, floats).tolist() == [0.011410423448327005, 0.73618171558685619, 0.12367222192448891]
    coins = randomness.bools(ex, (10,), 2)
    assert layout.to_numpy(ex, coins).astype(int).tolist() == [0, 1, 1, 1, 1, 0, 1, 1, 1, 1]


def test_known_random_strings(ex: Executor) -> None:
    def texts(lengths: Array, alphabet: str, seed: int) -> list[bytes]:
        block = layout.text_here(ex, randomness.strings_of_lengths(ex, lengths, alphabet, seed))
        return [bytes(block.data[a:b]) for a, b in zip(block.offsets, block.offsets[1:], strict=False)]

    uniform = randomness.uniform_lengths(ex, 5, 1, 5, 8675309)
    assert texts(uniform, "uppercase", 8675309) == [b"ECWO", b"WSS", b"TZG", b"RW", b"C"]
    assert texts(uniform, "printable", 8675309) == [b"2 .z", b"aom", b"2d|", b"o(", b"M"]
    lognormal = randomness.lognormal_lengths(ex, 5, 2, 0.25, 1)
    assert texts(lognormal, "uppercase", 1) == [b"VWHJEX", b"BEBBXJHGM", b"RWOVKBUR", b"LNJCSDXD", b"NKEDQC"]


@pytest.mark.parametrize("seed", [0, 1, 2**63 - 1, -5])
def test_words_are_two_generators_side_by_side(seed: int) -> None:
    one, two = generator(seed & WORD, 1), generator(seed & WORD, 2)
    assert random.words(0, 50, seed).tolist() == [next(one) << 32 | next(two) for _ in range(50)]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 200), st.integers(0, 2**62))
def test_a_stream_can_be_entered_anywhere(position: int, count: int, seed: int) -> None:
    whole = random.words(position, count, seed)
    np.testing.assert_array_equal(random.words(position + count // 2, count - count // 2, seed), whole[count // 2 :])


@pytest.mark.parametrize("bound", [3 * 2**30, 2**31, HALF - 1, HALF, 5 * 2**32 + 7, WORD - 1, WORD])
def test_bounded_draws_reject_without_moving_the_stream(bound: int) -> None:
    def reduced(sequence: int, position: int, top: int) -> int:
        """Draw again from other generators, at the same position, until the draw is fair."""
        draw, retry = next(generator(7, sequence, position)), 100 + sequence
        while top < HALF and draw < 2**32 % (top + 1):
            draw, retry = next(generator(7, retry, position)), retry + 4
        return draw % (top + 1)

    def expected(position: int) -> int:
        low = reduced(2, position, bound & HALF)
        return low if bound <= HALF else reduced(1, position, bound >> 32) << 32 | low

    drawn = random.bounded(0, 30, 7, 0, bound, DTYPES["uint64"])
    assert drawn.tolist() == [expected(i) for i in range(30)]


@settings(max_examples=40, deadline=None)
@given(st.data(), st.sampled_from(["int64", "uint64", "uint8"]))
def test_integers_keep_to_their_bounds(data: st.DataObject, name: str) -> None:
    dtype, info = DTYPES[name], np.iinfo(name)
    low = data.draw(st.integers(info.min, info.max))
    high = data.draw(st.integers(low, info.max))
    drawn = random.bounded(0, 100, data.draw(st.integers(0, 2**63 - 1)), low, high, dtype)
    assert drawn.dtype == dtype
    assert low <= int(drawn.min()) <= int(drawn.max()) <= high


@pytest.mark.parametrize("shape", [(0,), (1,), (13,), (5, 3), (2, 3, 4), (0, 4)])
def test_the_cut_does_not_change_the_numbers(ex: Executor, shape: tuple[int, ...]) -> None:
    one = LocalExecutor(1)
    for make in (randomness.normals, lambda e, s, seed: randomness.integers(e, s, DTYPES["uint8"], 3, 200, seed)):
        whole, cut = layout.to_numpy(one, make(one, shape, 11)), layout.to_numpy(ex, make(ex, shape, 11))
        assert whole.shape == shape
        np.testing.assert_array_equal(cut, whole)


def test_box_muller_is_normal() -> None:
    z = random.normal(0, 20_000, 5, 6, 0)
    assert abs(z.mean()) < 0.03
    assert abs(z.std() - 1) < 0.03
