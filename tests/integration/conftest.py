from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.support.http_server import RecordingServer


@pytest.fixture
def http_server() -> Iterator[RecordingServer]:
    server = RecordingServer()
    yield server
    server.close()
