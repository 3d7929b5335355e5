"""Order along one axis of a block of several axes."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from arkserver.engine import buffers
from arkserver.engine.blocks import sorting
from arkserver.engine.blocks.codes import codes, keys_of
from arkserver.engine.blocks.moving import copy
from arkserver.engine.blocks.views import Array
from arkserver.engine.threads import threads

# Lanes from this length on are sorted one by one, by radix on all threads; shorter ones many at a time.
LONG = 1 << 14

Sort = Callable[[Array], Array]


def sort(x: Array, axis: int) -> Array:
    """A copy, sorted along `axis`."""
    return _lanes(x, axis, x.dtype, sorting.sort, lambda lanes: keys_of(np.sort(codes(lanes), axis=1), x.dtype))


def argsort(x: Array, axis: int) -> Array:
    """The int64 positions along `axis` that sort, stable."""
    order = np.dtype(np.int64)
    return _lanes(x, axis, order, sorting.argsort, lambda lanes: np.argsort(codes(lanes), axis=1, kind="stable"))


def _lanes(x: Array, axis: int, dtype: np.dtype[Any], one: Sort, many: Sort) -> Array:
    turned = np.moveaxis(x, axis, -1)
    lanes = (turned if turned.flags.c_contiguous else copy(turned)).reshape(math.prod(turned.shape[:-1]), x.shape[axis])
    out = buffers.empty(lanes.shape, dtype)
    if lanes.shape[1] >= LONG:
        for lane, target in zip(lanes, out, strict=True):
            target[:] = one(lane)
    else:

        def chunk(start: int, stop: int) -> None:
            out[start:stop] = many(lanes[start:stop])

        threads().each_chunk(chunk, len(lanes), max(1, LONG // max(1, lanes.shape[1])))
    return np.ascontiguousarray(np.moveaxis(out.reshape(turned.shape), -1, axis))
