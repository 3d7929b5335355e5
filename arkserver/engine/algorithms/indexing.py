"""Reading and writing parts of arrays by position, slice, mask and index array."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.executor import Each, Executor
from arkserver.engine.values import Array, starts


def rows_at(ex: Executor, x: Array, positions: NDArray[np.int64]) -> NDArray[Any]:
    """The contents at a few positions of the first axis, here; only the blocks that hold them are asked."""
    parts = ex.collect(_rows_in_block, x, Each(starts(x.rows)), positions)
    out = np.empty((len(positions), *x.shape[1:]), x.dtype)
    for where, values in parts:
        out[where] = values
    return out


def row_at(ex: Executor, x: Array, position: int) -> Any:
    """The contents at one position of the first axis, here; of a 0-d array its element."""
    if x.ndim == 0:
        return ex.fetch(x.blocks)[0][()]
    return rows_at(ex, x, np.array([position]))[0]


def _rows_in_block(
    block: NDArray[Any], start: int, positions: NDArray[np.int64]
) -> tuple[NDArray[np.bool_], NDArray[Any]]:
    where = (positions >= start) & (positions < start + len(block))
    return where, block[positions[where] - start]
