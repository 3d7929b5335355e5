"""Key columns of one block, be they numbers or strings: what distributing and sorting rows needs of both."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arkserver.engine.blocks import moving, sorting, text, textorder
from arkserver.engine.blocks.codes import codes
from arkserver.engine.blocks.radix import NO_ROWS
from arkserver.engine.blocks.views import Ints
from arkserver.engine.layout import concatenate_blocks, join_text, slice_text
from arkserver.engine.values import TextBlock

Key = Any
"""A 1-D array or a `TextBlock`."""


def size(key: Key) -> int:
    """Number of rows."""
    return text.size(key) if isinstance(key, TextBlock) else len(key)


def gather(key: Key, index: Ints) -> Key:
    """The rows at positions that are in range."""
    return text.gather(key, index) if isinstance(key, TextBlock) else moving.gather(key, index)


def part(key: Key, start: int, stop: int) -> Key:
    """Rows ``start .. stop - 1``."""
    return slice_text(key, start, stop) if isinstance(key, TextBlock) else key[start:stop]


def joined(parts: Sequence[Key]) -> Key:
    """Rows end to end."""
    if isinstance(parts[0], TextBlock):
        return join_text(parts)
    return concatenate_blocks(parts, parts[0].dtype)


def coargsort(columns: Sequence[Key], rows: Ints = NO_ROWS) -> Ints:
    """The stable permutation that sorts by several columns, the first most significant; strings bytewise.

    Where the columns come from other rows than 0, 1, ..., `rows` names these, ascending; the result consists of them.
    """
    if len(columns) == 1 and isinstance(columns[0], TextBlock):
        permutation = textorder.argsort(columns[0])
        return moving.gather(rows, permutation) if len(rows) else permutation
    return sorting.coargsort([textorder.ordinals(c) if isinstance(c, TextBlock) else c for c in columns], rows)


def between(key: Key, distinct: Key) -> Ints:
    """Twice the number of `distinct` (ascending) keys before each row, and one more where it equals the next."""
    if isinstance(key, TextBlock):
        return textorder.between(key, distinct)
    coded, known = codes(key), codes(distinct)
    if not len(known):
        return np.zeros(len(coded), np.int64)
    below = sorting.searchsorted(known, coded)
    equal = moving.gather(known, np.minimum(below, len(known) - 1)) == coded
    below += below
    below += equal
    return below


def distinct(key: Key) -> Key:
    """The distinct rows of a few, ascending."""
    if isinstance(key, TextBlock):
        permutation, new = textorder.argsort_marked_text(key)
        return text.gather(key, permutation[new])
    order = sorting.argsort(key)
    values = moving.gather(key, order)
    coded = codes(values)
    return values[np.concatenate([[True], coded[1:] != coded[:-1]])] if len(values) else values
