"""The sockets between two servers: where they may be, who is let in, how long they wait."""

from __future__ import annotations

import hashlib
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import zmq
from zmq.utils import z85

from arkserver.engine import progress
from arkserver.errors import ArgumentError, TransferError, UnsupportedError

# How often a command that waits looks whether it was cancelled.
SLICE_MS = 100

# Longer messages are not taken from another server.
MOST_BYTES = 1 << 30

_HOST = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_SALT = b"arkserver transfer"

Frames = list[Any]
"""of a message, not copied"""


@dataclass(frozen=True, slots=True)
class Rules:
    """What the settings of a server say of transfers."""

    host: str
    """the address to listen on"""
    ports: tuple[int, int]
    """the first and the last port that may be used"""
    seconds: float
    """that the other server gets to connect, and for each answer"""
    token: str | None = None
    """what the other server must know, if clients must; the data are encrypted then"""

    @property
    def deadline(self) -> float:
        """Until when to wait that begins now."""
        return time.monotonic() + self.seconds

    @property
    def hint(self) -> str:
        """What may be wrong when nobody answers."""
        return "; do both servers ask for the same token?" if self.token is not None else ""

    def port(self, text: str) -> int:
        """A port that a client has named.

        Raises
        ------
        ArgumentError
            If it is none, or none of those that may be used.
        """
        first, last = self.ports
        if not text.isdigit() or not first <= int(text) <= last:
            raise ArgumentError(f"the port is {text}; this server transfers over {first} to {last}")
        return int(text)


def host_of(text: str) -> str:
    """A host that a client has named.

    Raises
    ------
    ArgumentError
    """
    if not _HOST.fullmatch(text):
        raise ArgumentError(f"{text!r} is no name or address of a host")
    return text


@contextmanager
def listening(rules: Rules, port: int) -> Iterator[zmq.Socket[bytes]]:
    """A socket that another server can connect to.

    Raises
    ------
    TransferError
        If the port is taken.
    """
    with _socket(zmq.ROUTER) as link:
        if rules.token is not None:
            link.curve_server = True
            link.curve_secretkey, link.curve_publickey = _keys(rules.token)
        try:
            link.bind(f"tcp://{rules.host}:{port}")
        except zmq.ZMQError as e:
            raise TransferError(f"port {port} of {rules.host} cannot be listened on: {e.strerror}") from None
        yield link


@contextmanager
def connected(rules: Rules, host: str, port: int) -> Iterator[zmq.Socket[bytes]]:
    """A socket to a server that listens now, or will within the time."""
    with _socket(zmq.DEALER) as link:
        if rules.token is not None:
            link.curve_publickey, link.curve_secretkey = zmq.curve_keypair()
            link.curve_serverkey = _keys(rules.token)[1]
        link.connect(f"tcp://{'127.0.0.1' if is_here(host) else host}:{port}")
        yield link


@contextmanager
def _socket(kind: int) -> Iterator[zmq.Socket[bytes]]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    try:
        with context.socket(kind) as link:
            link.linger = 1000  # for the last message
            link.maxmsgsize = MOST_BYTES
            link.reconnect_ivl, link.reconnect_ivl_max = 20, 500
            yield link
    finally:
        context.term()


def _keys(token: str) -> tuple[bytes, bytes]:
    """The keys of the server that listens, secret and public, which who knows the token can tell.

    Without the public one nobody can speak to it, and without the secret one nobody can pretend to be it.

    Raises
    ------
    UnsupportedError
        If the library was built without encryption.
    """
    if not zmq.has("curve"):
        raise UnsupportedError("this server asks for tokens, and its ZeroMQ library cannot encrypt transfers")
    secret = z85.encode(hashlib.scrypt(token.encode(), salt=_SALT, n=1 << 14, r=8, p=1, dklen=32))
    return secret, zmq.curve_public(secret)


def is_here(host: str) -> bool:
    """Whether a name is that of this machine."""
    return host in ("localhost", socket.gethostname(), socket.getfqdn())


def addresses_of(host: str) -> set[str]:
    """The addresses from which a host may connect.

    Raises
    ------
    TransferError
        If the name is not known.
    """
    try:
        found = {str(info[4][0]) for info in socket.getaddrinfo(host.strip("[]"), None)}
    except OSError as e:
        raise TransferError(f"the host {host} is not known: {e}") from None
    return found | ({"127.0.0.1", "::1"} if is_here(host) else set())


def receive(link: zmq.Socket[bytes], deadline: float) -> Frames | None:
    """The next message, None if there is none before ``time.monotonic()`` is `deadline`.

    Raises
    ------
    CancelledError
        When the command was cancelled meanwhile.
    """
    token = progress.current()
    while not link.poll(SLICE_MS):
        if token is not None:
            token.raise_if_cancelled()
        if time.monotonic() > deadline:
            return None
    return list(link.recv_multipart(copy=False))
