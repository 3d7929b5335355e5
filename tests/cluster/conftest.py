"""Two worker processes for all tests of this folder."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arkserver.cluster.executor import ClusterExecutor
from tests.support.cluster import running_cluster


@pytest.fixture(scope="session")
def remote() -> Iterator[ClusterExecutor]:
    with running_cluster(2) as cluster:
        yield ClusterExecutor(cluster)
