"""How values look: text and HTML of arrays and tables. Only what is shown is fetched."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arkserver.client.arrays import Array
    from arkserver.client.strings import Strings

# More elements than this along an axis are abbreviated.
THRESHOLD = 100

# Of the rows and columns of a table so many are shown, half of them from the end.
SHOWN = 10

_STYLE = "text-align:right;padding:2px 8px"
_LEFT = "text-align:left;padding:2px 8px;white-space:pre"


def array_str(x: Array) -> str:
    """The elements, abbreviated."""
    return x.session.text("str", array=x, printThresh=THRESHOLD)


def array_repr(x: Array) -> str:
    """The elements, abbreviated, with dtype and, where it cannot be seen, shape."""
    shape = "" if x.ndim == 1 and x.size <= THRESHOLD else f", shape={x.shape}"
    return f"Array({array_str(x)}{shape}, dtype={x.dtype_name})"


def array_html(x: Array) -> str:
    """A table of the outer elements over a line of facts; above two dimensions, text."""
    facts = note(f"{x.dtype_name}, shape {x.shape}, {size_text(x.nbytes)}")
    if x.ndim == 1:
        return column_html(x) + facts
    if x.ndim == 2 and x.size:
        return _corners_html(x) + facts
    return f"<pre>{html.escape(array_str(x))}</pre>{facts}"


def column_html(x: Array | Strings) -> str:
    """A table of the first and the last elements, with their positions."""
    parts = edges(x.size)
    cells = [(x if b - a == x.size else x[a:b]).tolist() for a, b in parts]
    return table_html([x.dtype_name], [_with_gap(cells)], positions(parts))


def _corners_html(x: Array) -> str:
    rows, columns = edges(x.shape[0]), edges(x.shape[1])
    bands = [[x[a:b, c:d].tolist() for a, b in rows] for c, d in columns]
    # Each band is a list of parts, each of these a list of rows; a table wants columns.
    turned = [[list(zip(*part, strict=True)) for part in band] for band in bands]
    lists = [[_with_gap([list(part[i]) for part in band]) for i in range(len(band[0]))] for band in turned]
    shown = _with_gap(lists, gap=["..."] * len(positions(rows)))
    return table_html(positions(columns), shown, positions(rows))


def edges(n: int) -> list[tuple[int, int]]:
    """What is shown of `n` positions: all of them, or the first and the last."""
    half = SHOWN // 2
    return [(0, n)] if n <= SHOWN else [(0, half), (n - half, n)]


def positions(parts: Sequence[tuple[int, int]]) -> list[str]:
    """The labels of positions that are shown."""
    return _with_gap([[str(i) for i in range(a, b)] for a, b in parts])


def _with_gap(parts: Sequence[list[Any]], gap: Any = "...") -> list[Any]:
    """One list of one part or two; between two is a gap."""
    first, *rest = parts
    return [*first, *([gap, *rest[0]] if rest else ())]


def size_text(nbytes: int) -> str:
    """Bytes in the largest unit that keeps a figure before the point."""
    size, units = float(nbytes), ["B", "KB", "MB", "GB", "TB"]
    while size >= 1000 and len(units) > 1:
        size /= 1000
        units.pop(0)
    return f"{size:.3g} {units[0]}"


def note(text: str) -> str:
    """A small line of HTML."""
    return f"<small>{html.escape(text)}</small>"


def cell(value: Any) -> str:
    """One value of a table."""
    if isinstance(value, float):
        return f"{value:.6g}"
    return str(value)


def table_text(names: Sequence[str], columns: Sequence[Sequence[Any]], index: Sequence[str]) -> str:
    """A table in fixed-width text: texts to the left, numbers to the right."""
    cells = [[name, *map(cell, column)] for name, column in zip(names, columns, strict=True)]
    left = [bool(column) and isinstance(column[0], str) for column in columns]
    widths = [max(map(len, column)) for column in cells]
    edge = max(map(len, index), default=0)
    lines = []
    for i, label in enumerate(["", *index]):
        parts = [c[i].ljust(w) if to_left else c[i].rjust(w) for c, w, to_left in zip(cells, widths, left, strict=True)]
        lines.append("  ".join([label.rjust(edge), *parts]).rstrip())
    return "\n".join(lines)


def _cell_html(value: Any) -> str:
    style = _LEFT if isinstance(value, str) and value != "..." else _STYLE
    return f'<td style="{style}">{html.escape(cell(value))}</td>'


def table_html(names: Sequence[str], columns: Sequence[Sequence[Any]], index: Sequence[str]) -> str:
    """A table in HTML."""
    head = "".join(f"<th>{html.escape(n)}</th>" for n in ["", *names])
    rows = []
    for i, label in enumerate(index):
        cells = "".join(_cell_html(c[i]) for c in columns)
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
