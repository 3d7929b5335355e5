"""What the doors share: binding, errors that name the flag, and waiting on the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket as sockets
from collections.abc import Callable, Iterator

import zmq

from arkserver.errors import ConfigurationError

Socket = zmq.Socket[bytes]


def bind(socket: Socket, host: str, port: int) -> int:
    """Listen; returns the port.

    Raises
    ------
    OSError
        If the port is taken or the address is not this machine's.
    """
    socket.setsockopt(zmq.IPV6, int(":" in host))
    address = f"[{host}]" if ":" in host else host
    try:
        socket.bind(f"tcp://{address}:{port or '*'}")
    except zmq.ZMQError as e:
        raise OSError(e.errno, f"tcp://{address}:{port}: {e.strerror}") from None
    endpoint = socket.getsockopt(zmq.LAST_ENDPOINT)
    return int(bytes(endpoint).rstrip(b"\0").rpartition(b":")[2])


@contextlib.contextmanager
def opening(flag: str, port: int) -> Iterator[None]:
    """Turn a port that cannot be had into an error that names the flag.

    Raises
    ------
    ConfigurationError
    """
    try:
        yield
    except OSError as e:
        why = "is taken" if e.errno == errno.EADDRINUSE else f"cannot be had ({e})"
        raise ConfigurationError(f"{flag}: port {port} {why}; choose another, 0 takes a free one") from None


def check_free(host: str, port: int) -> None:
    """Raise `OSError` if nobody could listen there now."""
    family = sockets.AF_INET6 if ":" in host else sockets.AF_INET
    with sockets.socket(family, sockets.SOCK_STREAM) as probe:
        probe.setsockopt(sockets.SOL_SOCKET, sockets.SO_REUSEADDR, 1)  # as who listens later sets it
        probe.bind((host, port))


def watch(loop: asyncio.AbstractEventLoop, socket: Socket, take: Callable[[], None]) -> None:
    """Call `take` when messages may have come; it must take all of them, since the socket tells only once."""
    loop.add_reader(_descriptor(socket), take)
    take()


def unwatch(loop: asyncio.AbstractEventLoop, socket: Socket) -> None:
    """End what `watch` began."""
    loop.remove_reader(_descriptor(socket))


def _descriptor(socket: Socket) -> int:
    return int(socket.getsockopt(zmq.FD))
