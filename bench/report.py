"""The table on the terminal, what misses its target, and the figures over all rows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from bench.case import CASES, Case
from bench.results import CLASSIC, FAST, Result, geometric_mean, growth, largest

WANTED_GROWTH = 1.1
WANTED_MEANS = (4.0, 1.6)
SLOW = 0.7
"""Below this part of the best peer's speed a row needs an explanation."""

LIBRARIES = (*CLASSIC, "pandas, kept groups", *FAST)
"""Those that a user would pick instead; beside these there are dask and bare ZeroMQ."""


def header() -> str:
    """The head of the table."""
    names = f"{'operation':32} {'n':>11} {'dtype':8} {'ours':>10}"
    ratios = f"{'numpy/pandas':>15} {'target':>6} {'polars/duckdb':>15} {'target':>6}"
    return f"{names} {ratios} {'GB/s':>6} {'of limit':>8}"


def line(r: Result) -> str:
    """One row of the table."""
    share = f"{100 * r.share:.0f} %" if r.share else ""
    pairs = zip((CLASSIC, FAST), targets(r), strict=True)
    ratios = " ".join(f"{ratio_text(r, peers):>15} {target_text(target):>6}" for peers, target in pairs)
    return (
        f"{r.op:32} {r.n:>11,} {r.dtype:8} {r.seconds * 1e3:>7.1f} ms {ratios} {r.bytes_per_s / 1e9:>6.1f} {share:>8}"
    )


def ratio_text(r: Result, peers: Sequence[str]) -> str:
    """How many times faster than the best of the peers, and which that is."""
    value = r.ratio(peers)
    return "" if value is None else f"{r.best(peers)} {value:.2f}"


def target_text(target: float | None) -> str:
    """A target; empty where there is none."""
    return "" if target is None else f"{target:g}"


def row_of(r: Result) -> Case | None:
    """The row of the table that was measured."""
    return CASES.get((r.op, r.dtype))


def targets(r: Result) -> tuple[float | None, float | None]:
    """What was asked for beside NumPy and pandas, and beside Polars and DuckDB."""
    row = row_of(r)
    return (None, None) if row is None else row.target


def misses(results: Iterable[Result]) -> list[str]:
    """Which rows, at their largest size, miss what was asked for."""
    return [f"{r.op} ({r.dtype}, n = {r.n:,}): {text}" for r in largest(results) for text in _missed(r)]


def _missed(r: Result) -> list[str]:
    found = []
    for peers, target in zip((CLASSIC, FAST), targets(r), strict=True):
        ratio = r.ratio(peers)
        if ratio is not None and target is not None and ratio < target:
            all_of_them = ", ".join(f"{p} {s / r.seconds:.2f}x" for p, s in r.peers.items() if p in peers)
            found.append(f"{ratio:.2f}x of {target:g}x ({all_of_them})")
    row = row_of(r)
    wanted = row.limit_share if row else None
    if wanted is not None and r.share is not None and r.share < wanted:
        found.append(f"{100 * r.share:.0f} % of {100 * wanted:.0f} % of the {row.limit if row else ''}")
    return found


def slower(results: Iterable[Result]) -> list[Result]:
    """The rows, at their largest size, that take clearly longer than the best library."""
    return [r for r in largest(results) if (r.ratio(LIBRARIES) or SLOW) < SLOW]


def means(results: Iterable[Result]) -> tuple[float, float]:
    """Geometric means of all rows at their largest size, beside the two kinds of peers."""
    rows = largest(results)
    classic, fast = (geometric_mean(r.ratio(peers) for r in rows) for peers in (CLASSIC, FAST))
    return classic, fast


def summary(results: Sequence[Result]) -> str:
    """Geometric means, growth, and what misses."""
    classic, fast = means(results)
    grown = growth(results)
    lines = [
        f"geometric mean vs the best of numpy, pandas, pyarrow: {classic:.2f}x (target {WANTED_MEANS[0]:g}x)",
        f"geometric mean vs the best of polars, duckdb: {fast:.2f}x (target {WANTED_MEANS[1]:g}x)",
        "",
        f"growth of seconds with size n^e, above {WANTED_GROWTH}:",
        *(f"  e = {e:.2f}  {op} ({dtype})" for (op, dtype), e in grown.items() if e > WANTED_GROWTH),
        f"  {sum(e <= WANTED_GROWTH for e in grown.values())} of {len(grown)} within it",
        "",
        "targets missed:",
        *(f"  {text}" for text in misses(results)),
        "",
        f"slower than {SLOW} of the best library:",
        *(f"  {r.op} ({r.dtype}, n = {r.n:,}): {ratio_text(r, LIBRARIES)}" for r in slower(results)),
    ]
    return "\n".join(lines)
