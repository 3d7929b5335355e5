"""What was measured: kept as JSON, several part-runs in one file."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np

CLASSIC = ("numpy", "pandas", "pyarrow")
FAST = ("polars", "duckdb")

SMALLEST = 10**6
"""From this size on the time of an operation grows with its data; below, a request's own time counts."""


@dataclass(frozen=True, slots=True)
class Result:
    """A row of the output."""

    op: str
    n: int
    dtype: str
    seconds: float
    peers: dict[str, float] = field(default_factory=dict)
    bytes_per_s: float = 0.0
    limit_bytes_per_s: float | None = None

    def best(self, names: Sequence[str]) -> str | None:
        """The fastest of these peers."""
        return min((p for p in self.peers if p in names), key=lambda p: self.peers[p], default=None)

    def ratio(self, names: Sequence[str]) -> float | None:
        """Seconds of the best of these peers over ours."""
        best = self.best(names)
        return None if best is None else self.peers[best] / self.seconds

    @property
    def share(self) -> float | None:
        """The part of the physical limit that was reached."""
        return self.bytes_per_s / self.limit_bytes_per_s if self.limit_bytes_per_s else None


def load(path: Path) -> list[Result]:
    """The results of a file; none if there is no such file."""
    return [Result(**r) for r in json.loads(path.read_text())] if path.exists() else []


def merged(old: Iterable[Result], new: Iterable[Result]) -> list[Result]:
    """New results take the place of old ones of the same operation, dtype and size."""
    found = {(r.op, r.dtype, r.n): r for r in (*old, *new)}
    return list(found.values())


def save(path: Path, results: Sequence[Result]) -> None:
    """Write a list of objects, one a line."""
    path.parent.mkdir(exist_ok=True)
    path.write_text("[\n" + ",\n".join(json.dumps(asdict(r)) for r in results) + "\n]\n")


def largest(results: Iterable[Result]) -> list[Result]:
    """Each operation at its largest size."""
    return list({(r.op, r.dtype): r for r in sorted(results, key=lambda r: r.n)}.values())


def geometric_mean(values: Iterable[float | None]) -> float:
    """The mean of ratios; nan of none."""
    logs = [math.log(v) for v in values if v is not None]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def growth(results: Iterable[Result]) -> dict[tuple[str, str], float]:
    """The exponent of seconds over size for each operation that was measured at two sizes or more."""
    by_op: dict[tuple[str, str], list[Result]] = {}
    for r in results:
        if r.n >= SMALLEST:
            by_op.setdefault((r.op, r.dtype), []).append(r)
    return {
        key: float(np.polyfit(np.log([r.n for r in rows]), np.log([r.seconds for r in rows]), 1)[0])
        for key, rows in by_op.items()
        if len({r.n for r in rows}) > 1
    }
