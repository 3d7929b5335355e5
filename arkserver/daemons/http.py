"""The door for Prometheus, kubelet and load balancers: ``/metrics``, ``/healthz``, ``/readyz``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from prometheus_client import CONTENT_TYPE_LATEST
from tornado.httpserver import HTTPServer
from tornado.netutil import bind_sockets
from tornado.web import Application, RequestHandler

from arkserver.daemons.metrics import Metrics

Readiness = Callable[[], tuple[bool, Mapping[str, Any]]]
"""Whether the server takes requests, and details."""


class MetricsHandler(RequestHandler):
    """Figures in Prometheus' text format."""

    def initialize(self, metrics: Metrics) -> None:
        """Take what is served."""
        self.metrics = metrics

    def get(self) -> None:
        """Answer."""
        self.set_header("Content-Type", CONTENT_TYPE_LATEST)
        self.write(self.metrics.text())


class HealthHandler(RequestHandler):
    """The process lives: its event loop answers."""

    def get(self) -> None:
        """Answer."""
        self.write({"status": "ok"})


class ReadyHandler(RequestHandler):
    """The server takes requests; 503 while it starts or drains."""

    def initialize(self, readiness: Readiness) -> None:
        """Take what is asked."""
        self.readiness = readiness

    def get(self) -> None:
        """Answer."""
        ready, details = self.readiness()
        self.set_status(200 if ready else 503)
        self.write({"status": "ready" if ready else "not ready", **details})


def serve(host: str, port: int, metrics: Metrics, readiness: Readiness) -> tuple[HTTPServer, int]:
    """Listen; returns the server and its port.

    Raises
    ------
    OSError
        If the port is taken.
    """
    routes = [
        ("/metrics", MetricsHandler, {"metrics": metrics}),
        ("/healthz", HealthHandler),
        ("/readyz", ReadyHandler, {"readiness": readiness}),
    ]
    server = HTTPServer(Application(routes, log_function=lambda _: None))  # type: ignore[arg-type]  # stubs: list of rules
    sockets = bind_sockets(port, address=host, reuse_port=False)
    server.add_sockets(sockets)
    return server, int(sockets[0].getsockname()[1])
