"""Fields of the calendar from nanoseconds since 1970-01-01 UTC: functions for `elementwise.apply`.

By NumPy's datetime64 in whole days, where no number of nanoseconds means "not a time".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Out = NDArray[Any]
Days = NDArray[np.datetime64]

NANOSECONDS_A_DAY = 86_400 * 10**9

_DAY = np.timedelta64(1, "D")


def year(x: Any, out: Out) -> None:
    """The year of the Gregorian calendar."""
    out[...] = _number(_days(x), "Y") + 1970


def month(x: Any, out: Out) -> None:
    """1 for January."""
    out[...] = _number(_days(x), "M") % 12 + 1


def day(x: Any, out: Out) -> None:
    """The day of the month, from 1."""
    out[...] = _days_since(_days(x), "M") + 1


def day_of_year(x: Any, out: Out) -> None:
    """The day of the year, from 1."""
    out[...] = _days_since(_days(x), "Y") + 1


def is_leap_year(x: Any, out: Out) -> None:
    """Whether the year has 366 days."""
    years = _number(_days(x), "Y") + 1970
    out[...] = (years % 4 == 0) & ((years % 100 != 0) | (years % 400 == 0))


def day_of_week(x: Any, out: Out) -> None:
    """0 for Monday."""
    out[...] = _weekday(_days(x))


def iso_year(x: Any, out: Out) -> None:
    """The year that the ISO 8601 week belongs to: that of its Thursday."""
    out[...] = _number(_thursday(x), "Y") + 1970


def iso_week(x: Any, out: Out) -> None:
    """The ISO 8601 week of the year, from 1."""
    out[...] = _days_since(_thursday(x), "Y") // 7 + 1


def _days(x: Any) -> Days:
    days: Days = np.floor_divide(x, NANOSECONDS_A_DAY).view("M8[D]")
    return days


def _weekday(days: Days) -> NDArray[np.int64]:
    weekday: NDArray[np.int64] = (days.view(np.int64) + 3) % 7  # 1970-01-01 was a Thursday
    return weekday


def _thursday(x: Any) -> Days:
    days = _days(x)
    thursday: Days = days + (3 - _weekday(days)) * _DAY
    return thursday


def _number(days: Days, unit: str) -> NDArray[np.int64]:
    return days.astype(f"M8[{unit}]").astype(np.int64)


def _days_since(days: Days, unit: str) -> NDArray[np.int64]:
    """Days since the first day of the month or year."""
    first = days.astype(f"M8[{unit}]").astype("M8[D]")
    return days.view(np.int64) - first.view(np.int64)
