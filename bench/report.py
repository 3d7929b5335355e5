"""The table on the terminal and the page with plots."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path

from bench.measure import Result, growth

CLASSIC = ("numpy", "pandas", "pyarrow")
FAST = ("polars", "duckdb")


def header() -> str:
    """The head of the table."""
    names = f"{'operation':34} {'n':>10} {'dtype':8} {'ours':>10} {'vs numpy/pandas':>16} {'vs polars/duckdb':>17}"
    return f"{names} {'GB/s':>7} {'of limit':>9}"


def line(r: Result) -> str:
    """One row of the table."""
    share = f"{100 * r.bytes_per_s / r.limit_bytes_per_s:.0f} %" if r.limit_bytes_per_s else ""
    return (
        f"{r.op:34} {r.n:>10,} {r.dtype:8} {r.seconds * 1e3:>7.1f} ms {_ratio(r.ratio(CLASSIC)):>16} "
        f"{_ratio(r.ratio(FAST)):>17} {r.bytes_per_s / 1e9:>7.2f} {share:>9}"
    )


def _ratio(value: float | None) -> str:
    return "" if value is None else f"{value:.2f}x"


def summary(results: Sequence[Result]) -> str:
    """Geometric means over the largest size of each operation, and the growth exponents."""
    largest = list({f"{r.op} {r.dtype}": r for r in sorted(results, key=lambda r: r.n)}.values())
    lines = [
        f"geometric mean vs {name}: {_mean(r.ratio(peers) for r in largest):.2f}x"
        for name, peers in (("numpy/pandas", CLASSIC), ("polars/duckdb", FAST))
    ]
    lines += [f"growth n^{e:.2f}  {op}" for op, e in growth(list(results)).items()]
    return "\n".join(lines)


def _mean(values: Iterable[float | None]) -> float:
    logs = [math.log(v) for v in values if v is not None]
    return math.exp(sum(logs) / len(logs)) if logs else math.nan


def write_page(results: Sequence[Result], path: Path) -> None:
    """An HTML page: a bar plot for each size, then the table."""
    sizes = sorted({r.n for r in results})
    plots = "\n".join(f"<h2>n = {n:,}</h2>{_plot([r for r in results if r.n == n])}" for n in sizes)
    table = html.escape("\n".join([header(), *map(line, results), "", summary(results)]))
    path.write_text(
        "<!doctype html><meta charset='utf-8'><title>arkserver benchmark</title>"
        "<style>body{font-family:sans-serif;max-width:75em;margin:2em auto}pre{overflow:auto}</style>"
        f"<h1>arkserver benchmark</h1><p>Seconds of a peer over ours; right of 1 arkserver is faster.</p>{plots}"
        f"<h2>Figures</h2><pre>{table}</pre>"
    )


def _plot(results: Sequence[Result]) -> str:
    import matplotlib as mpl

    mpl.use("Agg")
    import matplotlib.pyplot as plt

    names = sorted({p for r in results for p in r.peers})
    figure, axes = plt.subplots(figsize=(10, 1 + 0.35 * len(results)))
    height = 0.8 / max(1, len(names))
    for i, name in enumerate(names):
        rows = [(k, r.peers[name] / r.seconds) for k, r in enumerate(results) if name in r.peers]
        axes.barh([k + i * height for k, _ in rows], [v for _, v in rows], height, label=name)
    axes.set_yticks([k + 0.4 for k in range(len(results))], [f"{r.op} ({r.dtype})" for r in results])
    axes.axvline(1, color="black", linewidth=1)
    axes.set_xscale("log")
    axes.set_xlabel("times faster than the peer")
    axes.invert_yaxis()
    axes.legend()
    figure.tight_layout()
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80)
    plt.close(figure)
    return f"<img src='data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode()}'>"
