"""Commands that draw random numbers, as a client gives them."""

from __future__ import annotations

import numpy as np
import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def generator(session: Session, dtype: str, seed: int = 17) -> str:
    reply = session.text(f"createGenerator<{dtype}>", has_seed=True, seed=seed, state=1)
    assert reply.split()[0] == "created"
    assert reply.endswith(" ")
    return reply.split()[1]


def test_the_older_functions(session: Session) -> None:
    ints = session.array("randint<int64,1>", shape=10, low="1.00000000000000000", high="5.0", seed=2)
    assert ints.tolist() == [4, 3, 1, 3, 2, 4, 4, 2, 3, 4]
    assert session.array("randint<bool,2>", shape=[2, 3], low=0, high=1, seed=2).tolist() == [[False] * 3] * 2
    assert session.array("randint<bool,1>", shape=[2], low=1, high=2, seed=2).tolist() == [True] * 2
    normal = session.array("randomNormal<2>", shape=[3, 4], seed="7")
    np.testing.assert_array_equal(normal, session.array("randomNormal<2>", shape=[3, 4], seed="7"))
    unseeded = [session.array("randint<int64,1>", shape=9, low=0, high=2**62, seed=-1) for _ in range(2)]
    assert unseeded[0].tolist() != unseeded[1].tolist()
    words = {"size": 5, "dist": "uniform", "chars": "uppercase", "arg1": "1.0", "arg2": "5.0", "seed": "8675309"}
    assert session.array("randomStrings", **words).tolist() == [b"ECWO", b"WSS", b"TZG", b"RW", b"C"]
    assert "has lengths" not in session.error("randint<int64,1>", shape=[-1], low=0, high=2, seed=1)
    beyond = session.array("randint<uint64,1>", shape=[2], low=2**200, high=2**200 + 10, seed=1)
    assert beyond.tolist() == [2**64 - 1] * 2
    assert "no int64 from 3 to below 3" in session.error("randint<int64,1>", shape=[2], low=3, high=3, seed=1)
    wide = session.array("randint<uint8,1>", shape=[2000], low=0, high=256, seed=1)
    assert (wide.min(), wide.max()) == (0, 255)
    assert "no finite mean" in session.error("randomStrings", **{**words, "arg1": "nan"})
    assert session.array("randomStrings", **{**words, "dist": "lognormal", "arg1": -99}).tolist() == [b""] * 5
    assert "no set of characters" in session.error("randomStrings", **{**words, "chars": "runes"})
    assert "not a range" in session.error("randomStrings", **{**words, "arg1": "7"})
    assert "Unrecognized command" in session.error("randint<bigint,1>", shape=[3], low=0, high=2, seed=1)


def test_a_generator_lives_in_the_symbol_table(session: Session) -> None:
    name = generator(session, "int64")
    drawn = [
        session.array("uniformGenerator<int64,1>", name=name, low=0, high=9, shape=[4], state=s).tolist()
        for s in (1, 5)
    ]
    whole = session.array("uniformGenerator<int64,2>", name=name, low=0, high=9, shape=[2, 4], state=1)
    assert whole.tolist() == drawn
    assert "draws int64" in session.error("uniformGenerator<bool,1>", name=name, low=0, high=1, shape=[4], state=1)
    session.text("delGenerator", name=name)
    assert "unknown symbol" in session.error("delGenerator", name=name)
    session.text("createGenerator<bool>", has_seed=False, seed="None", state=1)


def test_distributions(session: Session) -> None:
    name = generator(session, "float64")
    asked = {"name": name, "has_seed": True, "state": 1}
    normal = session.array("standardNormalGenerator<1>", shape=3, method="ZIG", **asked)
    assert normal.tolist() == [0.53011556044134911, -0.30288808691027669, -1.1620170409701138]
    assert session.array("standardNormalGenerator<2>", shape=[2, 3], method="BOX", **asked).shape == (2, 3)
    assert session.array("standardExponential<1>", size=300, method="ZIG", **asked).min() > 0
    assert session.array("standardExponential<1>", size=300, method="INV", **asked).min() > 0
    rates = session.put(np.linspace(0.0, 5.0, 300))
    counted = session.array("poissonGenerator", lam=rates, is_single_lambda=False, size=300, **asked)
    assert counted[0] == 0
    assert session.array("standardGamma<1>", size=[4], is_single_k=True, k_arg="0.0", **asked).tolist() == [0] * 4
    spread = {"mu": "3", "is_single_mu": True, "scale": "2.5", "is_single_scale": True}
    drawn = session.array("logisticGenerator", size=3, **spread, **asked)
    assert drawn.tolist() == [1.1319566682702642, -7.1665150633720014, 7.7208667145173608]
    nan = session.array("standardGamma<1>", size=[2], is_single_k=True, k_arg="nan", **asked)
    assert np.isnan(nan).all()
    for cmd, known in (("standardNormalGenerator<1>", "ZIG and BOX"), ("standardExponential<1>", "ZIG and INV")):
        text = session.error(cmd, shape=3, size=3, method="DICE", **asked)
        assert f"Only {known} are supported for method. Recieved: DICE" in text
    assert "300 parameters for 4" in session.error("poissonGenerator", lam=rates, size=4, **asked)


