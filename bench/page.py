"""The HTML page: plots, every figure, growth."""

from __future__ import annotations

import base64
import html
from collections.abc import Sequence
from pathlib import Path

from bench import plots, report
from bench.results import CLASSIC, FAST, Result, growth

PEERS = ("numpy", "pandas", "pandas, kept groups", "pyarrow", "polars", "duckdb", "dask", "zmq")

STYLE = """body{font-family:sans-serif;max-width:80em;margin:2em auto}table{border-collapse:collapse}
td,th{padding:.15em .6em;border-bottom:1px solid #ddd;text-align:right}td:first-child,th:first-child{text-align:left}
.miss{background:#fbdcd6}.met{background:#dff0d8}"""


def write(results: Sequence[Result], path: Path) -> None:
    """Write the page."""
    sizes = sorted({r.n for r in results})
    parts = [f"<h2>n = {n:,}</h2>{_plot([r for r in results if r.n == n])}" for n in sizes]
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        f"<!doctype html><meta charset='utf-8'><title>arkserver benchmark</title><style>{STYLE}</style>"
        f"<h1>arkserver benchmark</h1><pre>{html.escape(report.summary(results))}</pre>{''.join(parts)}"
        f"<h2>Figures</h2><p>Columns of libraries: their seconds over ours.</p>{_table(results)}"
    )


def _plot(results: Sequence[Result]) -> str:
    return f"<img src='data:image/png;base64,{base64.b64encode(plots.dots(results)).decode()}'>"


def _table(results: Sequence[Result]) -> str:
    names = [p for p in PEERS if any(p in r.peers for r in results)]
    heads = ["operation", "dtype", "n", "seconds", "GB/s", "of limit", "growth"]
    heads += ["vs numpy/pandas", "target", "vs polars/duckdb", "target", *names]
    rows = "".join(_row(r, names, growth(results).get((r.op, r.dtype))) for r in results)
    return f"<table><tr>{''.join(f'<th>{html.escape(h)}</th>' for h in heads)}</tr>{rows}</table>"


def _row(r: Result, names: Sequence[str], exponent: float | None) -> str:
    share = f"{100 * r.share:.0f} %" if r.share else ""
    grown = "" if exponent is None else f"{exponent:.2f}"
    facts = [r.op, r.dtype, f"{r.n:,}", f"{r.seconds:.4f}", f"{r.bytes_per_s / 1e9:.1f}", share, grown]
    cells = [f"<td>{html.escape(f)}</td>" for f in facts]
    for peers, target in zip((CLASSIC, FAST), report.targets(r), strict=True):
        cells += _judged(r.ratio(peers), target)
    cells += [f"<td>{r.peers[p] / r.seconds:.2f}</td>" if p in r.peers else "<td></td>" for p in names]
    return f"<tr>{''.join(cells)}</tr>"


def _judged(ratio: float | None, target: float | None) -> list[str]:
    kind = "" if ratio is None or target is None else ("met" if ratio >= target else "miss")
    shown = "" if ratio is None else f"{ratio:.2f}"
    return [f"<td class='{kind}'>{shown}</td>", f"<td>{report.target_text(target)}</td>"]
