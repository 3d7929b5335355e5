"""Element by element over one block: any function with NumPy's ``out=``, in pieces that stay in the cache, over the
threads, into memory from the pool.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import progress
from arkserver.engine.buffers import empty
from arkserver.engine.threads import threads

Function = Callable[..., Any]
"""Called as ``fn(*operands, out=out)``; its operands are 1-D pieces (or whole blocks) of one length, and scalars.

`out` may be one of the operands.
"""

# Elements of a piece: what a function of several passes writes in between stays in the second-level cache.
PIECE = 1 << 16


def apply(fn: Function, *operands: Any, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A new block, ``fn`` of the operands element by element.

    Parameters
    ----------
    fn : callable
        A NumPy ufunc, or any `Function`.
    *operands : ndarray or scalar
        At least one array; all arrays have the same shape and are C-ordered.
    dtype : dtype
        Of the result.
    """
    shape = next(o.shape for o in operands if isinstance(o, np.ndarray))
    out = empty(shape, dtype)
    apply_into(out, fn, *operands)
    return out


def apply_into(out: NDArray[Any], fn: Function, *operands: Any) -> None:
    """``out[...] = fn(*operands)``; an operand may be `out` itself."""
    if out.size <= PIECE:
        with np.errstate(all="ignore"):
            fn(*operands, out=out)
        return
    flat = [o.reshape(-1) if isinstance(o, np.ndarray) else o for o in operands]
    target, token = out.reshape(-1), progress.current()
    threads().each_chunk(lambda a, b: _pieces(fn, flat, target, token, a, b), out.size)


def _pieces(
    fn: Function, operands: list[Any], out: NDArray[Any], token: progress.Progress | None, start: int, stop: int
) -> None:
    with np.errstate(all="ignore"):
        for a in range(start, stop, PIECE):
            if token is not None:
                token.raise_if_cancelled()
            b = min(a + PIECE, stop)
            fn(*[o[a:b] if isinstance(o, np.ndarray) else o for o in operands], out=out[a:b])
