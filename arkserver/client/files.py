"""Files that the server reads and writes."""

from __future__ import annotations

from arkserver.client.requests import Requests


class Files(Requests):
    """Reads and writes files on the server."""
