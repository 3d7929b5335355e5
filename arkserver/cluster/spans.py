"""Dask's history of computations, switched off: it keeps every group of tasks that there ever was."""

from __future__ import annotations

from typing import Any

from distributed.spans import SpansSchedulerExtension


class NoSpans(SpansSchedulerExtension):  # type: ignore[misc]  # distributed publishes no types
    """Takes what workers and scheduler report, and keeps nothing."""

    def observe_tasks(self, *_: Any, **__: Any) -> dict[Any, Any]:
        """No task belongs to a span."""
        return {}

    def heartbeat(self, *_: Any) -> None:
        """Figures of a worker."""
