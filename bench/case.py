"""What a row of the benchmark is: data, our command, and the same work by each peer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Data = Mapping[str, Any]
"""NumPy arrays (or lists of texts) by name; what a peer wants in another form is made of them outside the timing."""

Make = Callable[[int, np.random.Generator], Data]
Ours = Callable[[Any, Mapping[str, Any]], Any]
"""``ours(session, arrays)`` with the data as arrays of the server"""
Peer = Callable[[Data], Callable[[], Any]]
"""``peer(data)`` prepares and returns what is timed"""


@dataclass(frozen=True, slots=True)
class Case:
    """One operation of the benchmark."""

    op: str
    dtype: str
    make: Make
    ours: Ours
    peers: Mapping[str, Peer] = field(default_factory=dict)
    """by name: numpy, pandas, polars, duckdb, dask, pyarrow"""
    bytes_per_row: int = 8
    """bytes that have to be read and written for a row, for the rate"""
    limit: str = ""
    """the physical limit that the rate is compared with: triad, copy, wire; empty where none is meaningful"""
    sizes: tuple[int, ...] = (10**6, 10**7, 10**8)
    prepare: Ours | None = None
    """makes, outside the timing, what `ours` gets under the name ``ready``"""


CASES: list[Case] = []


def case(row: Case) -> Case:
    """Add a row to the table."""
    CASES.append(row)
    return row
