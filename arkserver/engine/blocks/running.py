"""Running sums, products and differences of one block along an axis."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.engine.blocks import moving, scanning
from arkserver.engine.blocks.folding import each_rows
from arkserver.engine.blocks.views import Array, quiet
from arkserver.engine.buffers import empty
from arkserver.engine.threads import threads

UFUNCS = {"sum": np.add, "prod": np.multiply}


def accumulate(x: Array, op: str, axis: int, carry: Any = None, lead: bool = False) -> Array:
    """The running sum or product along an axis, of the dtype of `x`.

    Parameters
    ----------
    op : str
        ``sum`` or ``prod``.
    carry : scalar or ndarray, optional
        What comes before the block's first row (axis 0); None for the identity.
    lead : bool
        Begin with what comes before, so that the result is one longer.
    """
    if x.ndim == 1 and x.dtype.itemsize == 8 and not x.dtype.hasobject:
        return _accumulate_numbers(x, op, carry, lead)
    begin = UFUNCS[op].identity if carry is None else carry
    out = empty(tuple(n + (lead and a == axis) for a, n in enumerate(x.shape)), x.dtype)
    lanes, source = np.moveaxis(out, axis, 0), np.moveaxis(x, axis, 0)
    lanes[: len(lanes) - len(source)] = begin
    target = lanes[len(lanes) - len(source) :]
    if axis == 0:
        _accumulate_into(target, source, op, carry)
    else:
        each_rows(x, lambda a, b: _accumulate_into(target[:, a:b], source[:, a:b], op, None))
    return out


def _accumulate_numbers(x: Array, op: str, carry: Any, lead: bool) -> Array:
    scan = scanning.cumulative_sum if op == "sum" else scanning.cumulative_product
    # Not cut from a longer result: that took up to 1.6 times as long, most likely since writes that are 8 bytes ahead
    # of the reads, modulo a page, make these wait.
    return scan(x, UFUNCS[op].identity if carry is None else carry, lead=lead)


@quiet
def _accumulate_into(target: Array, source: Array, op: str, carry: Any) -> None:
    ufunc = UFUNCS[op]
    if (
        carry is not None and op == "prod" and source.dtype.kind == "f"
    ):  # in this order, as floats may overflow or vanish on the way
        first = np.broadcast_to(np.asarray(carry, source.dtype), source.shape[1:])[None]
        target[...] = ufunc.accumulate(np.concatenate([first, source]), axis=0, dtype=source.dtype)[1:]
        return
    ufunc.accumulate(source, axis=0, dtype=source.dtype, out=target)
    if carry is not None:
        ufunc(target, carry, out=target)


def difference(x: Array, axis: int, following: Array | None = None) -> Array:
    """Each element subtracted from the next along an axis; of bool, whether they differ.

    Parameters
    ----------
    following : ndarray, optional
        The row that follows the block (axis 0); without it the result is one shorter.
    """
    if axis > 0:
        lanes = np.moveaxis(x, axis, 0)
        return moving.copy(np.moveaxis(_subtract(lanes[1:], lanes[:-1]), 0, axis))
    out = empty((max(0, len(x) - (following is None)), *x.shape[1:]), x.dtype)
    inner = max(0, len(x) - 1)
    threads().each_chunk(lambda a, b: _subtract(x[a + 1 : b + 1], x[a:b], out[a:b]), inner)
    if following is not None and len(x):
        _subtract(following, x[-1:], out[-1:])
    return out


@quiet
def _subtract(later: Array, earlier: Array, out: Array | None = None) -> Array:
    ufunc = np.not_equal if later.dtype.kind == "b" else np.subtract
    return np.asarray(ufunc(later, earlier, out=out))
