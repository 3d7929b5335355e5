"""What is counted: requests, errors, seconds and bytes by command and user, symbols, memory, workers."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from arkserver.commands.context import Context

# A label that clients choose must not grow without bound.
MOST_USERS = 100
OTHER_USERS = "(other)"
UNKNOWN_COMMAND = "(unknown)"

_SECONDS = (0.0002, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)


class _Figures(NamedTuple):
    """What is counted for one command of one user."""

    requests: Counter
    errors: Counter
    seconds: Histogram


class Metrics:
    """The server's figures, in a registry of their own so that several servers fit into one process."""

    def __init__(self, context: Context, workers: Callable[[], int], registered: Callable[[], float]) -> None:
        self.registry = CollectorRegistry()
        labels = ("command", "user")
        self._requests = Counter("arkserver_requests", "Requests answered.", labels, registry=self.registry)
        self._errors = Counter("arkserver_errors", "Requests answered with an error.", labels, registry=self.registry)
        self._seconds = Histogram(
            "arkserver_command_seconds",
            "Seconds from request to reply.",
            labels,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._received = Counter("arkserver_received_bytes", "Bytes of requests.", registry=self.registry)
        self._sent = Counter("arkserver_sent_bytes", "Bytes of replies.", registry=self.registry)
        self._gauges(context, workers, registered)
        self.by_command: Tally[str] = Tally()
        self.seconds_by_command: defaultdict[str, float] = defaultdict(float)
        self.by_user: Tally[str] = Tally()
        self.errors = 0
        self._labelled: dict[tuple[str, str], _Figures] = {}

    def record(self, command: str, user: str, seconds: float, received: int, sent: int, *, failed: bool) -> None:
        """Count one answered request."""
        user = self._known_user(user)
        self.by_command[command] += 1
        self.seconds_by_command[command] += seconds
        self.by_user[user] += 1
        figures = self._figures(command, user)
        figures.requests.inc()
        figures.seconds.observe(seconds)
        self._received.inc(received)
        self._sent.inc(sent)
        if failed:
            self.errors += 1
            figures.errors.inc()

    def _figures(self, command: str, user: str) -> _Figures:
        """The labelled figures; looking them up by label for every request would cost more than counting."""
        found = self._labelled.get((command, user))
        if found is None:
            labels = (command, user)
            requests, errors = self._requests.labels(*labels), self._errors.labels(*labels)
            found = _Figures(requests, errors, self._seconds.labels(*labels))
            self._labelled[command, user] = found
        return found

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _known_user(self, user: str) -> str:
        return user if user in self.by_user or len(self.by_user) < MOST_USERS else OTHER_USERS

    def _gauges(self, context: Context, workers: Callable[[], int], registered: Callable[[], float]) -> None:
        engine = context.engine
        figures: dict[str, tuple[str, Callable[[], float]]] = {
            "arkserver_symbols": ("Symbols in the table.", lambda: len(engine.symbols)),
            "arkserver_memory_live_bytes": ("Bytes of all values.", lambda: engine.accounts.live),
            "arkserver_memory_reserved_bytes": ("Bytes reserved by commands.", lambda: engine.accounts.reserved),
            "arkserver_memory_limit_bytes": ("Bytes that may be used.", lambda: engine.accounts.limit),
            "arkserver_running_commands": ("Commands that run now.", lambda: len(context.server.running())),
            "arkserver_workers": ("Workers that have joined.", workers),
            "arkserver_registered": ("1 while the system around the server knows it.", registered),
        }
        for name, (text, value) in figures.items():
            Gauge(name, text, registry=self.registry).set_function(value)
