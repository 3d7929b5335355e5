"""The line to the server: requests and their replies, what happens when none comes, and Ctrl-C."""

from __future__ import annotations

import itertools
import re
import sys
import threading
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import msgspec
import zmq

from arkserver.client import progress, wire
from arkserver.client.errors import (
    ClientError,
    ConnectionLostError,
    ServerUnreachableError,
    SessionClosedError,
)
from arkserver.client.remote import Holdings

# A command that takes longer than this is watched: a progress line is shown, and the server asked if it is alive.
QUIET_SECONDS = 1.0
# Between two looks at a long command.
WATCH_SECONDS = 0.5
KEEPALIVE_SECONDS = 15
FAREWELL = "disconnect"


@dataclass(frozen=True, slots=True)
class Peer:
    """Whom to talk to, and as whom."""

    endpoint: str
    """``tcp://host:port``"""
    user: str
    token: str
    timeout: float
    """seconds without a sign of life after which the server counts as gone"""


class Line:
    """One socket to the server. After a failed request it is opened anew, since a reply may still be under way."""

    def __init__(self, context: zmq.Context[zmq.Socket[bytes]], endpoint: str) -> None:
        self._context = context
        self._endpoint = endpoint
        self._open()

    def _open(self) -> None:
        self.socket = self._context.socket(zmq.REQ)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE, 1)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE_IDLE, KEEPALIVE_SECONDS)
        self.socket.setsockopt(zmq.TCP_KEEPALIVE_INTVL, KEEPALIVE_SECONDS)
        self._events = self.socket.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self.connected = False
        self.socket.connect(self._endpoint)

    def close(self) -> None:
        """Give the socket up, with whatever it still has to send."""
        self.socket.disable_monitor()
        self._events.close(linger=0)
        self.socket.close(linger=0)

    def reopen(self) -> None:
        """Forget the request under way."""
        self.close()
        self._open()

    def send(self, frames: list[Any]) -> None:
        """Send a request; large frames are not copied."""
        self.lost()
        self.socket.send_multipart(frames, copy=False)

    def receive(self, seconds: float) -> zmq.Frame | None:
        """The reply, or None if there is none within `seconds`."""
        return self.socket.recv(copy=False) if self.socket.poll(int(seconds * 1000)) else None

    def lost(self) -> bool:
        """Whether the server left since the last call."""
        left = False
        while self._events.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # type: ignore[operator, arg-type]
            self.connected = _event(self._events.recv_multipart()) == zmq.EVENT_HANDSHAKE_SUCCEEDED
            left = left or not self.connected
        return left


