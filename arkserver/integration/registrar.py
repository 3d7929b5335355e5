"""The life of a registration: announce, renew, withdraw."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import structlog
from arkserver_channels import ChannelError
from arkserver_channels.backoff import delays

from arkserver.errors import IntegrationError
from arkserver.integration.endpoints import Endpoint
from arkserver.integration.settings import IntegrationSettings
from arkserver.integration.system import System
from arkserver.integration.systems import make_systems

log = structlog.get_logger("integration")

FIRST_RETRY_S = 0.5


class RegistrationState(StrEnum):
    """Where in its life a registration is."""

    OFF = "OFF"
    """Nothing is to be registered, or not yet."""
    ANNOUNCING = "ANNOUNCING"
    """Under way for the first time."""
    REGISTERED = "REGISTERED"
    FAILING = "FAILING"
    """The last attempt failed; the next comes."""
    WITHDRAWN = "WITHDRAWN"
    LEFT_BEHIND = "LEFT_BEHIND"
    """The withdrawal failed; the entry expires, or ``arkserver reap`` removes it."""


@dataclass(frozen=True, slots=True)
class RegistrationStatus:
    """What is known about the registration."""

    state: RegistrationState = RegistrationState.OFF
    last_success: datetime | None = None
    """When the far side last held what it should, in UTC."""
    last_error: str | None = None
    """Why the last attempt failed; None if it did not."""
    next_try: datetime | None = None
    """When the next attempt or renewal is due, in UTC."""


class Registrar:
    """Keeps a server registered from `start` to `stop`, in the background of the running event loop.

    Parameters
    ----------
    settings : IntegrationSettings
        Says which system, and how to reach it.
    endpoints : sequence of Endpoint
        The doors to announce. They must be open: whoever reads the registration may come at once.
    """

    def __init__(self, settings: IntegrationSettings, endpoints: Sequence[Endpoint]) -> None:
        self._settings = settings
        self._systems: Sequence[System] = make_systems(settings, endpoints)
        self._status = RegistrationStatus()
        self._task: asyncio.Task[None] | None = None
        self._touched = False

    def status(self) -> RegistrationStatus:
        """Return the state of the registration; cheap, and safe to call from any thread."""
        return self._status

    async def start(self) -> None:
        """Begin to announce. Never raises because the far side is away or refuses: that is retried and said."""
        if self._systems and self._task is None:
            self._status = replace(self._status, state=RegistrationState.ANNOUNCING)
            self._task = asyncio.create_task(self._keep_registered(), name="registrar")

    async def stop(self) -> None:
        """Withdraw within the time limit of the settings; harmless twice."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        try:
            if self._touched:
                await self._withdraw()
        finally:
            await self._let_go()

    async def _let_go(self) -> None:
        for system in self._systems:
            await system.close()

    async def _keep_registered(self) -> None:
        waits = delays(FIRST_RETRY_S, self._settings.renew_s)
        while True:
            if await self._announce():
                waits = delays(FIRST_RETRY_S, self._settings.renew_s)
                wait = self._settings.renew_s
            else:
                wait = next(waits)
            self._status = replace(self._status, next_try=datetime.now(UTC) + timedelta(seconds=wait))
            await asyncio.sleep(wait)

    async def _announce(self) -> bool:
        self._touched = True
        errors = [text for system in self._systems if (text := await _attempt(system.announce()))]
        if errors:
            self._failed("; ".join(errors))
            return False
        if self._status.state is not RegistrationState.REGISTERED:
            log.info("registered", system=self._settings.system_type, channel=self._settings.channel)
        self._status = RegistrationStatus(RegistrationState.REGISTERED, datetime.now(UTC))
        return True

    def _failed(self, text: str) -> None:
        # Said once, not at each retry.
        if text != self._status.last_error:
            log.warning("not registered; will try again", system=self._settings.system_type, error=text)
        self._status = replace(self._status, state=RegistrationState.FAILING, last_error=text)

    async def _withdraw(self) -> None:
        limit = self._settings.withdraw_s
        try:
            async with asyncio.timeout(limit):
                # A kept connection may be dead (the address changed), and there is no time to find that out.
                await self._let_go()
                while error := await self._withdraw_once():
                    self._status = replace(self._status, last_error=error)
                    await asyncio.sleep(FIRST_RETRY_S)
        except TimeoutError:
            error = self._status.last_error or "no answer"
            log.warning("not withdrawn in time; run arkserver reap", limit_s=limit, error=error)
            self._status = replace(self._status, state=RegistrationState.LEFT_BEHIND, last_error=error, next_try=None)
        else:
            log.info("withdrawn", system=self._settings.system_type)
            self._status = RegistrationStatus(RegistrationState.WITHDRAWN, self._status.last_success)

    async def _withdraw_once(self) -> str:
        return "; ".join([text for system in self._systems if (text := await _attempt(system.withdraw()))])


async def _attempt(step: Awaitable[None]) -> str | None:
    """Return what went wrong, None if nothing did."""
    try:
        await step
    except (IntegrationError, ChannelError) as error:
        return str(error)
    except Exception as error:
        log.exception("fault in the registration")
        return f"{type(error).__name__}: {error}"
    return None
