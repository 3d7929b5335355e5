"""Movement within one block: gather, scatter, compress, copy, fill."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from arkserver_kernels import moving

from arkserver.engine import buffers
from arkserver.engine.blocks.views import Array, Bools, Ints, has_bits, plain, raw
from arkserver.engine.threads import split, threads

# Threads that scatter side by side; each reads all indexes, so more of them gain little.
SCATTERING = 4
# Pieces are read where they lie when a table of this size says where each begins; else they are put end to end.
MOST_RANGES = 1 << 12
WORD = (1 << 64) - 1


def gather(x: Array, index: Ints) -> Array:
    """``x[index]`` of a 1-D block for int64 indexes known to be in ``0 .. len(x) - 1``.

    Parameters
    ----------
    x : ndarray
        Of any dtype.
    index : ndarray of int64
        See `minmax` for the check.
    """
    out = buffers.empty(len(index), x.dtype)
    if not has_bits(x):
        threads().each_chunk(lambda a, b: np.take(x, index[a:b], out=out[a:b], mode="clip"), len(index))
        return out
    bits, index, moved = raw(x), plain(index), raw(out)
    threads().each_chunk(lambda a, b: moving.gather(bits, index[a:b], moved[a:b]), len(index))
    return out


def gather_across(pieces: Sequence[Array], index: Ints) -> Array:
    """`gather` from 1-D pieces (at least one) that are one array, without putting them end to end."""
    filled = [p for p in pieces if len(p)] or pieces[:1]
    shift = min(map(len, filled)).bit_length() - 1
    total = sum(map(len, filled))
    if len(filled) == 1 or not has_bits(filled[0]) or total >> shift >= MOST_RANGES:
        return gather(concatenate(filled), index)
    bits = [raw(p) for p in filled]
    edges, bases = _ranges(bits, total, shift)
    out, index = buffers.empty(len(index), filled[0].dtype), plain(index)
    moved = raw(out)
    threads().each_chunk(lambda a, b: moving.gather_across(edges, bases, shift, index[a:b], moved[a:b]), len(index))
    return out


def _ranges(pieces: Sequence[Array], total: int, shift: int) -> tuple[Ints, Ints]:
    """For each ``1 << shift`` rows the row where a piece begins, and the bases before and from there on."""
    begins = np.cumsum([0, *map(len, pieces)])
    bases = np.array([p.ctypes.data - p.itemsize * b for p, b in zip(pieces, begins.tolist(), strict=False)])
    last = len(pieces) - 1
    firsts = np.arange((total >> shift) + 1) << shift
    before = np.searchsorted(begins[1:-1], firsts, side="right")
    return begins[before + 1], np.column_stack([bases[before], bases[np.minimum(before + 1, last)]]).ravel()


def scatter(out: Array, index: Array, values: Array) -> None:
    """``out[index] = values`` in place, for int64 or uint32 indexes in range; of equal indexes the last one wins."""
    if not len(index):
        return
    if not has_bits(out):
        out[index] = values
        return
    bits, index, moved = raw(out), plain(index), raw(values.astype(out.dtype, copy=False))
    shares = min(threads().count, SCATTERING) if len(index) > 1 << 16 else 1
    cuts = [(a, b) for a, b in split(len(out), shares) if a < b]
    threads().run(lambda a, b: moving.scatter(bits, index, moved, a, b), *zip(*cuts, strict=True))


def scatter_scalar(out: Array, index: Array, value: Any) -> None:
    """``out[index] = value`` in place, for int64 or uint32 indexes in range."""
    if not has_bits(out):
        out[index] = value
        return
    bits, index = raw(out), plain(index)
    word = raw(np.array([value], out.dtype))[0]
    threads().each_chunk(lambda a, b: moving.scatter_scalar(bits, index[a:b], word), len(index))


def compress(x: Array, mask: Bools) -> Array:
    """``x[mask]`` of a 1-D block."""
    if not has_bits(x):
        return x[mask]
    bits = raw(x)
    return _compacted(mask, x.dtype, lambda start, part, out: moving.compress(bits[start:], part, raw(out)))


def nonzero(mask: Bools) -> Ints:
    """The int64 positions of the ones of a 1-D mask."""
    return _compacted(mask, np.dtype(np.int64), lambda start, part, out: moving.nonzero(part, start, out))


def _compacted(mask: Bools, dtype: np.dtype[Any], write: Callable[[int, Bools, Array], None]) -> Array:
    """Let every chunk write what its ones select to its place of the result."""
    mask = plain(mask)
    chunks = threads().chunks(len(mask))
    starts, stops = [a for a, _ in chunks], [b for _, b in chunks]
    counts = threads().run(lambda a, b: np.count_nonzero(mask[a:b]), starts, stops)
    ends = np.cumsum(counts)
    out = buffers.empty(int(ends[-1]), dtype)

    def step(start: int, stop: int, end: int, count: int) -> None:
        write(start, mask[start:stop], out[end - count : end])

    threads().run(step, starts, stops, ends.tolist(), counts)
    return out


def copy(x: Array) -> Array:
    """A C-ordered copy of a block of any rank."""
    out = buffers.empty(x.shape, x.dtype)
    copy_into(out, x)
    return out


def copy_into(out: Array, x: Array) -> None:
    """``out[...] = x``; same shape, any dtype that casts."""
    if out.ndim == 0:
        out[...] = x
        return
    minimum = max(1, (1 << 15) * len(out) // max(1, out.size))
    threads().each_chunk(lambda a, b: np.copyto(out[a:b], x[a:b], casting="unsafe"), len(out), minimum)


def fill(out: Array, value: Any) -> None:
    """``out[...] = value`` of a C-ordered block."""
    flat = out.reshape(-1)
    if flat.dtype.itemsize != 8 or not has_bits(flat):
        threads().each_chunk(lambda a, b: flat[a:b].fill(value), flat.size)
        return
    words, word = raw(flat), raw(np.array([value], flat.dtype))[0]
    threads().each_chunk(lambda a, b: moving.ramp(words[a:b], word, np.uint64(0)), flat.size)


def full(shape: int | tuple[int, ...], value: Any, dtype: np.dtype[Any] | type) -> Array:
    """A new block of one value."""
    out = buffers.empty(shape, dtype)
    fill(out, value)
    return out


def ramp(out: Array, start: int, step: int) -> None:
    """``out[i] = start + i * step`` modulo 2^64 of int64 or uint64; in the calling thread."""
    moving.ramp(raw(out), np.uint64(start & WORD), np.uint64(step & WORD))


def minmax(x: Ints) -> tuple[int, int]:
    """Least and greatest of a 1-D int64 block, for bounds checks; ``(0, -1)`` when it is empty."""
    if not len(x):
        return 0, -1
    x = plain(x)

    def measure(start: int, stop: int) -> Ints:
        out = np.empty(2, np.int64)
        moving.minmax(x[start:stop], out)
        return out

    found = np.array(threads().each_chunk(measure, len(x)))
    return int(found[:, 0].min()), int(found[:, 1].max())


def concatenate(parts: Sequence[Array]) -> Array:
    """1-D blocks of one dtype (at least one) end to end."""
    if len(parts) == 1:
        return parts[0]
    ends = np.cumsum([len(p) for p in parts]).tolist()
    out = buffers.empty(ends[-1], parts[0].dtype)
    for part, end in zip(parts, ends, strict=True):
        copy_into(out[end - len(part) : end], part)
    return out
