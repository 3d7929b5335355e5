"""What the page shows: the server, its workers, symbols, running commands and recent errors, as plain values."""

from __future__ import annotations

import heapq
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from arkserver.commands.context import Context
from arkserver.engine.values import Array, Strings, dtype_name
from arkserver.errors import AuthenticationError

if TYPE_CHECKING:
    from arkserver.cluster.scheduler import HostedScheduler

# A page with more rows than this is slow and read by nobody.
MOST_SYMBOLS = 200
MOST_ERRORS = 50
LONGEST_TEXT = 1_000


@dataclass(slots=True)
class RecentErrors:
    """The last commands that failed, the newest first."""

    items: deque[dict[str, str]] = field(default_factory=lambda: deque(maxlen=MOST_ERRORS))

    def add(self, user: str, command: str, error: BaseException) -> None:
        """Note one."""
        # The text of a wrong token has the token.
        text = "the token was missing or wrong" if isinstance(error, AuthenticationError) else str(error)
        self.items.appendleft(
            {
                "time": datetime.now(UTC).isoformat(timespec="seconds"),
                "user": user[:100],
                "command": command[:200],
                "text": (text or type(error).__name__)[:LONGEST_TEXT],
            }
        )


class Facts:
    """Answers what the page asks.

    Parameters
    ----------
    context : Context
    scheduler : HostedScheduler
        In whose web server the page is.
    errors : RecentErrors
    """

    def __init__(self, context: Context, scheduler: HostedScheduler, errors: RecentErrors) -> None:
        self._context = context
        self._scheduler = scheduler
        self._errors = errors
        self._started = time.monotonic()

    def __call__(self) -> dict[str, Any]:
        """Everything, as JSON can carry it; sizes in bytes."""
        from arkserver.cluster import facts

        server, engine = self._context.server, self._context.engine
        return {
            "server": {
                "version": server.version,
                "url": f"tcp://{server.host}:{server.port}",
                "seconds": round(time.monotonic() - self._started),
                "requests": server.requests(),
                "limit": engine.accounts.limit,
                "live": engine.accounts.live,
                "reserved": engine.accounts.reserved,
                "symbols": len(engine.symbols),
            },
            "workers": facts.workers(self._scheduler.scheduler),
            "running": server.running(),
            "symbols": self._symbols(),
            "errors": list(self._errors.items),
        }

    def _symbols(self) -> list[dict[str, Any]]:
        """The largest symbols."""
        from arkserver.cluster.facts import where

        symbols = self._context.engine.symbols
        values = [(name, value) for name in symbols.names() if (value := symbols.find(name)) is not None]
        return [
            {
                "name": name,
                "dtype": _kind(value),
                "shape": " x ".join(map(str, value.shape)) if isinstance(value, Array | Strings) else "",
                "bytes": value.nbytes,
                "where": where(value),
                "registered": symbols.is_pinned(name),
            }
            for name, value in heapq.nlargest(MOST_SYMBOLS, values, key=lambda item: item[1].nbytes)
        ]


def _kind(value: Any) -> str:
    if isinstance(value, Array):
        return dtype_name(value.dtype)
    return "str" if isinstance(value, Strings) else type(value).__name__
