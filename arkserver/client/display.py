"""How values look: text and HTML of arrays and tables. Only what is shown is fetched."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arkserver.client.arrays import Array

# More elements than this along an axis are abbreviated.
THRESHOLD = 100

_STYLE = "text-align:right;padding:2px 8px"


def array_str(x: Array) -> str:
    """The elements, abbreviated."""
    return x.session.text("str", array=x, printThresh=THRESHOLD)


def array_repr(x: Array) -> str:
    """The elements, abbreviated, with dtype and, where it cannot be seen, shape."""
    shape = "" if x.ndim == 1 and x.size <= THRESHOLD else f", shape={x.shape}"
    return f"Array({array_str(x)}{shape}, dtype={x.dtype_name})"


def array_html(x: Array) -> str:
    """The elements over a line of facts."""
    return f"<pre>{html.escape(array_str(x))}</pre>{note(f'{x.dtype_name}, shape {x.shape}, {size_text(x.nbytes)}')}"


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


def table_html(names: Sequence[str], columns: Sequence[Sequence[Any]], index: Sequence[str]) -> str:
    """A table in HTML."""
    head = "".join(f"<th>{html.escape(n)}</th>" for n in ["", *names])
    rows = []
    for i, label in enumerate(index):
        cells = "".join(f'<td style="{_STYLE}">{html.escape(cell(c[i]))}</td>' for c in columns)
        rows.append(f"<tr><th>{html.escape(label)}</th>{cells}</tr>")
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>"
