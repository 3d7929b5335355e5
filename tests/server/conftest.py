"""One server for the tests that leave it as they found it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.server import Raw, RunningServer, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server("--memory-limit", "1GB", "--arkouda-metrics-port", "0", "--arkouda-status-port", "0") as found:
        yield found


@pytest.fixture
def raw(server: RunningServer) -> Iterator[Raw]:
    with Raw(server.address) as found:
        yield found
