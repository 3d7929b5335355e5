"""Fields of points in time and of durations."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import command
from arkserver.engine.algorithms import calendar
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array


@command("dateTimeAttributes", project=projection.times(14, "values"))
def datetime_attributes(ex: Executor, values: Array) -> dict[str, Array]:
    """Clock and calendar of nanoseconds since 1970-01-01 UTC, by field."""
    return calendar.datetime_fields(ex, values)


@command("timeDeltaAttributes", project=projection.times(7, "values"))
def timedelta_attributes(ex: Executor, values: Array) -> dict[str, Array]:
    """Days and clock of durations in nanoseconds, by field."""
    return calendar.timedelta_fields(ex, values)
