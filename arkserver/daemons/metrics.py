"""What is counted: requests, errors, seconds and bytes by command and user, symbols, memory, workers."""

from __future__ import annotations

from collections import Counter as Tally
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from arkserver import errors
from arkserver.commands.context import Context

Figures = Mapping[str, tuple[str, Callable[[], float]]]
"""what they are and how to ask for them, by name"""

# A label that clients choose must not grow without bound.
MOST_USERS = 100
OTHER_USERS = "(other)"
UNKNOWN_COMMAND = "(unknown)"
UNEXPECTED = "unexpected"
"""the code of an error that nobody raised on purpose"""

_SECONDS = (0.0002, 0.001, 0.005, 0.02, 0.1, 0.5, 2, 10, 60, 300)


class _Figures(NamedTuple):
    """What is counted for one command of one user."""

    requests: Counter
    errors: Counter
    seconds: Histogram


class Metrics:
    """The server's figures, in a registry of their own so that several servers fit into one process.

    Parameters
    ----------
    context : Context
    gauges, counters : mapping of str to (str, callable)
        Figures that others keep, by name: what they are, and how to ask for them.
    """

    def __init__(self, context: Context, gauges: Figures, counters: Figures) -> None:
        self.registry = CollectorRegistry()
        labels = ("command", "user")
        self._requests = Counter("arkserver_requests", "Requests answered.", labels, registry=self.registry)
        self._errors = Counter("arkserver_errors", "Requests answered with an error.", labels, registry=self.registry)
        self._failures = Counter(
            "arkserver_failures",
            "Errors by what went wrong; unexpected is a defect.",
            ("code",),
            registry=self.registry,
        )
        self._seconds = Histogram(
            "arkserver_command_seconds",
            "Seconds from request to reply.",
            labels,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._received = Counter("arkserver_received_bytes", "Bytes of requests.", registry=self.registry)
        self._sent = Counter("arkserver_sent_bytes", "Bytes of replies.", registry=self.registry)
        for code in (*errors.codes(), UNEXPECTED):
            self._failures.labels(code)  # from the start, so that the first one is an increase
        self.registry.register(_Asked({**_gauges(context), **gauges}, counters))
        ProcessCollector(registry=self.registry)
        self.by_command: Tally[str] = Tally()
        self.seconds_by_command: defaultdict[str, float] = defaultdict(float)
        self.by_user: Tally[str] = Tally()
        self.errors = 0
        self._labelled: dict[tuple[str, str], _Figures] = {}

    def record(
        self, command: str, user: str, seconds: float, received: int, sent: int, error: BaseException | None
    ) -> None:
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
        if error is not None:
            self.errors += 1
            figures.errors.inc()
            self._failures.labels(getattr(error, "code", UNEXPECTED)).inc()

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


def _gauges(context: Context) -> Figures:
    engine = context.engine
    return {
        "arkserver_symbols": ("Symbols in the table.", lambda: len(engine.symbols)),
        "arkserver_memory_live_bytes": ("Bytes of all values.", lambda: engine.accounts.live),
        "arkserver_memory_reserved_bytes": ("Bytes reserved by commands.", lambda: engine.accounts.reserved),
        "arkserver_memory_limit_bytes": ("Bytes that may be used.", lambda: engine.accounts.limit),
        "arkserver_running_commands": ("Commands that run now.", lambda: len(context.server.running())),
    }


class _Asked(Collector):
    """Figures that are asked for when somebody scrapes."""

    def __init__(self, gauges: Figures, counters: Figures) -> None:
        self._gauges, self._counters = gauges, counters

    def collect(self) -> Iterator[Metric]:
        """All of them."""
        for name, (text, value) in self._gauges.items():
            yield GaugeMetricFamily(name, text, value=value())
        for name, (text, value) in self._counters.items():
            yield CounterMetricFamily(name, text, value=value())
