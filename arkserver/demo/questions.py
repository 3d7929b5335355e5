"""What the demo asks of the flights: each question once for the server's client and once for pandas."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

BINS, SHORTEST, LONGEST = 20, -30.0, 170.0
"""the histogram of delays: bins, and from where to where in minutes"""


@dataclass(frozen=True, slots=True)
class Tables:
    """The two tables, of either side."""

    flights: Any
    airlines: Any


@dataclass(frozen=True, slots=True)
class Question:
    """One question; both sides answer with a frame of pandas."""

    title: str
    ours: Callable[[Tables], pd.DataFrame]
    theirs: Callable[[Tables], pd.DataFrame]
    plot: bool = False
    """show the answer as bars"""


def shape_ours(t: Tables) -> pd.DataFrame:
    """Rows and columns."""
    rows, columns = t.flights.shape
    return pd.DataFrame({"rows": [rows], "columns": [columns]})


def shape_theirs(t: Tables) -> pd.DataFrame:
    """Rows and columns."""
    return pd.DataFrame({"rows": [len(t.flights)], "columns": [t.flights.shape[1]]})


def delays_ours(t: Tables) -> pd.DataFrame:
    """Mean and 95th percentile of the arrival delay by carrier."""
    carriers = t.flights.groupby("carrier")
    found = carriers.agg(mean=("arr_delay", "mean"))
    found["p95"] = carriers.quantile("arr_delay", 0.95)["arr_delay"]
    return found.sort_values("carrier").to_pandas()


def delays_theirs(t: Tables) -> pd.DataFrame:
    """Mean and 95th percentile of the arrival delay by carrier."""
    delays = t.flights.groupby("carrier")["arr_delay"]
    return pd.DataFrame({"mean": delays.mean(), "p95": delays.quantile(0.95)}).reset_index()


def routes_ours(t: Tables) -> pd.DataFrame:
    """The ten routes with the largest mean arrival delay, of those with at least 100 flights."""
    found = t.flights.groupby(["origin", "dest"]).agg({"arr_delay": ["mean", "count"]})
    often = found[found["arr_delay_count"] >= 100]
    return often.sort_values("arr_delay_mean", ascending=False).head(10).to_pandas()


def routes_theirs(t: Tables) -> pd.DataFrame:
    """The ten routes with the largest mean arrival delay, of those with at least 100 flights."""
    found = t.flights.groupby(["origin", "dest"])["arr_delay"].agg(["mean", "count"]).add_prefix("arr_delay_")
    often = found[found["arr_delay_count"] >= 100]
    return often.sort_values("arr_delay_mean", ascending=False).head(10).reset_index()


def cancelled_ours(t: Tables) -> pd.DataFrame:
    """Cancelled flights, which have no departure time, by month."""
    cancelled = t.flights[t.flights["dep_time"].isnan()]
    return cancelled.groupby("month").size().to_pandas().sort_values("month")


def cancelled_theirs(t: Tables) -> pd.DataFrame:
    """Cancelled flights, which have no departure time, by month."""
    return t.flights[t.flights["dep_time"].isna()].groupby("month").size().rename("size").reset_index()


def names_ours(t: Tables) -> pd.DataFrame:
    """The five airlines with the most flights, by name."""
    joined = t.flights[["carrier", "distance"]].merge(t.airlines, on="carrier", how="left")
    flown = joined.groupby("name").agg({"distance": ["count", "sum"]})
    return flown.sort_values("distance_count", ascending=False).head(5).to_pandas()


def names_theirs(t: Tables) -> pd.DataFrame:
    """The five airlines with the most flights, by name."""
    joined = t.flights[["carrier", "distance"]].merge(t.airlines, on="carrier", how="left")
    flown = joined.groupby("name")["distance"].agg(["count", "sum"]).add_prefix("distance_")
    return flown.sort_values("distance_count", ascending=False).head(5).reset_index()


def histogram_ours(t: Tables) -> pd.DataFrame:
    """How many flights left how late."""
    delays = t.flights["dep_delay"]
    delays = delays[(delays >= SHORTEST) & (delays <= LONGEST)]
    counts, edges = delays.session.xp.histogram(delays, BINS, range=(SHORTEST, LONGEST))
    return _bars(np.asarray(counts), np.asarray(edges))


def histogram_theirs(t: Tables) -> pd.DataFrame:
    """How many flights left how late."""
    return _bars(*np.histogram(t.flights["dep_delay"].dropna(), BINS, (SHORTEST, LONGEST)))


def _bars(counts: Any, edges: Any) -> pd.DataFrame:
    return pd.DataFrame({"from": edges[:-1].astype(int), "flights": counts.astype(np.int64)})


QUESTIONS = (
    Question("Rows and columns", shape_ours, shape_theirs),
    Question("Arrival delay in minutes by carrier: mean and 95th percentile", delays_ours, delays_theirs),
    Question("The ten worst routes with at least 100 flights", routes_ours, routes_theirs),
    Question("Cancellations by month", cancelled_ours, cancelled_theirs, plot=True),
    Question("The airlines with the most flights, by name", names_ours, names_theirs),
    Question("Departure delays in minutes", histogram_ours, histogram_theirs, plot=True),
)
