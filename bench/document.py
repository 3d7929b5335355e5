"""``docs/benchmarks.md`` and its plot, written from the results."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path

import psutil

from bench import first, plots, report
from bench.results import CLASSIC, FAST, Result, growth, largest

USUAL = 10**7
"""The rows of the first table: at the largest size up to this one."""

INTRODUCTION = """# Benchmarks

<!-- written by `make bench ARGS="--docs docs"`; the explanations are those of the rows in bench/cases -->

`make bench` measures through the client on a running server, side by side with what a user would pick instead, in the
same run and with the same number of threads. A figure is the median of up to five rounds after one that does not count;
in that one the answers are compared. Before each call all cores work for 30 ms, so that none of them is found asleep.

{machine}

A ratio is the seconds of the peer over ours: 2 means that arkserver takes half the time. Targets are those that this
project has set itself. *Growth* is the exponent e of n^e that the seconds follow from 10^6 elements on.
"""


def write(results: Sequence[Result], folder: Path, remark: str = "") -> None:
    """Write the page and its plot into a folder; `remark` says what the machine was like."""
    rows = largest(r for r in results if r.n <= USUAL)
    (folder / "benchmarks.png").write_bytes(plots.dots([r for r in rows if r.peers]))
    parts = [
        INTRODUCTION.format(machine=_machine()),
        remark,
        _means(results),
        "![Ratios](benchmarks.png)",
        _table(rows, results),
    ]
    parts += [_large(results), _misses(results), _slow(results), _growth(results), _first()]
    (folder / "benchmarks.md").write_text("\n\n".join(p.strip() for p in parts if p) + "\n")


def _machine() -> str:
    peers = ", ".join(f"{p} {version(p)}" for p in ("numpy", "pandas", "pyarrow", "polars", "duckdb", "dask"))
    gigabytes = psutil.virtual_memory().total / 2**30
    return (
        f"The last run: {os.cpu_count()} cores ({platform.machine()}, {platform.system()}), {gigabytes:.0f} GiB of "
        f"memory, Python {platform.python_version()}; {peers}. "
        "dask is measured too, in `bench/results/latest.json`."
    )


def _means(results: Sequence[Result]) -> str:
    classic, fast = report.means(results)
    return (
        f"Over all operations at their largest size arkserver is {classic:.1f} times faster than the best of NumPy, "
        f"pandas and pyarrow (geometric mean; target {report.WANTED_MEANS[0]:g}), and {fast:.1f} times faster than the "
        f"best of Polars and DuckDB (target {report.WANTED_MEANS[1]:g})."
    )


def _table(rows: Sequence[Result], results: Sequence[Result]) -> str:
    grown = growth(results)
    heads = ["operation", "n", "ms", "vs NumPy, pandas", "target", "vs Polars, DuckDB", "target", "growth"]
    lines = ["## Operations", "", _line(heads), _line(["---", *["---:"] * (len(heads) - 1)])]
    for r in rows:
        exponent = grown.get((r.op, r.dtype))
        cells = [f"{r.op} ({r.dtype})", f"{r.n:,}", f"{r.seconds * 1e3:.1f}"]
        for peers, target in zip((CLASSIC, FAST), report.targets(r), strict=True):
            cells += [_judged(r, peers, target), report.target_text(target)]
        lines.append(_line([*cells, "" if exponent is None else f"{exponent:.2f}"]))
    return "\n".join(lines)


def _judged(r: Result, peers: Sequence[str], target: float | None) -> str:
    """The ratio, bold where it misses its target."""
    ratio = r.ratio(peers)
    if ratio is None:
        return ""
    text = f"{ratio:.2f} ({r.best(peers)})"
    return f"**{text}**" if target is not None and ratio < target else text


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _large(results: Sequence[Result]) -> str:
    rows = [r for r in results if r.n > USUAL]
    return _table(rows, results).replace("## Operations", "## The largest sizes") if rows else ""


def _misses(results: Sequence[Result]) -> str:
    found = report.misses(results)
    head = "## What misses its target\n\nAt the largest size of each operation; in brackets the ratio to each peer.\n"
    return "\n".join([head, *(f"* {text}" for text in found)]) if found else ""


def _slow(results: Sequence[Result]) -> str:
    rows = report.slower(results)
    if not rows:
        return ""
    head = f"## What is slower than {report.SLOW} of the best library, and why\n"
    return "\n".join([head, *(f"* {_explained(r)}" for r in rows)])


def _explained(r: Result) -> str:
    row = report.row_of(r)
    why = row.note if row and row.note else "Not explained yet."
    return f"**{r.op}** ({r.dtype}, n = {r.n:,}): {report.ratio_text(r, report.LIBRARIES)}. {why}"


def _growth(results: Sequence[Result]) -> str:
    found = growth(results)
    if not found:
        return ""
    above = {k: e for k, e in found.items() if e > report.WANTED_GROWTH}
    head = (
        f"## Growth\n\n{len(found) - len(above)} of {len(found)} operations grow at most as n^{report.WANTED_GROWTH}."
    )
    return "\n".join([head, "", *(f"* {op} ({dtype}): n^{e:.2f}" for (op, dtype), e in above.items())]).strip()


def _first() -> str:
    found = first.load()
    if not found:
        return ""
    worst = max(found, key=lambda f: f.above_ms)
    met = sum(f.above_ms <= first.TARGET_MS for f in found)
    return (
        "## First calls\n\nThe first call on a server that nobody has asked anything, with a full cache of kernels, "
        f"against the second (`python -m bench.first`): {met} of {len(found)} operations take at most "
        f"{first.TARGET_MS:g} ms longer. The worst is {worst.op} ({worst.dtype}) with {worst.above_ms:.0f} ms."
    )
