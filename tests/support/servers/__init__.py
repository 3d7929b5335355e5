"""Real servers of other projects, started by tests on free ports of the loopback and stopped by them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def cache() -> Path:
    """Return where ``make real-servers`` puts them (scripts/real_servers.py)."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ARKSERVER_REAL_SERVERS") or base / "arkserver" / "real-servers")


def binary(folder: str, name: str) -> Path:
    """Return the binary of a real server; skip the test, and say so, if it is not there."""
    found = sorted(cache().glob(f"{folder}/{name}"))
    if not found:
        pytest.skip(f"MISSING: the real server {name} ({cache()}/{folder}); run make real-servers")
    return found[-1]
