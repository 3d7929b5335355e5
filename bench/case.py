"""What a row of the benchmark is: data, our command, and the same work by each peer."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Data = Mapping[str, Any]
"""NumPy arrays by name (texts as arrays of objects), paths and figures; what a peer wants in another form is made of
them outside the timing."""

Make = Callable[[int, np.random.Generator], Data]
Ours = Callable[[Any, Mapping[str, Any]], Any]
"""``ours(session, data)`` with the arrays as arrays of the server"""
Peer = Callable[[Data], Callable[[], Any]]
"""``peer(data)`` prepares and returns what is timed"""

Columns = Sequence[NDArray[Any]]
Answer = Callable[[Data, Columns], Columns]
"""What of a result must be the same for all"""


def as_it_is(_: Data, result: Columns) -> Columns:
    """All of the result, in its order."""
    return result


def any_order(_: Data, result: Columns) -> Columns:
    """The rows of a result whose order nobody promises."""
    order = np.lexsort([_ranks(c) for c in result[::-1]])
    return [c[order] for c in result]


def _ranks(column: NDArray[Any]) -> NDArray[Any]:
    """Numbers that sort as the column does."""
    return np.unique(column.astype(str), return_inverse=True)[1] if column.dtype.kind in "OSU" else column


def ordered_by(*names: str) -> Answer:
    """What a permutation does to these columns: not all peers keep equal rows in their order."""
    return lambda data, result: [data[name][result[0]] for name in names]


def only_first(_: Data, result: Columns) -> Columns:
    """The first column."""
    return result[:1]


def nothing(_: Data, __: Columns) -> Columns:
    """For work that leaves no answer here."""
    return []


@dataclass(frozen=True, slots=True)
class Case:
    """One operation of the benchmark."""

    op: str
    dtype: str
    make: Make
    ours: Ours
    peers: Mapping[str, Peer] = field(default_factory=dict)
    """by name: numpy, pandas, polars, duckdb, dask, pyarrow, zmq"""
    target: tuple[float | None, float | None] = (None, None)
    """how many times faster than the best of NumPy and pandas, and than the best of Polars and DuckDB"""
    bytes_per_row: int = 8
    """bytes that have to be read and written for a row, for the rate"""
    limit: str = ""
    """the physical limit that the rate is compared with: triad, copy or read; empty where none is meaningful"""
    limit_share: float | None = None
    """the part of it that has to be reached"""
    sizes: tuple[int, ...] = (10**6, 10**7, 10**8)
    prepare: Ours | None = None
    """makes, outside the timing, what `ours` gets under the name ``ready``"""
    answer: Answer = as_it_is
    unordered: tuple[str, ...] = ()
    """peers that keep no order of rows: what they give is compared in sorted order"""
    note: str = ""
    """why it is slower than a peer, where it is"""

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from the others."""
        return self.op, self.dtype

    def of_peers(self, pattern: str) -> Case:
        """The row with those peers only whose names hold a regular expression."""
        return replace(self, peers={k: v for k, v in self.peers.items() if re.search(pattern, k)})


CASES: dict[tuple[str, str], Case] = {}


def case(row: Case) -> Case:
    """Add a row to the table."""
    assert row.key not in CASES, row.key
    CASES[row.key] = row
    return row
