"""Two worker processes for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arkserver.cluster.executor import ClusterExecutor
from tests.support.cluster import JOIN_SECONDS, running_cluster


@pytest.fixture(scope="session")
def two_workers() -> Iterator[ClusterExecutor]:
    with running_cluster(2) as cluster:
        yield ClusterExecutor(cluster)


@pytest.fixture
def remote(two_workers: ClusterExecutor) -> ClusterExecutor:
    """The executor with both workers there: the test before may have killed one."""
    cluster = two_workers.cluster
    cluster.on_loop(cluster.wait_for_workers(2, JOIN_SECONDS)).result()
    return two_workers
