"""Two worker processes for all tests of this folder."""

from __future__ import annotations

import pytest

from arkserver.cluster.executor import ClusterExecutor
from tests.support.cluster import complete, own_workers

two_workers = pytest.fixture(own_workers, scope="session", name="two_workers")


@pytest.fixture
def remote(two_workers: ClusterExecutor) -> ClusterExecutor:
    return complete(two_workers, 2)
