"""Two worker processes for all tests of this folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from distributed import Future

from arkserver.cluster.executor import ClusterExecutor
from arkserver.cluster.graphs import Graph
from tests.support.cluster import complete, own_workers

two_workers = pytest.fixture(own_workers, scope="session", name="two_workers")


@pytest.fixture
def remote(two_workers: ClusterExecutor) -> ClusterExecutor:
    return complete(two_workers, 2)


@pytest.fixture
def sent(remote: ClusterExecutor, monkeypatch: pytest.MonkeyPatch) -> list[Graph]:
    """The graphs that go out."""
    graphs: list[Graph] = []
    submit = remote.cluster.submit

    def noted(graph: Graph, keys: Sequence[Any]) -> list[Future]:
        graphs.append(graph)
        return submit(graph, keys)

    monkeypatch.setattr(remote.cluster, "submit", noted)
    return graphs
