"""``str`` and ``repr`` of arrays, exactly as the protocol's clients expect them (chapter 7.2)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.formats import float_text

EDGE = 3
"""elements shown on either side of the dots"""

Picker = Callable[[tuple[int, ...]], Any]


def shown_positions(extent: int, threshold: int) -> list[int | None]:
    """Which positions along one axis are shown; None stands for the dots."""
    if extent <= threshold or extent <= 2 * EDGE:
        return list(range(extent))
    return [*range(EDGE), None, *range(extent - EDGE, extent)]


def thresholds(ndim: int, threshold: int) -> list[int]:
    """The length from which each axis is abbreviated: the innermost by `threshold`, the others by a share of it."""
    return [threshold // ndim] * (ndim - 1) + [threshold] if ndim else []


def shown_rows(shape: tuple[int, ...], threshold: int) -> list[int]:
    """The positions of the first axis that the text needs."""
    limit = thresholds(len(shape), threshold)[0]
    return [i for i in shown_positions(shape[0], limit) if i is not None]


def array_text(shape: tuple[int, ...], threshold: int, row: Callable[[int], NDArray[Any]], *, is_repr: bool) -> str:
    """The text of an array.

    Parameters
    ----------
    shape : tuple of int
    threshold : int
        The client's print threshold.
    row : callable
        Gives the contents at one position of the first axis (of `shown_rows`).
    is_repr : bool
        ``repr`` writes ``array([...])`` at every level and floats with 17 digits, ``str`` with 6.
    """
    limits = thresholds(len(shape), threshold)
    prefix, suffix = ("array([", "])") if is_repr else ("[", "]")
    show = _repr_element if is_repr else _str_element

    def level(extent: int, depth: int, at: Callable[[int], Any]) -> str:
        inner = " ".join(_parts(extent, limits[depth], lambda i: text(at(i), depth + 1)))
        return f"{prefix}{inner}{suffix}"

    def text(x: Any, depth: int) -> str:
        if depth == len(shape):
            return show(x)
        return level(shape[depth], depth, lambda i: x[i])

    # A 0-d array is shown as its clients see it: with one dimension.
    return level(shape[0], 0, row) if shape else f"{prefix}{show(row(0))}{suffix}"


def shown_entries(count: int, threshold: int) -> list[int | None]:
    """Which entries of a sparse matrix are shown; None stands for those left out."""
    if count < threshold or count <= 2 * EDGE:
        return list(range(count))
    return [*range(EDGE), None, *range(count - EDGE, count)]


def entries_text(shown: Sequence[int | None], entries: Iterable[tuple[Any, Any, Any]]) -> str:
    """A line for each entry that is shown, with its row, column and value."""
    remaining = iter(entries)
    lines = []
    for position in shown:
        if position is None:
            lines.append("  :     :\n")
        else:
            row, column, value = next(remaining)
            lines.append(f"{f'  ({row}, {column})':<16}{_str_element(value)}\n")
    return "".join(lines)


def _parts(extent: int, limit: int, text: Callable[[int], str]) -> Iterator[str]:
    for i in shown_positions(extent, limit):
        yield "..." if i is None else text(i)


def _str_element(x: Any) -> str:
    if not isinstance(x, float | np.floating):
        return str(x)
    text = f"{float(x):g}"
    return f"{text}.0" if text.lstrip("-").isdigit() else text


def _repr_element(x: Any) -> str:
    return float_text(float(x)) if isinstance(x, float | np.floating) else str(x)
