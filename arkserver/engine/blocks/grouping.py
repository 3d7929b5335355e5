"""Groups of one block: the stable order by the keys, and where each run of equal keys starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from arkserver_kernels import groups

from arkserver.engine import buffers
from arkserver.engine.blocks.moving import gather, nonzero
from arkserver.engine.blocks.orders import SIGNED, UNSIGNED, Order
from arkserver.engine.blocks.sorting import coargsort_marked
from arkserver.engine.blocks.views import Array, Ints, plain, raw
from arkserver.engine.threads import threads


def group_order(dtype: np.dtype[np.generic]) -> Order:
    """The order of group keys: floats by their bits as unsigned numbers, so negative ones come behind positive ones."""
    return SIGNED if dtype.kind == "i" else UNSIGNED


def group(keys: Sequence[Array]) -> tuple[Ints, Ints]:
    """Group by one key or several of equal length (protocol reference 9.4, rule 1).

    Parameters
    ----------
    keys : sequence of ndarray
        1-D blocks of int64, uint64, float64, uint8 or bool; the first is most significant.

    Returns
    -------
    permutation : ndarray of int64
        The stable order by the keys.
    segments : ndarray of int64
        Where in that order each run of equal keys starts.
    """
    permutation, new = coargsort_marked(keys, [group_order(k.dtype) for k in keys])
    return permutation, nonzero(new)


def segment_starts(sorted_keys: Array) -> Ints:
    """Where each run of equal elements (by their bits) of a 1-D block starts."""
    if not len(sorted_keys):
        return np.empty(0, np.int64)
    bits, new = raw(sorted_keys), buffers.empty(len(sorted_keys), np.bool_)
    new[0] = True
    threads().each_chunk(lambda a, b: groups.mark_runs(bits[a : b + 1], new[a + 1 : b + 1]), len(new))
    return nonzero(new)


def unique_sorted(x: Array) -> Array:
    """The distinct elements of a sorted block."""
    starts = segment_starts(x)
    return x if len(starts) == len(x) else gather(x, starts)


def segment_lengths(segments: Ints, size: int) -> Ints:
    """The lengths of the segments that start at `segments`, the last one ending at `size`."""
    return np.diff(segments, append=np.int64(size))


def run_over_segments(segments: Ints, size: int, fn: Callable[[int, int], None]) -> None:
    """``fn(first, stop)`` for ranges of segments that hold about equally many elements, side by side."""
    pieces = len(threads().chunks(size + len(segments)))
    pieces = 1 if pieces == 1 else 4 * pieces
    cuts = np.searchsorted(segments, np.linspace(0, size, pieces + 1)[1:-1])
    edges = np.unique(np.concatenate([[0], cuts, [len(segments)]]))
    threads().run(fn, edges[:-1].tolist(), edges[1:].tolist())


def broadcast_segments(values: Array, segments: Ints, size: int) -> Array:
    """Repeat each segment's value over it: an array of `size` elements."""
    out = buffers.empty(size, values.dtype)
    starts, bits, spread = plain(segments), raw(values), raw(out)
    run_over_segments(starts, size, lambda g, stop: groups.spread(bits, starts, g, stop, size, spread))
    return out


def codes_of_groups(permutation: Ints, segments: Ints) -> Ints:
    """The number of each element's group."""
    out = buffers.empty(len(permutation), np.int64)
    places, starts, n = plain(permutation), plain(segments), len(permutation)
    run_over_segments(starts, n, lambda g, stop: groups.spread_codes(places, starts, g, stop, n, out))
    return out


def factorize(keys: Array) -> tuple[Ints, Array]:
    """The number of each element's distinct value, and the distinct values in ascending order (`group_order`)."""
    permutation, segments = group([keys])
    return codes_of_groups(permutation, segments), gather(keys, gather(permutation, segments))
