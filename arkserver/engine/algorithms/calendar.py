"""Fields of points in time and of durations, both nanoseconds in int64."""

from __future__ import annotations

from functools import partial

from arkserver.engine.algorithms.dtype_tables import BOOL, INT64
from arkserver.engine.algorithms.elementwise import each
from arkserver.engine.blocks import arithmetic, calendar
from arkserver.engine.blocks.elementwise import Function
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType, dtype_name
from arkserver.errors import UnsupportedError

_UNITS: dict[str, Function] = {
    "nanosecond": partial(arithmetic.unit, 1, 1000),
    "microsecond": partial(arithmetic.unit, 10**3, 1000),
    "millisecond": partial(arithmetic.unit, 10**6, 1000),
    "second": partial(arithmetic.unit, 10**9, 60),
    "minute": partial(arithmetic.unit, 60 * 10**9, 60),
    "hour": partial(arithmetic.unit, 3600 * 10**9, 24),
}
_DATES: dict[str, tuple[Function, DType]] = {
    "day": (calendar.day, INT64),
    "month": (calendar.month, INT64),
    "year": (calendar.year, INT64),
    "isLeapYear": (calendar.is_leap_year, BOOL),
    "dayOfYear": (calendar.day_of_year, INT64),
    "isoYear": (calendar.iso_year, INT64),
    "weekOfYear": (calendar.iso_week, INT64),
    "dayOfWeek": (calendar.day_of_week, INT64),
}


def datetime_fields(ex: Executor, x: Array) -> dict[str, Array]:
    """Clock and calendar of nanoseconds since 1970-01-01 UTC.

    Raises
    ------
    UnsupportedError
        For another dtype than int64.
    """
    clock = {name: each(ex, fn, INT64, _nanoseconds(x)) for name, fn in _UNITS.items()}
    return clock | {name: each(ex, fn, dtype, x) for name, (fn, dtype) in _DATES.items()}


def timedelta_fields(ex: Executor, x: Array) -> dict[str, Array]:
    """Whole days, rounded down, and the clock of what is left.

    Raises
    ------
    UnsupportedError
        For another dtype than int64.
    """
    units = _UNITS | {"day": partial(arithmetic.unit, calendar.NANOSECONDS_A_DAY, None)}
    return {name: each(ex, fn, INT64, _nanoseconds(x)) for name, fn in units.items()}


def _nanoseconds(x: Array) -> Array:
    if x.dtype != INT64:
        raise UnsupportedError(f"times are int64 nanoseconds; the array is {dtype_name(x.dtype)}")
    return x
