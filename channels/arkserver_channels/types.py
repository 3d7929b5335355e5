"""What a channel is, and the values that go in and come out of it.

A channel has one verb, `Channel.write`: it delivers a `Message` and returns the far side's `Answer`. What is said is
none of its business; it knows how it travels.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self


class ChannelType(StrEnum):
    """How a message travels."""

    STDOUT = "STDOUT"
    FILE = "FILE"
    HTTP = "HTTP"
    REDIS = "REDIS"


class HttpRequestType(StrEnum):
    """The verb of a message; channels that are not HTTP give it the nearest meaning that they have."""

    POST = "POST"
    PUT = "PUT"
    PATCH = "PATCH"
    DELETE = "DELETE"
    GET = "GET"


class HttpRequestFormat(StrEnum):
    """How the payload is written, and so its content type."""

    TEXT = "TEXT"
    JSON = "JSON"
    MULTIPART = "MULTIPART"
    APPLY = "APPLY"
    """Server-side apply of Kubernetes (a JSON text is a YAML text)."""
    MERGE = "MERGE"
    """JSON merge patch, RFC 7396."""


class ChannelError(OSError):
    """A message could not be delivered."""


class UnreachableError(ChannelError, ConnectionError):
    """Nobody answered: no route, refused, time-out. Another try may succeed."""


class UntrustedPeerError(ChannelError):
    """The peer's certificate is not signed by a known authority or is not for this host. Nothing was sent."""


class ChannelOptionsError(ChannelError, ValueError):
    """The channel cannot work with these options."""


@dataclass(frozen=True, slots=True)
class Message:
    """One thing to deliver."""

    address: str = ""
    """Where to, in the channel's own terms: a path below the URL, a file, a Redis key."""
    payload: str = ""
    """The text to deliver; for MULTIPART the content of the one part."""
    request_type: HttpRequestType = HttpRequestType.PUT
    request_format: HttpRequestFormat = HttpRequestFormat.JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    """Further headers, for channels that have any."""
    lifetime_s: float | None = None
    """Seconds after which the far side should forget the message, for channels that can (REDIS)."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the far side said."""

    status: int
    """As in HTTP; a channel without a status of its own says 200 when the message is delivered."""
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class ChannelOptions:
    """How to reach the far side. Each channel uses what concerns it."""

    url: str = ""
    """HTTP: what addresses are relative to. REDIS: ``redis://`` or ``rediss://`` host, port and database."""
    folder: Path = Path()
    """FILE: what relative addresses are relative to."""
    append: bool = False
    """FILE: add to the file instead of replacing it."""
    ca_file: Path | None = None
    """Certificates of the authorities to trust; None: the system's."""
    cert_file: Path | None = None
    key_file: Path | None = None
    """Client certificate and its key (None: the key is in the certificate's file)."""
    token: str = field(default="", repr=False)
    """Bearer token."""
    token_file: Path | None = None
    """File with the bearer token, read again for each message; wins over `token`."""
    user: str = ""
    password: str = field(default="", repr=False)
    """REDIS: user of the access control list, and password."""
    timeout_s: float = 5.0
    """Time limit of one attempt to connect, and of one wait for data."""
    retries: int = 2
    """Attempts after the first, on connection errors, 429 and 5xx."""
    backoff_s: float = 0.2
    """Mean wait before the first retry; it doubles with each further one."""
    proxy: str | None = None
    """URL of a proxy; None: as the usual environment variables say."""


class Channel(ABC):
    """One way for messages to travel; made from its options, usable until closed."""

    def __init__(self, options: ChannelOptions) -> None:
        self.options = options

    @abstractmethod
    async def write(self, message: Message) -> Answer:
        """Deliver one message, whole or not at all, and return the answer.

        Raises
        ------
        ChannelError
            The message was not delivered. An answer that says no (status 400 and above) is an answer, not an error.
        """

    async def close(self) -> None:
        """Let go of connections; harmless twice."""
        return

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
