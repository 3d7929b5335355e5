"""One server for all tests of the client, and a session on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from arkserver.client import Session, connect
from tests.support.server import RunningServer, running_server


@pytest.fixture(scope="session")
def server() -> Iterator[RunningServer]:
    """Blocks: 3, so that what a client sees does not depend on the cut."""
    with running_server("--blocks", "3", "--log-commands", "false") as found:
        yield found


@pytest.fixture(scope="session")
def session(server: RunningServer) -> Iterator[Session]:
    with connect(server.address) as found:
        yield found
