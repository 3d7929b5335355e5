"""The life of the server process: open the doors, serve, drain, leave."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from arkserver_kernels import warmup
from tornado.httpserver import HTTPServer

import arkserver
from arkserver.commands.context import Context, ServerInfo
from arkserver.daemons import http, side
from arkserver.daemons.checkpoints import Checkpoints
from arkserver.daemons.frontend import Frontend
from arkserver.daemons.integration import Integration
from arkserver.daemons.metrics import Metrics
from arkserver.daemons.running import RunningCommands
from arkserver.daemons.scheduling import Scheduling
from arkserver.daemons.sockets import opening
from arkserver.engine import threads
from arkserver.engine.local import LocalExecutor
from arkserver.engine.memory import MemoryAccounts
from arkserver.engine.state import Engine
from arkserver.engine.storage import paths
from arkserver.engine.transfer.links import Rules
from arkserver.integration import settings as integration_settings
from arkserver.integration.settings import IntegrationSettings
from arkserver.settings import LogLevel, ServerSettings
from arkserver.wire import auth

log = structlog.get_logger("server")

# The interpreter hands its lock over after this long; the default of 5 ms would be seen in every small command that
# comes while a large one runs Python code.
SWITCH_SECONDS = 0.0005
# New objects from which the collector looks for circles among them; a command has about a hundred for each worker.
COLLECTED_FROM = 10_000

CHECKPOINT_SIGNAL = signal.SIGUSR1
"""writes a checkpoint and goes on; Slurm's ``--signal`` can send it ahead of a job's time limit"""

TOKEN_FOLDER = Path(".arkouda")


class Server:
    """One server: everything that runs in its process.

    Parameters
    ----------
    settings : ServerSettings
    integration : IntegrationSettings, optional
        Where the server announces itself; nowhere if not given.
    """

    def __init__(self, settings: ServerSettings, integration: IntegrationSettings | None = None) -> None:
        self.settings = settings
        self.info = ServerInfo(
            version=settings.arkouda_version or arkserver.__version__,
            log_level=settings.log_level.value,
            authenticate=settings.authenticate,
            auto_shutdown=settings.auto_shutdown,
            allow_apply=settings.allow_apply,
            extra=self._facts,
        )
        self._integration = Integration(integration or integration_settings.load({}))
        engine = Engine(LocalExecutor(settings.blocks), MemoryAccounts(settings.memory_limit))
        self.context = Context(engine, self.info)
        self.checkpoints = Checkpoints(settings, engine, self._idle_seconds, self._locales)
        self.metrics = Metrics(
            self.context,
            {
                "arkserver_ready": ("1 while requests are taken.", lambda: self._ready),
                "arkserver_workers": ("Workers that have joined.", self._workers),
                **self._integration.gauges(),
                **self.checkpoints.gauges(),
            },
            {
                "arkserver_workers_lost": ("Workers that left without being told to.", self._workers_lost),
                **self.checkpoints.counters(),
            },
        )
        self.metrics_url = ""
        self._ready = False
        self._signals = 0
        self._stopping: asyncio.Event
        self._http: HTTPServer | None = None
        self._side: list[side.SideSocket] = []
        self._scheduling: Scheduling | None = None
        self._running: RunningCommands | None = None
        self._writing: set[asyncio.Task[bool]] = set()
        self._warmup: subprocess.Popen[bytes] | None = None

    async def run(self) -> int:
        """Serve until somebody asks for the end.

        Returns
        -------
        int
            0 after an orderly end, 1 when running commands had to be cancelled or the last checkpoint failed.

        Raises
        ------
        ConfigurationError
            If a port is taken or an address is not this machine's.
        """
        sys.setswitchinterval(SWITCH_SECONDS)
        threads.configure(self.settings.threads)
        self._stopping = asyncio.Event()
        with self._signal_handlers():
            frontend = self._frontend()
            try:
                await self._open(frontend)
                await self._stopping.wait()
                if self._scheduling is not None and self._scheduling.error is not None:
                    raise self._scheduling.error
                return await self._drain(frontend)
            finally:
                await self._close(frontend)

    async def _drain(self, frontend: Frontend) -> int:
        """Let commands end and keep what they made; the exit status."""
        log.info("draining", running=len(frontend.running))
        self._ready = False
        withdrawal = asyncio.create_task(self._integration.stop())  # at once, so that nobody new is sent here
        try:
            ended = await frontend.drain(self.settings.drain_seconds)
            saved = await self.checkpoints.close()
        finally:
            await withdrawal
        return 0 if ended and saved else 1

    def stop(self) -> None:
        """Ask for the end: first drain; asked again, leave at once."""
        self._stopping.set()

    # --- opening -----------------------------------------------------------------------------------------------------

    def _frontend(self) -> Frontend:
        settings = self.settings
        log_commands = settings.log_commands and settings.log_level in (LogLevel.DEBUG, LogLevel.INFO)
        authenticator = _authenticator(settings)
        self.info.transfer = _transfer_rules(settings, authenticator.shared)
        frontend = Frontend(self.context, authenticator, self.metrics, log_commands=log_commands)
        self.info.stop = self.stop
        self.info.requests = lambda: frontend.sent
        self.info.running = frontend.running.describe
        self.info.cancel = frontend.running.cancel
        self.info.settle = self.checkpoints.settle
        if self.checkpoints.wanted:
            self.info.checkpoint = self.checkpoints.save
        self._running = frontend.running
        return frontend

    async def _open(self, frontend: Frontend) -> None:
        settings = self.settings
        with opening("--port", settings.port):
            self.info.port = frontend.bind(settings.host, settings.port)
        self.info.host = _own_name(settings.host)
        self.info.url = self._url(frontend.authenticator)
        with opening("--metrics-port", settings.metrics_port):
            self._http, port = http.serve(settings.host, settings.metrics_port, self.metrics, self._readiness)
        self.metrics_url = f"http://{self.info.host}:{port}/metrics"
        self._open_side_sockets()
        await asyncio.to_thread(warmup.prepare)  # at the first kernel a client would wait for it
        if settings.scheduler:
            await self._open_scheduler(frontend)
        await self.checkpoints.open(settings.join_seconds)
        frontend.serve()
        self._ready = True
        self.checkpoints.start()
        await self._integration.start(settings.host, self.info.port, port)
        self._announce()
        spare_the_collector()
        if settings.warmup:
            self._warmup = warmup.start()

    async def _open_scheduler(self, frontend: Frontend) -> None:
        """Start the scheduler: now, when the server needs workers to be complete, otherwise behind its back."""
        self._scheduling = Scheduling(self.settings, self.context, frontend)
        if self.settings.workers or self.settings.restore:
            await self._scheduling.start()
        else:
            self._scheduling.start_behind(self._scheduler_started)

    def _scheduler_started(self) -> None:
        if self._scheduling is None or self._scheduling.error is not None:
            self.stop()
        else:
            self._say(self._scheduling.addresses())
            spare_the_collector()
            log.info("scheduling", **self._scheduling.addresses())

    def _open_side_sockets(self) -> None:
        settings = self.settings
        for flag, port, make in (
            (
                "--arkouda-metrics-port",
                settings.arkouda_metrics_port,
                partial(side.metrics_socket, metrics=self.metrics),
            ),
            ("--arkouda-status-port", settings.arkouda_status_port, side.status_socket),
        ):
            if port is None:
                continue
            door = make(self.context)
            self._side.append(door)
            with opening(flag, port):
                door.serve(settings.host, port)

    def _url(self, authenticator: auth.Authenticator) -> str:
        token = f"?token={authenticator.shared}" if authenticator.shared else ""
        return f"tcp://{self.info.host}:{self.info.port}{token}"

    def _announce(self) -> None:
        """Say where the server is, for people and, in the connection file, for launchers."""
        where, _, token = self.info.url.partition("?token=")
        given = self.settings.token is not None and self.settings.token.get_secret_value() == token
        # Who gave the token knows it, and others may read the output.
        print(f"server listening on {where if given else self.info.url}")  # noqa: T201 - what the operator waits for
        self._say(self._addresses())
        log.info("serving", version=arkserver.__version__, port=self.info.port, **self._addresses())
        if (path := self.settings.connection_file) is not None:
            with paths.replacing(path) as scratch:
                scratch.write_text(f"{self.info.host} {self.info.port} {self.info.url}\n")

    def _say(self, addresses: Mapping[str, str]) -> None:
        for what, where in addresses.items():
            print(f"{what}: {where}")  # noqa: T201
        sys.stdout.flush()

    def _addresses(self) -> Mapping[str, str]:
        found = {"metrics": self.metrics_url}
        found |= {s.name: f"tcp://{self.info.host}:{s.port}" for s in self._side}
        if self._scheduling is not None:
            found |= self._scheduling.addresses()
        return found

    def _facts(self) -> Mapping[str, Any]:
        return {**self._addresses(), **self._integration.facts(), **self.checkpoints.facts()}

    def _readiness(self) -> tuple[bool, Mapping[str, Any]]:
        return self._ready, {"workers": self._workers(), **self._integration.facts()}

    def _workers(self) -> int:
        return self._scheduling.workers if self._scheduling else 0

    def _locales(self) -> int:
        return max(1, self._workers())

    def _idle_seconds(self) -> float:
        return self._running.idle_seconds() if self._running is not None else 0.0

    def _workers_lost(self) -> int:
        return self._scheduling.lost if self._scheduling else 0

    # --- closing -----------------------------------------------------------------------------------------------------

    async def _close(self, frontend: Frontend) -> None:
        if (path := self.settings.connection_file) is not None and self.info.port:
            path.unlink(missing_ok=True)
        await self._integration.stop()  # again, after a failed start; harmless
        if self._warmup is not None:
            self._warmup.terminate()
            self._warmup.wait()
        frontend.close()
        for door in self._side:
            door.close()
        if self._http is not None:
            self._http.stop()
        if self._scheduling is not None:
            await self._scheduling.close()
        log.info("ended", requests=frontend.sent)

    @contextlib.contextmanager
    def _signal_handlers(self) -> Iterator[None]:
        loop = asyncio.get_running_loop()
        numbers = (signal.SIGTERM, signal.SIGINT)
        for number in numbers:
            loop.add_signal_handler(number, self._on_signal, number)
        loop.add_signal_handler(CHECKPOINT_SIGNAL, self._on_checkpoint_signal)
        try:
            yield
        finally:
            for number in (*numbers, CHECKPOINT_SIGNAL):
                loop.remove_signal_handler(number)

    def _on_checkpoint_signal(self) -> None:
        if not (self._ready and self.checkpoints.wanted):
            log.warning("signal for a checkpoint; none is written", ready=self._ready, folder=self.checkpoints.wanted)
            return
        self._writing.add(task := asyncio.create_task(self.checkpoints.attempt("signal")))
        task.add_done_callback(self._writing.discard)

    def _on_signal(self, number: int) -> None:
        self._signals += 1
        log.info("signal", number=number, count=self._signals)
        if self._signals > 1:
            if (path := self.settings.connection_file) is not None:
                path.unlink(missing_ok=True)
            os._exit(128 + number)  # running kernels cannot be waited for
        self.stop()


def _authenticator(settings: ServerSettings) -> auth.Authenticator:
    if not settings.authenticate:
        return auth.Authenticator(None)
    given = settings.token.get_secret_value() if settings.token else None
    personal = auth.read_personal_tokens(settings.user_tokens) if settings.user_tokens else {}
    return auth.Authenticator(auth.shared_token(TOKEN_FOLDER, given), personal)


def _transfer_rules(settings: ServerSettings, token: str | None) -> Rules | None:
    if settings.transfer_ports is None:
        return None
    return Rules(settings.host, settings.transfer_ports, settings.transfer_seconds, token)


def spare_the_collector() -> None:
    """Leave what start-up has made, which stays, out of the collector's rounds: these stop all requests meanwhile.

    And have fewer rounds: all tasks of a command live at the same time, so that each round would look at them in vain.
    """
    gc.freeze()
    gc.set_threshold(COLLECTED_FROM, *gc.get_threshold()[1:])


def _own_name(host: str) -> str:
    """What clients can reach this server by."""
    return socket.gethostname() if host in ("0.0.0.0", "::", "*") else host  # noqa: S104 - a comparison


async def serve(settings: ServerSettings, integration: IntegrationSettings | None = None) -> int:
    """Run one server in this event loop; see `Server.run`."""
    return await Server(settings, integration).run()
