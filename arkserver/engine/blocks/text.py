"""Strings of one block: choosing, comparing, hashing, and the protocol's form, which ends every string with a NUL."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from arkserver_kernels import text as kernels
from numpy.typing import NDArray

from arkserver.engine import buffers
from arkserver.engine.blocks import moving
from arkserver.engine.blocks.views import Bools, Ints, plain
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

Bytes = NDArray[np.uint8]


def size(block: TextBlock) -> int:
    """Number of strings."""
    return len(block.offsets) - 1


def lengths(block: TextBlock) -> Ints:
    """Bytes of each string."""
    return np.diff(block.offsets)


def item(block: TextBlock, i: int) -> bytes:
    """String number `i`."""
    return block.data[block.offsets[i] : block.offsets[i + 1]].tobytes()


def to_list(block: TextBlock) -> list[bytes]:
    """The strings as Python's bytes."""
    data, offsets = block.data.tobytes(), block.offsets.tolist()
    return [data[a:b] for a, b in pairwise(offsets)]


def from_list(strings: Sequence[bytes]) -> TextBlock:
    """A block of given strings."""
    counts = np.fromiter(map(len, strings), np.int64, len(strings))
    return TextBlock(offsets_of(counts), np.frombuffer(b"".join(strings), np.uint8))


def offsets_of(counts: Ints) -> Ints:
    """Where each of some runs starts, and where the last one ends, from their lengths."""
    out = buffers.empty(len(counts) + 1, np.int64)
    out[0] = 0
    np.cumsum(counts, out=out[1:])
    return out


def ranges(data: Bytes, starts: Ints, counts: Ints) -> TextBlock:
    """The strings ``data[starts[i]:starts[i] + counts[i]]``."""
    offsets = offsets_of(counts)
    out = buffers.empty(int(offsets[-1]), np.uint8)
    copy_ranges(data, starts, counts, out, offsets)
    return TextBlock(offsets, out)


def copy_ranges(data: Bytes, starts: Ints, counts: Ints, out: Bytes, places: Ints) -> None:
    """Copy range i of `data` to ``out[places[i]:]``."""
    data, starts, counts, places = plain(data), plain(starts), plain(counts), plain(places)
    threads().each_chunk(
        lambda a, b: kernels.copy_ranges(data, starts[a:b], counts[a:b], out, places[a:b]), len(starts), 1 << 12
    )


def gather(block: TextBlock, index: Ints) -> TextBlock:
    """The strings at int64 positions that are in range."""
    return ranges(block.data, *bounds(block, index))


def bounds(block: TextBlock, index: Ints) -> tuple[Ints, Ints]:
    """Where the strings at int64 positions that are in range start, and their lengths."""
    starts, counts = buffers.empty(len(index), np.int64), buffers.empty(len(index), np.int64)
    offsets, at = plain(block.offsets), plain(index)
    threads().each_chunk(
        lambda a, b: kernels.bounds_of(offsets, at[a:b], starts[a:b], counts[a:b]), len(index), 1 << 12
    )
    return starts, counts


def compress(block: TextBlock, mask: Bools) -> TextBlock:
    """The strings where the mask is true."""
    return gather(block, moving.nonzero(mask))


def equal(left: TextBlock, right: TextBlock) -> Bools:
    """Whether the strings of two blocks of one length are equal, one by one."""
    out = buffers.empty(size(left), np.bool_)
    a, b = TextBlock(plain(left.offsets), plain(left.data)), TextBlock(plain(right.offsets), plain(right.data))
    threads().each_chunk(
        lambda i, j: kernels.equal(a.offsets[i : j + 1], a.data, b.offsets[i : j + 1], b.data, out[i:j]), len(out)
    )
    return out


def equal_to(block: TextBlock, literal: bytes) -> Bools:
    """Whether each string equals `literal`."""
    out = buffers.empty(size(block), np.bool_)
    offsets, data, wanted = plain(block.offsets), plain(block.data), plain(np.frombuffer(literal, np.uint8))
    threads().each_chunk(lambda i, j: kernels.equal_to(offsets[i : j + 1], data, wanted, out[i:j]), len(out))
    return out


