"""The table of the integration names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "integration.md").read_text()
TESTS = "\n".join(path.read_text() for path in (ROOT / "tests").rglob("*.py"))


@pytest.mark.parametrize("name", sorted(set(re.findall(r"`(?:test_\w+\.py::)?(test_\w+)`", PAGE))))
def test_each_test_that_the_page_names_exists(name: str) -> None:
    assert f"def {name}(" in TESTS


@pytest.mark.parametrize("name", sorted(set(re.findall(r"test_\w+\.py", PAGE))))
def test_each_file_that_the_page_names_exists(name: str) -> None:
    assert list((ROOT / "tests").rglob(name))


def test_each_scenario_that_the_page_names_exists() -> None:
    rows = [line for line in PAGE.splitlines() if "matrix `" in line]
    names = {
        name
        for row in rows
        for part in re.findall(r"matrix ((?:`\w+`(?:, )?)+)", row)
        for name in re.findall(r"\w+", part)
    }
    scenarios = (ROOT / "tests" / "real" / "scenarios.py").read_text()
    assert names
    assert [name for name in names if f"def {name}(" not in scenarios and f"def {name}(" not in TESTS] == []
