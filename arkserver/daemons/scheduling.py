"""The Dask scheduler that a server hosts, its workers, and the pages of its web server.

Without workers the server can do all it does before the scheduler is there, so that this starts behind its back: Dask
and the dashboard take about as long to import as everything else together.
"""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import structlog

from arkserver.commands.context import Context, Locale
from arkserver.daemons import page
from arkserver.daemons.facts import Facts
from arkserver.daemons.frontend import Frontend
from arkserver.daemons.sockets import check_free, opening
from arkserver.errors import ConfigurationError
from arkserver.settings import ServerSettings

if TYPE_CHECKING:  # Dask is imported when it is used
    from arkserver.cluster.hosting import Workers
    from arkserver.cluster.scheduler import HostedScheduler

log = structlog.get_logger("scheduling")


class Scheduling:
    """Starts the scheduler and what belongs to it, and ends it.

    Parameters
    ----------
    settings : ServerSettings
    context : Context
        Its engine gets the workers, its server the commands that are about them.
    frontend : Frontend
        What the page shows and cancels.
    """

    def __init__(self, settings: ServerSettings, context: Context, frontend: Frontend) -> None:
        self._settings = settings
        self._context = context
        self._frontend = frontend
        self._hosted: HostedScheduler | None = None
        self._workers: Workers | None = None
        self._starting: asyncio.Task[None] | None = None
        self.error: Exception | None = None
        """why it did not start"""

    @property
    def workers(self) -> int:
        """Workers that have joined."""
        return self._hosted.workers if self._hosted else 0

    @property
    def lost(self) -> int:
        """Workers that left without being told to."""
        return self._hosted.cluster.lost if self._hosted else 0

    def addresses(self) -> Mapping[str, str]:
        """Where the scheduler and its pages are, once they are."""
        hosted = self._hosted
        if hosted is None:
            return {}
        return {"scheduler": hosted.address, "dashboard": hosted.dashboard, "page": hosted.page(page.LINK)}

    async def start(self) -> None:
        """Start the scheduler and the workers that were asked for; return when they are there.

        Raises
        ------
        ConfigurationError
            If a port is taken.
        WorkerLostError
            When the workers do not join in time.
        """
        settings, context = self._settings, self._context
        await asyncio.to_thread(importlib.import_module, "arkserver.cluster.facts")  # what takes long, off the loop
        from arkserver.cluster.facts import add_pages
        from arkserver.cluster.hosting import Workers
        from arkserver.cluster.scheduler import start_scheduler

        with opening("--scheduler-port", settings.scheduler_port):
            hosted = await start_scheduler(
                settings.host,
                settings.scheduler_port,
                settings.dashboard_port,
                settings.tls_folder,
                settings.advertise,
                settings.keep_folder,
            )
        self._hosted = hosted
        if settings.dashboard_port and hosted.dashboard_port != settings.dashboard_port:
            # Dask takes another port than the one that it was told when that is taken.
            raise ConfigurationError(f"--dashboard-port: port {settings.dashboard_port} is taken; choose another")
        facts = Facts(context, hosted, self._frontend.errors)
        pages = page.application(facts, self._frontend.running.cancel, self._frontend.authenticator)
        add_pages(hosted.scheduler, pages, page.LINK)
        self._workers = Workers(hosted, settings, context.engine)
        context.server.workers = lambda: [Locale(*w) for w in hosted.cluster.shapes()]
        context.server.scale = self._workers.scale
        await self._workers.start()

    def start_behind(self, done: Callable[[], None]) -> None:
        """Start while the server serves; `done` is called at the end, be it well (`error` is None) or not.

        Raises
        ------
        ConfigurationError
            If a port is taken now.
        """
        for flag in ("scheduler_port", "dashboard_port"):
            port: int = getattr(self._settings, flag)
            with opening("--" + flag.replace("_", "-"), port):
                check_free(self._settings.host, port)
        loop = asyncio.get_running_loop()
        started = loop.create_future()
        self._context.server.scale = lambda count: self._scale_later(loop, started, count)
        self._starting = loop.create_task(self._start_behind(started, done))

    async def _start_behind(self, started: asyncio.Future[None], done: Callable[[], None]) -> None:
        try:
            await self.start()
        except Exception as e:  # noqa: BLE001 - whatever it is ends the server
            log.error("the scheduler did not start", reason=str(e))  # noqa: TRY400 - the server's end says where
            self.error = e
        started.set_result(None)
        done()

    def _scale_later(self, loop: asyncio.AbstractEventLoop, started: asyncio.Future[None], count: int) -> None:
        """Runs on a command's thread that came before the scheduler was there."""

        async def wait() -> None:
            await started

        asyncio.run_coroutine_threadsafe(wait(), loop).result()
        if self._workers is not None:
            self._workers.scale(count)

    async def close(self) -> None:
        """End the workers and the scheduler."""
        if self._starting is not None:
            await self._starting
        if self._workers is not None:
            await self._workers.close()
        if self._hosted is not None:
            await self._hosted.close()
