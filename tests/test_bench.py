"""What the benchmark makes of its figures, and that it sees wrong answers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from bench import answers, cases, measure, report, results
from bench.case import CASES, any_order
from bench.results import Result

SORT = ("sort full range", "int64")


def row(n: int, seconds: float, **peers: float) -> Result:
    return Result(*SORT[:1], n, SORT[1], seconds, peers)


def test_every_topic_has_rows() -> None:
    assert len(CASES) > 10 * len(cases.__all__) / 2
    assert CASES[SORT].target == (4.0, 1.2)


def test_later_results_take_the_place_of_earlier_ones(tmp_path: Path) -> None:
    old = [row(10**6, 1.0), row(10**7, 2.0)]
    kept = results.merged(old, [row(10**7, 3.0, numpy=6.0)])
    results.save(tmp_path / "r.json", kept)
    assert results.load(tmp_path / "r.json") == [row(10**6, 1.0), row(10**7, 3.0, numpy=6.0)]
    assert results.load(tmp_path / "none.json") == []


def test_growth_and_means() -> None:
    measured = [row(10**6, 0.1), row(10**7, 1.0), row(10**8, 10.0)]
    assert results.growth(measured) == pytest.approx({SORT: 1.0})
    assert results.growth([row(10**3, 0.1), row(10**6, 0.2)]) == {}
    assert results.geometric_mean([2.0, None, 8.0]) == pytest.approx(4.0)
    assert results.largest(measured) == measured[-1:]


def test_what_misses_its_target_is_named() -> None:
    met = row(10**7, 1.0, numpy=4.1, polars=1.3)
    missed = row(10**7, 1.0, numpy=3.9, polars=0.6, duckdb=2.0)
    assert report.misses([met]) == []
    assert report.slower([met]) == []
    first, second = report.misses([missed])
    assert "3.90x of 4x (numpy 3.90x)" in first
    assert "0.60x of 1.2x (polars 0.60x, duckdb 2.00x)" in second
    assert report.slower([missed]) == [missed]


def test_answers_of_all_libraries_become_columns() -> None:
    frame = pd.DataFrame({"k": [2, 1], "v": [0.5, 1.5]})
    given = answers.columns((frame, np.arange(2), 3.0))
    assert [c.tolist() for c in given] == [[2, 1], [0.5, 1.5], [0, 1], [3.0]]
    assert [c.tolist() for c in any_order({}, given[:2])] == [[1, 2], [1.5, 0.5]]


def test_wrong_answers_are_seen() -> None:
    ints, floats, texts = np.arange(3), np.array([1.0, np.nan, 3.0]), np.array(["a", "b", "c"], object)
    answers.check([ints, floats, texts], [ints, floats * (1 + 1e-12), texts], "the same")
    for wrong in ([ints + 1, floats, texts], [ints, floats * 1.001, texts], [ints, floats, texts[::-1]]):
        with pytest.raises(answers.WrongAnswerError, match="column"):
            answers.check([ints, floats, texts], wrong, "others")
    with pytest.raises(answers.WrongAnswerError, match="columns"):
        answers.check([ints], [ints, ints], "more")


def test_peers_that_take_long_are_asked_less_often() -> None:
    calls: list[str] = []
    seconds = measure.in_turn({"ours": lambda: calls.append("ours"), "numpy": lambda: calls.append("numpy")})
    assert calls == ["ours", "numpy"] * (measure.ROUNDS + 1)
    assert set(seconds) == {"ours", "numpy"}
