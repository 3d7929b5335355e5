"""Arkouda's metrics and status sockets: ZeroMQ doors beside the clients' one, with the same envelope (chapter 12)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

import psutil
import structlog
import zmq

from arkserver.commands import core
from arkserver.commands.context import Context
from arkserver.daemons.metrics import Metrics
from arkserver.daemons.sockets import bind, unwatch, watch
from arkserver.errors import ArgumentError, ArkserverError
from arkserver.wire.envelope import (
    ERROR,
    NORMAL,
    Parameters,
    Request,
    decode_parameters,
    decode_request,
    encode_reply,
    json_text,
)

log = structlog.get_logger("side")

Handler = Callable[[Parameters], str]


class SideSocket:
    """A REP socket on the event loop that answers a few cheap commands.

    Parameters
    ----------
    name : str
        ``metrics`` or ``status``, for the greeting.
    handlers : mapping of str to callable
        What is answered beside ``connect`` and ``getconfig``; any other command gets an empty reply.
    """

    def __init__(self, name: str, context: Context, handlers: Mapping[str, Handler]) -> None:
        self.name = f"arkouda_{name}"
        self._zmq: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._zmq.socket(zmq.REP)
        self.port = 0
        self._handlers = {
            "connect": lambda _: f"connected to arkouda {name} server tcp://*:{self.port}",
            "getconfig": lambda _: json_text(core.getconfig(context).value),
            **handlers,
        }

    def serve(self, host: str, port: int) -> int:
        """Listen and begin to answer; returns the port.

        Raises
        ------
        OSError
            If the port is taken.
        """
        self.port = bind(self._socket, host, port)
        watch(asyncio.get_running_loop(), self._socket, self._take)
        return self.port

    def close(self) -> None:
        """Leave."""
        unwatch(asyncio.get_running_loop(), self._socket)
        self._socket.close(linger=0)
        self._zmq.term()

    def _take(self) -> None:
        while self._socket.poll(0, zmq.POLLIN):
            self._socket.send(self._reply(self._socket.recv_multipart()))

    def _reply(self, frames: list[bytes]) -> bytes:
        request = Request("")
        try:
            request = decode_request(frames[0])
            handler = self._handlers.get(request.cmd)
            text = handler(decode_parameters(request.args)) if handler else ""
            return encode_reply(text, NORMAL, request.user)
        except ArkserverError as e:
            return encode_reply(str(e), ERROR, request.user)


def status_socket(context: Context) -> SideSocket:
    """Arkouda's status socket."""
    handlers: dict[str, Handler] = {
        "ruok": lambda _: core.ruok(),
        "getmemstatus": lambda _: json_text(core.memory_status(context).value),
    }
    return SideSocket("status", context, handlers)


def metrics_socket(context: Context, metrics: Metrics) -> SideSocket:
    """Arkouda's metrics socket."""
    report = MetricsReport(context, metrics)
    return SideSocket("metrics", context, {"metrics": lambda p: json_text(report.of(p["category"].val))})


class MetricsReport:
    """The server's figures in the form of Arkouda's metrics socket."""

    def __init__(self, context: Context, metrics: Metrics) -> None:
        self._context = context
        self._metrics = metrics
        self._categories: dict[str, Callable[[], list[dict[str, Any]]]] = {
            "NUM_REQUESTS": self._requests,
            "AVG_RESPONSE_TIME": self._mean_seconds,
            "TOTAL_RESPONSE_TIME": self._total_seconds,
            "RESPONSE_TIME": self._mean_seconds,
            "TOTAL_MEMORY_USED": self._memory_used,
            "SYSTEM": self._system,
            "SERVER": list,
            "NUM_ERRORS": self._errors,
        }

    def of(self, category: str) -> Any:
        """The figures of a category.

        Raises
        ------
        ArgumentError
            For a category that there is not.
        """
        if category == "SERVER_INFO":
            return self._server_info()
        if category == "ALL":
            return [
                m for name, get in self._categories.items() if name != "RESPONSE_TIME" for m in get()
            ] + self._users()
        if category not in self._categories:
            raise ArgumentError(
                f"Invalid MetricType {category}; known are ALL, SERVER_INFO, {', '.join(self._categories)}"
            )
        return self._categories[category]()

    def _requests(self) -> list[dict[str, Any]]:
        counts = self._metrics.by_command
        figures = [*counts.items(), ("total", counts.total())]
        return [_metric(name, "NUM_REQUESTS", "REQUEST", n) for name, n in figures]

    def _mean_seconds(self) -> list[dict[str, Any]]:
        counts = self._metrics.by_command
        return _by_command("AVG_RESPONSE_TIME", ((c, s / counts[c]) for c, s in self._seconds()))

    def _total_seconds(self) -> list[dict[str, Any]]:
        return _by_command("TOTAL_RESPONSE_TIME", self._seconds())

    def _seconds(self) -> list[tuple[str, float]]:
        return list(self._metrics.seconds_by_command.items())

    def _memory_used(self) -> list[dict[str, Any]]:
        live = self._context.engine.accounts.live
        return [_metric("total", "TOTAL_MEMORY_USED", "GLOBAL", live / 1e9)]

    def _system(self) -> list[dict[str, Any]]:
        accounts = self._context.engine.accounts
        figures = {
            "arkouda_memory_used_per_locale": accounts.live,
            "arkouda_percent_memory_used_per_locale": 100 * accounts.live / max(1, accounts.limit),
        }
        host = core.getconfig(self._context).value["serverHostname"]
        locale = {"locale_num": 0, "locale_name": host, "locale_hostname": host}
        return [_metric(name, "SYSTEM", "LOCALE", value) | locale for name, value in figures.items()]

    def _errors(self) -> list[dict[str, Any]]:
        return [_metric("total", "NUM_ERRORS", "GLOBAL", self._metrics.errors)]

    def _users(self) -> list[dict[str, Any]]:
        counts = self._metrics.by_user.items()
        return [_metric("total", "NUM_REQUESTS", "USER", n) | {"user": user} for user, n in counts]

    def _server_info(self) -> dict[str, Any]:
        config = core.getconfig(self._context).value
        locales = [
            {
                "name": locale["name"],
                "id": str(locale["id"]),
                "hostname": locale["name"],
                "number_of_processing_units": locale["numPUs"],
                "physical_memory": psutil.virtual_memory().total,
                "max_number_of_tasks": locale["maxTaskPar"],
            }
            for locale in config["LocaleConfigs"]
        ]
        return {
            "hostname": config["serverHostname"],
            "version": config["arkoudaVersion"],
            "server_port": config["ServerPort"],
            "locales": locales,
            "number_of_locales": len(locales),
        }


def _by_command(category: str, figures: Iterable[tuple[str, float]]) -> list[dict[str, Any]]:
    return [_metric(command, category, "REQUEST", value) for command, value in figures]


def _metric(name: str, category: str, scope: str, value: float) -> dict[str, Any]:
    stamp = datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
    return {"name": name, "category": category, "scope": scope, "timestamp": stamp, "value": float(value)}