class Connection:
    """Requests to one server, one at a time; safe to use from several threads."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.holdings = Holdings()
        """the symbols that Python objects stand for"""
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._main = Line(self._context, peer.endpoint)
        self._side: Line | None = None
        self._lock = threading.RLock()
        self._prefix = f"{id(self):x}-{time.time_ns():x}"
        self._numbers = itertools.count(1)
        self.closed = False

    # --- requests ----------------------------------------------------------------------------------------------------

    def text(self, command: str, parameters: Mapping[str, Any], payload: Any = None) -> str:
        """The text that answers a request.

        Raises
        ------
        ServerError
            With the server's text.
        ConnectionLostError, SessionClosedError
        """
        reply = wire.decode_reply(self._request(command, parameters, payload).buffer, command)
        if reply.msgType == wire.WARNING:
            warnings.warn(reply.msg, stacklevel=3)
        return reply.msg

    def data(self, command: str, parameters: Mapping[str, Any], expected: int) -> memoryview:
        """The `expected` bytes that answer a request, not copied."""
        buffer = self._request(command, parameters).buffer
        wire.check_bytes(buffer, expected, command)
        return buffer

    def _request(self, command: str, parameters: Mapping[str, Any], payload: Any = None) -> zmq.Frame:
        with self._lock:
            if self.closed:
                raise SessionClosedError(f"the session with {self.peer.endpoint} is closed; connect again")
            number = f"{self._prefix}-{next(self._numbers)}"
            frames = [self._encode(command, parameters, number, binary=payload is not None)]
            if payload is not None:
                frames.append(payload)
            with self._reopened_on_failure():
                self._main.send(frames)
                return self._answer(command, number)

    def _encode(self, command: str, parameters: Mapping[str, Any], number: str = "", *, binary: bool = False) -> Any:
        peer = self.peer
        free = self.holdings.take_all() if command == FAREWELL else self.holdings.take()
        return wire.encode_request(
            command, parameters, user=peer.user, token=peer.token, number=number, free=free, binary=binary
        )

    @contextmanager
    def _reopened_on_failure(self) -> Iterator[None]:
        try:
            yield
        except BaseException:
            self._main.reopen()
            raise

    # --- waiting -----------------------------------------------------------------------------------------------------

    def _answer(self, command: str, number: str) -> zmq.Frame:
        shown = progress.display()
        try:
            return self._reply(command, number, shown)
        except KeyboardInterrupt:
            frame = self._after_cancel(command, number, shown)
        self._release_created(frame)
        raise KeyboardInterrupt(f"{command} was interrupted")

    def _reply(self, command: str, number: str, shown: progress.Display) -> zmq.Frame:
        frame = self._main.receive(QUIET_SECONDS)
        return self._watch(command, number, shown) if frame is None else frame

    def _watch(self, command: str, number: str, shown: progress.Display) -> zmq.Frame:
        """Wait on for a reply that is late; show how far the command is, see that the server is alive."""
        begun = alive = time.monotonic()
        try:
            while (frame := self._main.receive(WATCH_SECONDS)) is None:
                self._check_lost(command)
                status = self._ask_aside("status", {})
                if status is not None:
                    alive = time.monotonic()
                    self._show(shown, status, number)
                elif time.monotonic() - alive > self.peer.timeout:
                    raise self._silence(command)
            return frame
        finally:
            shown.end(_short(command), QUIET_SECONDS + time.monotonic() - begun)

    def _check_lost(self, command: str) -> None:
        # A reply that came before the end is taken first.
        if self._main.lost() and not self._main.socket.poll(0):
            raise ConnectionLostError(f"the server at {self.peer.endpoint} went away while it ran {command}")

    def _silence(self, command: str) -> ClientError:
        where, seconds = self.peer.endpoint, self.peer.timeout
        if self._main.connected:
            text = f"the server at {where} gave no sign of life for {seconds:g} s while it ran {command}"
            return ConnectionLostError(text)
        return ServerUnreachableError(
            f"no server answers at {where} within {seconds:g} s; `arkserver status` on its machine says if it runs"
        )

    @staticmethod
    def _show(shown: progress.Display, status: str, number: str) -> None:
        for item in _running(status):
            if item.get("id") == number:
                look = item["seconds"], item.get("step", 0), item["fraction"]
                shown.show(progress.Look(_short(item["command"]), *look))

    def _ask_aside(self, command: str, parameters: Mapping[str, Any]) -> str | None:
        """Ask over a second line while the first waits; None when no answer comes for a while."""
        if self._side is None:
            self._side = Line(self._context, self.peer.endpoint)
        frame = None
        try:
            self._side.send([self._encode(command, parameters)])
            frame = self._side.receive(max(WATCH_SECONDS, self.peer.timeout / 4))
        finally:
            if frame is None:  # late, or Ctrl-C came while we waited
                self._side.reopen()
        if frame is None:
            return None
        return wire.decode_reply(frame.buffer, command).msg

    # --- Ctrl-C ------------------------------------------------------------------------------------------------------

    def _after_cancel(self, command: str, number: str, shown: progress.Display) -> zmq.Frame:
        """The reply to a command that the user does not want any more. A second Ctrl-C gives it up."""
        shown.say(f"cancelling {_short(command)}; interrupt again to leave without an answer")
        self._cancel(number)
        return self._reply(command, number, shown)

    def _cancel(self, number: str) -> None:
        for item in _running(self._ask_aside("status", {}) or ""):
            if item.get("id") == number:
                try:
                    self._ask_aside("cancel", {"number": item["number"]})
                except ClientError:
                    return  # it has ended in between

    def _release_created(self, frame: zmq.Frame) -> None:
        """Let the server forget what a command made that was not cancelled in time."""
        text = bytes(frame.buffer[:4096]).decode("utf-8", "replace")
        for name in re.findall(r"created (id_\w+)", text):
            self.holdings.hold(name)
            self.holdings.end(name)

    def reopen(self) -> None:
        """Give up what is under way and open a new line."""
        self._main.reopen()

    # --- the end -----------------------------------------------------------------------------------------------------

    def close(self, *, farewell: bool = True) -> None:
        """Say goodbye, with the names of all symbols, and close; nothing is sent afterwards."""
        with self._lock:
            if self.closed:
                return
            self.closed = True
            if farewell:
                self._main.send([self._encode(FAREWELL, {})])
                self._main.receive(min(QUIET_SECONDS, self.peer.timeout))
            self._main.close()
            if self._side is not None:
                self._side.close()
            self._context.term()


def _event(message: list[bytes]) -> int:
    """The event that a monitor tells of: the first two bytes of the first of its frames."""
    return int.from_bytes(message[0][:2], sys.byteorder)


def _short(command: str) -> str:
    return command.partition("<")[0]


def _running(status: str) -> list[dict[str, Any]]:
    found: dict[str, Any] = msgspec.json.decode(status) if status else {}
    running: list[dict[str, Any]] = found.get("running", [])
    return running