def hashes(block: TextBlock) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """128-bit SipHash of each string with the NUL that ends it on the wire, as upper and lower words."""
    return hash_ranges(block.data, block.offsets[:-1], lengths(block), padding=1)


def hash_ranges(
    data: Bytes, starts: Ints, counts: Ints, padding: int = 0
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """128-bit SipHash of ranges of bytes, each followed by `padding` zero bytes."""
    upper, lower = buffers.empty(len(starts), np.uint64), buffers.empty(len(starts), np.uint64)
    data, starts, counts = plain(data), plain(starts), plain(counts)
    threads().each_chunk(
        lambda a, b: kernels.hash_ranges(data, starts[a:b], counts[a:b], padding, upper[a:b], lower[a:b]),
        len(starts),
        1 << 12,
    )
    return upper, lower


def hash_words(x: NDArray[np.generic]) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """128-bit SipHash of the 8 little-endian bytes of each 64-bit element."""
    data = np.ascontiguousarray(x).view(np.uint8)
    return hash_ranges(data, np.arange(0, len(data), 8), np.full(len(x), 8))


def hash_words64(x: NDArray[np.generic]) -> NDArray[np.uint64]:
    """64-bit SipHash of the 8 little-endian bytes of each 64-bit element."""
    words = plain(x.view(np.uint64))
    out = buffers.empty(len(x), np.uint64)
    threads().each_chunk(lambda a, b: kernels.hash_words64(words[a:b], out[a:b]), len(x), 1 << 12)
    return out


def add_terminators(block: TextBlock) -> Bytes:
    """The bytes of all strings, a NUL after each."""
    n = size(block)
    out = buffers.empty(len(block.data) + n, np.uint8)
    places = block.offsets + np.arange(n + 1)
    copy_ranges(block.data, block.offsets[:-1], lengths(block), out, places)
    moving.scatter_scalar(out, places[1:] - 1, 0)
    return out


def strip_terminators(data: Bytes) -> TextBlock:
    """The strings of bytes in which a NUL ends each of them (the last one may lack it)."""
    is_end = data == 0
    ends = moving.nonzero(is_end)
    if len(data) and not is_end[-1]:
        ends = np.append(ends, len(data))
    counts = np.diff(ends, prepend=-1) - 1
    return ranges(data, ends - counts, counts)


def repeated(literal: bytes, count: int) -> TextBlock:
    """The same string `count` times."""
    data = np.tile(np.frombuffer(literal, np.uint8), count)
    return TextBlock(np.arange(count + 1) * len(literal), data)


def where(mask: Bools, left: TextBlock, right: TextBlock) -> TextBlock:
    """Strings of `left` where the mask is true, else of `right`."""
    counts = np.where(mask, lengths(left), lengths(right))
    offsets = offsets_of(counts)
    out = buffers.empty(int(offsets[-1]), np.uint8)
    for side, chosen in ((left, moving.nonzero(mask)), (right, moving.nonzero(~mask))):
        starts, places = moving.gather(side.offsets, chosen), moving.gather(offsets, chosen)
        copy_ranges(side.data, starts, moving.gather(counts, chosen), out, places)
    return TextBlock(offsets, out)


def joined(left: TextBlock, between: bytes, right: TextBlock) -> TextBlock:
    """Strings of `left` and `right`, pair by pair, with `between` in the middle."""
    ahead, behind, middle = lengths(left), lengths(right), np.full(size(left), len(between))
    offsets = offsets_of(ahead + middle + behind)
    out = buffers.empty(int(offsets[-1]), np.uint8)
    places = offsets[:-1]
    copy_ranges(left.data, left.offsets[:-1], ahead, out, places)
    copy_ranges(np.frombuffer(between, np.uint8), np.zeros_like(middle), middle, out, places + ahead)
    copy_ranges(right.data, right.offsets[:-1], behind, out, places + ahead + middle)
    return TextBlock(offsets, out)
