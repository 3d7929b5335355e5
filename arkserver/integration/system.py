"""What a system is to the registrar: something that can be told, and told to forget."""

from __future__ import annotations

from typing import Protocol

from arkserver.errors import IntegrationError


class System(Protocol):
    """One way to be registered. Making one does no input or output."""

    async def announce(self) -> None:
        """Make the far side hold exactly what it should about this server; called again and again.

        Raises
        ------
        IntegrationError
            It refused.
        ChannelError
            It did not answer.
        """

    async def withdraw(self) -> None:
        """Remove from the far side what it holds about this server; harmless twice. Raises as `announce` does."""

    async def close(self) -> None:
        """Let go of connections; whatever is asked afterwards opens new ones."""


class ConflictError(IntegrationError):
    """Somebody else has what this server wants; nothing of theirs was touched."""

    code = "conflict"


class RefusedError(IntegrationError):
    """The system understood and said no."""

    code = "refused"

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.status = status
