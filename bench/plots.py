"""Plots of how many times faster than its peers each row is."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from bench.results import Result

COLOURS = {
    "numpy": "#4c72b0",
    "pandas": "#1f3d6e",
    "pyarrow": "#8fb3e0",
    "polars": "#dd8452",
    "duckdb": "#c9a227",
    "dask": "#999999",
    "zmq": "#55a868",
}


def dots(results: Sequence[Result], peers: Sequence[str] = tuple(COLOURS), *, dpi: int = 80) -> bytes:
    """A PNG: for each row and peer the seconds of the peer over ours."""
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = [p for p in peers if any(p in r.peers for r in results)]
    figure, axes = plt.subplots(figsize=(10, 1.2 + 0.32 * len(results)))
    _draw(axes, results, names)
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi)
    plt.close(figure)
    return buffer.getvalue()


def _draw(axes: Any, results: Sequence[Result], names: Sequence[str]) -> None:
    for name in names:
        rows = [(k, r.peers[name] / r.seconds) for k, r in enumerate(results) if name in r.peers]
        axes.plot([v for _, v in rows], [k for k, _ in rows], "o", color=COLOURS[name], label=name)
    axes.set_yticks(range(len(results)), [f"{r.op} ({r.dtype})" for r in results])
    axes.axvline(1, color="black", linewidth=1)
    axes.grid(visible=True, alpha=0.3)
    axes.set_xscale("log")
    axes.set_xlabel("seconds of the peer over ours: right of the line arkserver is faster")
    axes.set_ylim(len(results) - 0.5, -0.5)
    axes.legend(loc="lower right")