def test_stateless_fills(session: Session) -> None:
    name = session.put(np.zeros(10, np.uint64))
    session.text("fillRandU64<uint64,1>", A=name, seed=2**64 - 1, stream=3, startIdx=0)
    whole = session.get(name).tolist()
    part = session.put(np.zeros(4, np.uint64))
    session.text("fillRandU64<uint64,1>", A=part, seed=2**64 - 1, stream=3, startIdx=6)
    assert session.get(part).tolist() == whole[6:]
    session.text("fillRandU64<uint64,1>", A=part, seed=1, stream=0, startIdx=2**64 - 2)
    floats = session.put(np.zeros(10))
    session.text("fillUniform01<float64,1>", A=floats, seed=2**64 - 1, stream=3, startIdx=0)
    assert session.get(floats).tolist() == [(w >> 11) * 2.0**-53 for w in whole]


@pytest.mark.parametrize("method", ["fisheryates", "mergeshuffle", "feistel"])
def test_shuffles(session: Session, method: str) -> None:
    name = generator(session, "int64", seed=5)
    x = session.put(np.arange(30))
    session.text("shuffle<int64,1>", name=name, x=x, shape=[30], state=1, method=method)
    shuffled = session.get(x).tolist()
    assert shuffled != sorted(shuffled) == list(range(30))
    grid = session.put(np.arange(6).reshape(2, 3))
    if method == "fisheryates":
        session.text("shuffle<int64,2>", name=name, x=grid, shape=[2, 3], state=1, method=method)
        assert sorted(session.get(grid).reshape(-1).tolist()) == list(range(6))
    else:
        text = session.error("shuffle<int64,2>", name=name, x=grid, shape=[2, 3], state=1, method=method)
        assert "dimension > 1" in text
    text = session.error("shuffle<int64,1>", name=name, x=x, shape=[30], state=1, method="riffle")
    assert "Error: Invalid method for shuffle." in text


def test_the_key_of_a_feistel_shuffle(session: Session) -> None:
    name = generator(session, "int64")
    found = []
    for state in (1, 9):
        x = session.put(np.arange(20.0))
        keyed = {"feistel_rounds": 12, "feistel_key": 77, "state": state}
        session.text("shuffle<float64,1>", name=name, x=x, shape=[20], method="feistel", **keyed)
        found.append(session.get(x).tolist())
    assert found[0] == found[1]


def test_permutations_and_choices(session: Session) -> None:
    name, likely = generator(session, "int64"), generator(session, "float64")
    x = session.put(np.arange(12).reshape(3, 4) * 10)
    moved = session.array("permutation<int64,2>", name=name, x=x, shape=[3, 4], size=12, isDomPerm=False, state=1)
    order = session.array("permutation<int64,1>", name=name, x="12", shape=12, size=12, isDomPerm=True, state=1)
    assert moved.reshape(-1).tolist() == (order * 10).tolist()
    values = session.put(np.linspace(0, 1, 8))
    weights = session.put(np.array([0, 0, 1, 2, 0, 0, 1, 0.0]))
    asked = {"aName": values, "numSamples": 3, "isDom": False, "popSize": 8, "state": 1}
    plain = session.array("choice<float64>", gName=name, wName="", replace=False, hasWeights=False, **asked)
    assert len(set(plain.tolist())) == 3
    picked = session.array("choice<float64>", gName=likely, wName=weights, replace=False, hasWeights=True, **asked)
    np.testing.assert_allclose(sorted(picked * 7), [2, 3, 6])
    text = session.error(
        "choice<float64>", gName=name, wName="", replace=False, hasWeights=False, **asked | {"numSamples": 9}
    )
    assert "Number of samples must be >= 1 and <= 8" in text


def test_samples_of_groups(session: Session) -> None:
    name = generator(session, "int64")
    segments = {"segs": session.put(np.array([0, 3])), "segLens": session.put(np.array([3, 5]))}
    perm = session.put(np.arange(8) * 2)
    asked = {"genName": name, "perm": perm, **segments, "hasSeed": True, "seed": 1, "state": 1, "replace": False}
    found = session.array(
        "segmentedSample", numSamples=session.put(np.array([2, 5])), weights="", hasWeights=False, **asked
    ).tolist()
    assert set(found[:2]) < {0, 2, 4}
    assert sorted(found[2:]) == [6, 8, 10, 12, 14]
    weights = session.put(np.array([0, 1.0, 0, 0, 0, 0, 0, 1]))
    found = session.array(
        "segmentedSample", numSamples=session.put(np.array([1, 1])), weights=weights, hasWeights=True, **asked
    ).tolist()
    assert found == [2, 14]
    text = session.error(
        "segmentedSample", numSamples=session.put(np.array([4, 0])), weights="", hasWeights=False, **asked
    )
    assert "cannot take 4 samples of segment 0" in text
    many = session.put(np.array([2**40, 1]))
    asked["replace"] = True
    text = session.error("segmentedSample", numSamples=many, weights="", hasWeights=False, **asked)
    assert "memory" in text
    text = session.error("segmentedSample", numSamples=many, weights=segments["segs"], hasWeights=True, **asked)
    assert "2 weights for a permutation of 8" in text
