"""Running sums, products and differences of one 1-D block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from arkserver_kernels import scanning

from arkserver.engine import buffers
from arkserver.engine.blocks.reducing import WIDE
from arkserver.engine.blocks.views import Array, plain, quiet
from arkserver.engine.threads import split, threads

# A chunk is read in so much of the time that its scan takes.
READING = 0.5
# Sums of up to so many floats are those of NumPy to the bit.
IN_TURN = 1 << 16


def cumulative_sum(x: Array, initial: Any = None, *, lead: bool = True) -> Array:
    """The running sum, int64 of int64 and bool, uint64 of unsigned, float64; integers modulo 2^64.

    With `initial`, the elements are added to this value, and the result is one longer: it begins with it, unless `lead`
    is false. Floats are added in turn where there are few, as NumPy does; of many, four together.
    """
    many = x.dtype.kind == "f" and len(x) > IN_TURN
    return _scan(x, np.add, scanning.sums_by_four if many else scanning.sums, initial, lead)


def cumulative_product(x: Array, initial: Any = None, *, lead: bool = True) -> Array:
    """The running product, of the dtypes of `cumulative_sum`; with `initial` and `lead` as there.

    Floats are multiplied in turn, by one thread: where a product overflows or vanishes depends on the order.
    """
    return _scan(x, np.multiply, scanning.products, initial, lead)


@quiet
def _scan(
    x: Array, combine: np.ufunc, kernel: Callable[[Array, Any, Array], None], initial: Any, lead: bool
) -> Array:  # fmt: skip
    """Scan the first chunk while all others but the last are reduced, then scan each of these from there."""
    wide = WIDE[x.dtype.kind]
    x = plain(x if x.dtype.itemsize == 8 or x.dtype.kind == "b" else x.astype(wide))
    begin = wide(combine.identity if initial is None else initial)
    out = buffers.empty(len(x) + (lead and initial is not None), wide)
    rest = out[len(out) - len(x) :]
    out[: len(out) - len(x)] = begin
    in_turn = combine is np.multiply and wide is np.float64
    chunks = [(0, len(x))] if in_turn else _chunks(len(x))
    starts, stops = [a for a, _ in chunks], [b for _, b in chunks]
    both = max(1, len(chunks) - 1)

    def scan(start: int, stop: int, carry: Any) -> Any:
        kernel(x[start:stop], carry, rest[start:stop])
        return rest[stop - 1] if stop else begin

    @quiet
    def first_pass(start: int, stop: int) -> Any:
        return combine.reduce(x[start:stop], dtype=wide) if start else scan(start, stop, begin)

    parts = threads().run(first_pass, starts[:both], stops[:both])
    threads().run(scan, starts[1:], stops[1:], combine.accumulate(np.array(parts, wide))[: len(chunks) - 1])
    return out


def _chunks(n: int) -> list[tuple[int, int]]:
    """Cut `n` elements for the two passes of a scan, so that all threads are busy in both: a short chunk first."""
    count = len(threads().chunks(n))
    if count == 1:
        return [(0, n)]
    first = max(1, int(READING * n / (count + READING)))
    return [(0, first), *((first + a, first + b) for a, b in split(n - first, count))]


def diff(x: Array) -> Array:
    """``x[1:] - x[:-1]``; of bool, whether they differ."""
    out = buffers.empty(max(len(x) - 1, 0), x.dtype)
    subtract = np.not_equal if x.dtype.kind == "b" else np.subtract
    threads().each_chunk(quiet(lambda a, b: subtract(x[a + 1 : b + 1], x[a:b], out=out[a:b])), len(out))
    return out
