"""Commands on an engine of its own, over 1, 2, 3 and 7 blocks."""

from __future__ import annotations

import pytest

from arkserver.engine.executor import Executor
from tests.support.session import Session


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)
