"""What the ZeroMQ doors share: binding and waiting on the event loop."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import zmq

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


def watch(loop: asyncio.AbstractEventLoop, socket: Socket, take: Callable[[], None]) -> None:
    """Call `take` when messages may have come; it must take all of them, since the socket tells only once."""
    loop.add_reader(_descriptor(socket), take)
    take()


def unwatch(loop: asyncio.AbstractEventLoop, socket: Socket) -> None:
    """End what `watch` began."""
    loop.remove_reader(_descriptor(socket))


def _descriptor(socket: Socket) -> int:
    return int(socket.getsockopt(zmq.FD))
