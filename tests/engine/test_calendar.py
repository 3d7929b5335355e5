"""Fields of times against pandas."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms import calendar
from arkserver.engine.executor import Executor
from arkserver.errors import UnsupportedError
from tests.support.arrays import here

DAY = 86_400 * 10**9
# pandas takes the least int64 for "not a time"
TIMES = st.lists(
    st.sampled_from([-(2**63) + 1, -1, 0, 1, DAY, -DAY, 2**63 - 1]) | st.integers(-(2**63) + 1, 2**63 - 1), max_size=12
)


@given(values=TIMES)
@settings(max_examples=20, deadline=None)
def test_datetime(ex: Executor, values: list[int]) -> None:
    x = np.array(values, np.int64)
    fields = {k: here(ex, v) for k, v in calendar.datetime_fields(ex, layout.from_numpy(ex, x)).items()}
    times = pd.DatetimeIndex(x.view("M8[ns]"))
    iso = times.isocalendar()
    want: dict[str, Any] = {
        "nanosecond": times.nanosecond,
        "microsecond": times.microsecond % 1000,
        "millisecond": times.microsecond // 1000,
        "second": times.second,
        "minute": times.minute,
        "hour": times.hour,
        "day": times.day,
        "month": times.month,
        "year": times.year,
        "isLeapYear": times.is_leap_year,
        "dayOfYear": times.day_of_year,
        "isoYear": iso["year"],
        "weekOfYear": iso["week"],
        "dayOfWeek": times.day_of_week,
    }
    assert set(fields) == set(want)
    for name, values_of in want.items():
        assert fields[name].tolist() == list(values_of), name
        assert fields[name].dtype == (np.bool_ if name == "isLeapYear" else np.int64)


@given(values=TIMES)
@settings(max_examples=25, deadline=None)
def test_timedelta(ex: Executor, values: list[int]) -> None:
    x = np.array(values, np.int64)
    fields = {k: here(ex, v) for k, v in calendar.timedelta_fields(ex, layout.from_numpy(ex, x)).items()}
    parts = pd.TimedeltaIndex(x.view("m8[ns]")).components
    assert len(fields) == 7
    for name, values_of in fields.items():
        assert values_of.tolist() == parts[f"{name}s"].tolist(), name


def test_only_int64_is_a_time(ex: Executor) -> None:
    with pytest.raises(UnsupportedError, match="int64 nanoseconds; the array is float64"):
        calendar.datetime_fields(ex, layout.from_numpy(ex, np.ones(3)))
