"""The session: one user's line to one server, and everything that can be asked of it."""

from __future__ import annotations

import contextlib
import getpass
import weakref
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

from arkserver.client.connection import Connection, Peer
from arkserver.client.errors import AddressError, ServerUnreachableError
from arkserver.client.files import Files
from arkserver.client.namespace import VERSION, Namespace
from arkserver.client.registry import Registry

DEFAULT_PORT = 5555
DEFAULT_URL = f"tcp://localhost:{DEFAULT_PORT}"


class Session(Files, Registry):
    """Made by `connect`. Use it in a ``with`` block or call `close`.

    Arrays of a closed session cannot be used any more. A session may be used from several threads; their requests take
    turns.
    """

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.xp = Namespace(weakref.ref(self))
        self._closing = weakref.finalize(self, Connection.close, connection)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __repr__(self) -> str:
        peer = self.connection.peer
        state = "closed" if self.connection.closed else "open"
        return f"<Session {peer.endpoint} as {peer.user}, {state}>"

    @property
    def url(self) -> str:
        """Where the server listens."""
        return self.connection.peer.endpoint

    def close(self) -> None:
        """Let the server forget what this session's objects held, and part. Registered objects stay."""
        self._closing()

    def reconnect(self) -> None:
        """Give up whatever is under way and open a new line to the same server."""
        self.connection.reopen()

    # --- the server --------------------------------------------------------------------------------------------------

    def status(self) -> dict[str, Any]:
        """Facts about the server: version, memory, addresses, running commands."""
        return dict(self.json("status"))

    def memory(self) -> dict[str, int]:
        """Bytes: the limit, what arrays hold, what running commands have reserved."""
        return dict(self.status()["memory"])

    def symbols(self) -> list[dict[str, Any]]:
        """Every array on the server, of all sessions: name, dtype, shape, whether it is registered."""
        return list(self.json("info", names="__AllSymbols__"))

    def config(self) -> dict[str, Any]:
        """The server's configuration."""
        return dict(self.json("getconfig"))

    def cancel(self, number: int) -> None:
        """End a running command of any session, by its number in `status`."""
        self.do("cancel", number=number)

    def shutdown(self) -> None:
        """End the server, for everybody."""
        self.do("shutdown")
        self._closing.detach()
        self.connection.close(farewell=False)

    # --- the namespace -----------------------------------------------------------------------------------------------

    def namespace(self, api_version: str | None = None) -> Namespace:
        """``xp``, by the version of the standard.

        Raises
        ------
        ValueError
            For a version that is not provided.
        """
        if api_version not in (None, VERSION, "2023.12", "2022.12", "2021.12"):
            raise ValueError(f"version {api_version} of the array API standard is not provided; {VERSION} is")
        return self.xp


def connect(url: str = DEFAULT_URL, token: str | None = None, *, timeout: float = 10.0) -> Session:
    """Connect to a server.

    Parameters
    ----------
    url : str
        ``tcp://host:port``, also with ``?token=...`` as the server prints it, or ``host:port``; or a place where the
        server has announced itself: ``k8s://``, ``consul://``, ``redis://``, ``file://``; of several instances the
        first that answers.
    token : str, optional
        For a server that asks for one.
    timeout : float
        Seconds without a sign of life after which the server counts as gone. Commands may take any time.

    Raises
    ------
    AddressError
        If the URL names no server.
    ServerUnreachableError
        If no server answers there.
    ServerError
        If it refuses, for example for a wrong token.
    """
    *further, last = _places(url)
    for place in further:
        with contextlib.suppress(ServerUnreachableError):
            return _open(place, token, timeout)
    return _open(last, token, timeout)


def _open(url: str, token: str | None, timeout: float) -> Session:
    endpoint, given = parse_url(url)
    connection = Connection(Peer(endpoint, getpass.getuser(), token or given, timeout))
    try:
        connection.text("connect", {})
    except BaseException:
        connection.close(farewell=False)
        raise
    return Session(connection)


def _places(url: str) -> list[str]:
    """The URLs ``tcp://`` behind `url`, at least one: the system around the server is asked where its instances are."""
    if "://" not in url or urlsplit(url).scheme == "tcp":
        return [url]
    from arkserver.client.discovery import resolve  # only who looks up needs the code for that

    return [target.url for target in resolve(url)]


def parse_url(url: str) -> tuple[str, str]:
    """The endpoint ``tcp://host:port`` and the token of a URL.

    Raises
    ------
    AddressError
    """
    parts = urlsplit(url if "://" in url else f"tcp://{url}")
    try:
        host, port = parts.hostname, parts.port or DEFAULT_PORT
    except ValueError as e:
        raise AddressError(f"{url}: {e}") from None
    if not host:
        raise AddressError(f"{url} names no host; write tcp://host:port")
    shown = f"[{host}]" if ":" in host else host
    return f"tcp://{shown}:{port}", parse_qs(parts.query).get("token", [""])[0]
