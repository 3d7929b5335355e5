"""Which file each row came from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.executor import Each, Executor
from arkserver.engine.values import Array, starts

TAG = "Filename_Codes"
"""the column that tells it"""


def file_codes(ex: Executor, rows_of_files: Sequence[int]) -> Array:
    """For each row the position of its file."""
    edges = np.cumsum([0, *rows_of_files])
    total = int(edges[-1])
    rows = layout.even_rows(total, ex.width)
    refs = ex.map(_file_codes, Each(starts(rows)), Each(rows), edges)
    return Array(np.dtype(np.int64), (total,), refs.values, rows)


def _file_codes(start: int, rows: int, edges: NDArray[np.int64]) -> NDArray[np.int64]:
    local = np.clip(edges - start, 0, rows)
    return np.repeat(np.arange(len(local) - 1), local[1:] - local[:-1])
