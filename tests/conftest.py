"""What all tests share."""

from __future__ import annotations

import hypothesis
import pytest

from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor

# Timing belongs to the benchmarks: an example may run while the machine compiles something else.
hypothesis.settings.register_profile("arkserver", deadline=None, max_examples=30)
hypothesis.settings.load_profile("arkserver")

WIDTHS = (1, 2, 3, 7)


@pytest.fixture(params=WIDTHS, ids=lambda n: f"{n}-blocks", scope="session")
def ex(request: pytest.FixtureRequest) -> Executor:
    """An executor that cuts arrays into 1, 2, 3 and 7 blocks: every algorithm must give the same on each."""
    return LocalExecutor(request.param)
