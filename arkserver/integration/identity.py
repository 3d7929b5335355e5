"""Who this server is among others of the same service."""

from __future__ import annotations

import hashlib
import re
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_NETWORK = Path("/proc/self/ns/net")
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Identity:
    """What tells one server, and one run of it, from another."""

    instance: str
    """The same after a restart; a DNS label of at most 40 characters."""
    run: str
    """Another for each run."""
    network: str
    """The same for all processes that share this machine's (or pod's) ports until it boots again.

    Only one process can listen on a port. So an entry for the same instance and port from the same network, which this
    process did not make, is the remains of a process that is gone.
    """


def identity(instance: str, port: int) -> Identity:
    """Make the identity of this process; `instance` may be empty: host name and port."""
    return Identity(label(instance or f"{socket.gethostname()}-{port}"), secrets.token_hex(4), _network())


def label(text: str) -> str:
    """Make a DNS label of `text`; a hash keeps labels apart that would become the same."""
    plain = re.sub(r"[^a-z0-9-]+", "-", text.lower()).strip("-")
    if text and plain == text and len(text) <= _LONGEST:
        return text
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{plain[: _LONGEST - 9].strip('-')}-{digest}".lstrip("-")


def _network() -> str:
    try:
        state = f"{_BOOT_ID.read_text().strip()} {_NETWORK.stat().st_ino}"
    except OSError:  # not Linux: nothing is known to be the remains of an earlier run
        state = secrets.token_hex(16)
    return hashlib.sha256(state.encode()).hexdigest()[:12]
