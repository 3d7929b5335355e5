"""The door for clients: a ROUTER socket on the event loop, one reply for every request.

Requests of different clients run side by side on a pool of threads; commands that take microseconds are answered on
the loop, so that they answer while everything else is busy.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import structlog
import zmq

from arkserver.commands import dispatch, registry, results
from arkserver.commands.context import Context
from arkserver.commands.dispatch import Call, Outcome
from arkserver.commands.registry import Command
from arkserver.commands.results import Reply
from arkserver.daemons import logs
from arkserver.daemons.facts import RecentErrors
from arkserver.daemons.metrics import UNKNOWN_COMMAND, Metrics
from arkserver.daemons.running import Running, RunningCommands
from arkserver.daemons.sockets import bind, unwatch, watch
from arkserver.engine import threads
from arkserver.engine.progress import Progress
from arkserver.errors import ArkserverError, RequestError
from arkserver.wire.auth import Authenticator
from arkserver.wire.envelope import Request, decode_request

log = structlog.get_logger("frontend")

# Clients have one request under way each; further clients than this wait their turn for a thread.
COMMAND_THREADS = 64
# Messages that are taken before the loop may do something else.
BATCH = 32
# After the end, this long for the last replies to leave.
LINGER_MS = 2_000


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as it came off the socket."""

    route: Sequence[bytes]
    """frames that lead back to the client"""
    received: int
    """bytes"""
    started: float
    """of ``time.perf_counter``"""


class Frontend:
    """Takes requests from the socket and sends replies; all its methods run on the event loop."""

    def __init__(self, context: Context, authenticator: Authenticator, metrics: Metrics, *, log_commands: bool) -> None:
        self.context = context
        self.authenticator = authenticator
        self.metrics = metrics
        self.running = RunningCommands()
        self.errors = RecentErrors()
        self.sent = 0
        self._log_commands = log_commands
        self._draining = False
        self._idle = asyncio.Event()
        self._zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._zmq.socket(zmq.ROUTER)
        self._pool = ThreadPoolExecutor(COMMAND_THREADS, thread_name_prefix="command", initializer=threads.be_nice)
        self._loop = asyncio.get_running_loop()

    def bind(self, host: str, port: int) -> int:
        """Listen; returns the port.

        Raises
        ------
        OSError
            If the port is taken or the address is not this machine's.
        """
        self._socket.setsockopt(zmq.SNDHWM, 0)  # a reply is never dropped or waited for
        return bind(self._socket, host, port)

    def serve(self) -> None:
        """Begin to answer."""
        watch(self._loop, self._socket, self._take)

    async def drain(self, seconds: float) -> bool:
        """Take no more commands, let the running ones end, cancel those that take longer.

        Returns
        -------
        bool
            Whether all ended by themselves within `seconds`.
        """
        self._draining = True
        if await self._wait_idle(seconds):
            return True
        log.warning("cancelling commands that are still running", commands=self.running.describe())
        self.running.cancel_all()
        await self._wait_idle(min(seconds, 5.0))
        return False

    def close(self) -> None:
        """Leave, once the last replies are gone (at most `LINGER_MS`)."""
        unwatch(self._loop, self._socket)
        self._socket.close(linger=LINGER_MS)
        self._zmq.term()
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _wait_idle(self, seconds: float) -> bool:
        self._idle.clear()
        if not self.running:
            return True
        try:
            await asyncio.wait_for(self._idle.wait(), seconds)
        except TimeoutError:
            return False
        return True

    # --- a request comes ---------------------------------------------------------------------------------------------

    def _take(self) -> None:
        """Take what is there. The socket tells only once of new messages, so this goes on until there are none."""
        for _ in range(BATCH):
            try:
                frames = self._socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                return
            self._handle(frames)
        self._loop.call_soon(self._take)

    def _handle(self, frames: Sequence[zmq.Frame]) -> None:
        body = 2 if len(frames) > 1 and not len(frames[1]) else 1
        route = [f.bytes for f in frames[:body]]
        incoming = Incoming(route, sum(len(f) for f in frames[body:]), time.perf_counter())
        request = Request("")
        command: Command | None = None
        try:
            request, payload = _read(frames[body:])
            self.authenticator.check(request.user, request.token)
            self.context.engine.symbols.discard(request.free)
            command, words = registry.find(request.cmd)
        except ArkserverError as e:
            outcome = Outcome(results.failure(e, command, request.cmd, request.user), e)
            self._answer(incoming, request, command, outcome)
            return
        self._start(incoming, request, Call(command, words, request.cmd, request.args, payload))

    def _start(self, incoming: Incoming, request: Request, call: Call) -> None:
        context = replace(self.context, user=request.user, token=request.token or "")
        if call.command.inline:
            outcome = dispatch.run(call, context, Progress(request.cmd))
            self._answer(incoming, request, call.command, outcome)
        elif self._draining:
            error = RequestError("the server is shutting down and takes no more commands")
            outcome = Outcome(results.failure(error, call.command, request.cmd, request.user), error)
            self._answer(incoming, request, call.command, outcome)
        else:
            item = self.running.begin(request.cmd, request.user, request.id)
            self._pool.submit(self._work, incoming, request, call, context, item)

    def _work(self, incoming: Incoming, request: Request, call: Call, context: Context, item: Running) -> None:
        """Runs on a thread of the pool."""
        outcome = dispatch.run(call, context, item.progress)
        self._loop.call_soon_threadsafe(self._finish, incoming, request, call.command, outcome, item)

    # --- a reply goes ------------------------------------------------------------------------------------------------

    def _finish(self, incoming: Incoming, request: Request, command: Command, outcome: Outcome, item: Running) -> None:
        self.running.end(item)
        self._answer(incoming, request, command, outcome)
        self._take()  # sending may have consumed the socket's notice of new messages
        if not self.running:
            self._idle.set()

    def _answer(self, incoming: Incoming, request: Request, command: Command | None, outcome: Outcome) -> None:
        self._send(incoming.route, outcome.reply)
        self.sent += 1
        seconds = time.perf_counter() - incoming.started
        name = command.name if command else UNKNOWN_COMMAND
        if outcome.error is not None:
            self.errors.add(request.user, request.cmd, outcome.error)
        self.metrics.record(name, request.user, seconds, incoming.received, len(outcome.reply), outcome.error)
        if self._log_commands:
            self._log(incoming, request, outcome, seconds)

    def _send(self, route: Sequence[bytes], reply: Reply) -> None:
        try:
            self._socket.send_multipart([*route, reply], zmq.NOBLOCK, copy=len(reply) < zmq.COPY_THRESHOLD)
        except zmq.ZMQError as e:
            log.warning("a reply could not be sent", reason=str(e))

    def _log(self, incoming: Incoming, request: Request, outcome: Outcome, seconds: float) -> None:
        line: dict[str, object] = {
            "event": "command",
            "user": request.user[:100],
            "command": request.cmd[:200],
            "seconds": round(seconds, 6),
            "received": incoming.received,
            "sent": len(outcome.reply),
        }
        if outcome.error is not None:
            line["error"] = str(outcome.error)[:1000]
        logs.write_line(line)


def _read(frames: Sequence[zmq.Frame]) -> tuple[Request, memoryview | None]:
    """The envelope and, when there is one, the payload."""
    if not 1 <= len(frames) <= 2:
        raise RequestError(f"a request has one or two frames; {len(frames)} came")
    request = decode_request(frames[0].buffer)
    return request, frames[1].buffer if len(frames) == 2 else None
