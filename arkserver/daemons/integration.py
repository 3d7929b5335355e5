"""The registration as a part of the server's process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arkserver.daemons.metrics import Figures
from arkserver.integration.endpoints import endpoints
from arkserver.integration.registrar import Registrar, RegistrationState, RegistrationStatus
from arkserver.integration.settings import IntegrationSettings


class Integration:
    """Announces the server from `start` to `stop`, if its settings ask for that."""

    def __init__(self, settings: IntegrationSettings) -> None:
        self._settings = settings
        self._registrar: Registrar | None = None

    async def start(self, host: str, client_port: int, metrics_port: int) -> None:
        """Begin to announce a server whose doors are open on the address `host`.

        Raises
        ------
        ConfigurationError
            The settings cannot work. A system that is away is no error: it is tried again.
        """
        if self._settings.wanted:
            self._registrar = Registrar(self._settings, endpoints(self._settings, client_port, metrics_port, host))
            await self._registrar.start()

    async def stop(self) -> None:
        """Withdraw; harmless twice."""
        if self._registrar is not None:
            await self._registrar.stop()

    def gauges(self) -> Figures:
        """What the metrics say about it."""
        return {
            "arkserver_registered": ("1 while the system around the server knows it.", self.registered),
            "arkserver_registration_wanted": ("1 if it is to be registered.", lambda: self._settings.wanted),
        }

    def registered(self) -> float:
        """Return 1 while the far side holds what it should, as far as is known, else 0."""
        return float(self._status().state is RegistrationState.REGISTERED)

    def facts(self) -> Mapping[str, Any]:
        """Return what the status and the readiness say about it; nothing if nothing is announced."""
        if not self._settings.wanted:
            return {}
        status = self._status()
        facts = {
            "system": self._settings.system_type.value,
            "state": status.state.value,
            "last_success": status.last_success and status.last_success.isoformat(timespec="seconds"),
            "last_error": status.last_error,
            "next_try": status.next_try and status.next_try.isoformat(timespec="seconds"),
        }
        return {"registration": {name: value for name, value in facts.items() if value is not None}}

    def _status(self) -> RegistrationStatus:
        return self._registrar.status() if self._registrar is not None else RegistrationStatus()
