"""What a look-up gives."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass

PORT_NAME = "arkouda-client"
CLIENT = "ARKOUDA_CLIENT"
DEFAULT_PORT = 5555


class DiscoveryError(ConnectionError):
    """No server was found; the text says who was asked, what came back, and what to do."""


@dataclass(frozen=True, slots=True)
class Target:
    """One server."""

    host: str
    port: int
    token: str = ""

    @property
    def url(self) -> str:
        """As ``connect`` takes it."""
        try:
            six = ipaddress.ip_address(self.host).version == 6
        except ValueError:
            six = False
        return f"tcp://{f'[{self.host}]' if six else self.host}:{self.port}" + (
            f"?token={self.token}" if self.token else ""
        )


def targets(addresses: Iterable[str], port: int) -> list[Target]:
    """Return one target for each address."""
    return [Target(address, port) for address in addresses]
