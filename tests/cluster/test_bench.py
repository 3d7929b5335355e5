"""The benches of the cluster run."""

from __future__ import annotations

import pytest

from bench.cluster import compare, scaling


def test_scaling_runs_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "IDLE_SECONDS", 1.0)
    found = {workers: scaling.measure(workers, 1, list(scaling.COMMANDS)) for workers in (1, 3)}
    lines = scaling.report(found).splitlines()[2:]
    assert [line.split(" | ")[0].strip("| ") for line in lines] == ["idle", *scaling.COMMANDS]
    assert all(cost["clock"] > 0 for costs in found.values() for cost in costs.values())


def test_a_straight_line_is_found() -> None:
    assert scaling.model([4, 16, 64], [3 + 0.5 * w for w in (4, 16, 64)]) == pytest.approx((3, 0.5))


def test_speeds_are_compared_row_by_row() -> None:
    alone = [compare.Measured("add", "float64", 10, 0.002, 0.004, 0.0)]
    spread = [compare.Measured("add", "float64", 10, 0.001, 0.002, 0.25)]
    assert compare.report(alone, spread).splitlines()[-1].split(" | ")[3:] == [
        "2.00 ms",
        "1.00 ms",
        "2.00x",
        "0.8x",
        "4, 2 ms",
        "0.25 |",
    ]
