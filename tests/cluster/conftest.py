"""Two worker processes for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arkserver.cluster.executor import ClusterExecutor
from tests.support.cluster import complete, running_cluster


@pytest.fixture(scope="session")
def two_workers() -> Iterator[ClusterExecutor]:
    with running_cluster(2) as cluster:
        yield ClusterExecutor(cluster)


@pytest.fixture
def remote(two_workers: ClusterExecutor) -> ClusterExecutor:
    return complete(two_workers, 2)
