"""128-bit hashes of strings, numbers, categories and segments, alone and combined (chapter 9.6)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.indexing import check_bounds, gather
from arkserver.engine.blocks import text
from arkserver.engine.executor import Each, Executor
from arkserver.engine.values import BIGINT, DTYPES, Array, Column, Strings, starts
from arkserver.errors import UnsupportedError

Words = NDArray[np.uint64]
UINT64 = DTYPES["uint64"]


class Hashes(NamedTuple):
    """Upper and lower words of 128-bit hashes; uint64."""

    upper: Array
    lower: Array


def hashes(ex: Executor, x: Column) -> Hashes:
    """The hash of each string, or of each number.

    Raises
    ------
    UnsupportedError
        For uint8 and bigint.
    """
    if isinstance(x, Strings):
        return _pair(x, *ex.map_parts(2, text.hashes, x))
    if x.dtype == BIGINT or x.dtype == np.uint8:
        raise UnsupportedError(f"elements of {x.dtype} cannot be hashed; cast them first")
    return _pair(x, *ex.map_parts(2, _hash_numbers, x))


def _pair(like: Column, upper: Any, lower: Any) -> Hashes:
    return Hashes(*(Array(UINT64, like.shape, refs.values, like.rows) for refs in (upper, lower)))


def _hash_numbers(block: NDArray[Any]) -> tuple[Words, Words]:
    if block.dtype == np.bool_:
        return np.zeros(block.shape, np.uint64), block.astype(np.uint64)
    return text.hash_words(block)


def of_categories(ex: Executor, categories: Strings, codes: Array) -> Hashes:
    """The hash of the category that each code stands for."""
    check_bounds(ex, codes, categories.size, "categoricalHash")
    return Hashes(*(gather(ex, words, codes) for words in hashes(ex, categories)))


def combined(ex: Executor, columns: Sequence[Hashes]) -> Hashes:
    """One hash for each row of several columns: each column's is turned by its position, then all are joined by xor."""
    words = layout.align(ex, *(w for column in columns for w in column))
    return _pair(words[0], *ex.map_parts(2, _combined, *words))


def _combined(*words: Words) -> tuple[Words, Words]:
    upper, lower = words[0], words[1]
    for n in range(1, len(words) // 2):
        u, v = _turned(words[2 * n], n), _turned(words[2 * n + 1], n)
        tail = np.uint64((1 << n % 64) - 1)
        # The lower word keeps its own tail: that is not a rotation of 128 bits, but it is what the protocol has.
        upper, lower = upper ^ (u & ~tail) ^ (v & tail), lower ^ v
    return upper, lower


def _turned(x: Words, n: int) -> Words:
    turn = np.uint64(n % 64)
    return (x << turn) | (x >> ((np.uint64(64) - turn) & np.uint64(63)))


def of_segments(ex: Executor, segments: Array, values: Column) -> Hashes:
    """One hash for each segment of `values`, from its elements and their places in it.

    The places keep equal elements from cancelling each other; hashing twice keeps segments with the same elements, cut
    elsewhere, apart.
    """
    begins = layout.to_numpy(ex, segments)
    places = Array(
        DTYPES["int64"], values.shape, ex.map(_places, Each(starts(values.rows)), Each(values.rows), begins).values,
        values.rows,
    )  # fmt: skip
    once = combined(ex, [hashes(ex, values), hashes(ex, places)])
    twice = combined(ex, [hashes(ex, once.upper), hashes(ex, once.lower)])
    return Hashes(*(_xor(ex, words, begins) for words in twice))


def _places(start: int, count: int, begins: NDArray[np.int64]) -> NDArray[np.int64]:
    here = np.arange(start, start + count)
    return here - begins[np.searchsorted(begins, here, side="right") - 1]


def _xor(ex: Executor, words: Array, begins: NDArray[np.int64]) -> Array:
    parts = ex.collect(_xor_here, words, Each(starts(words.rows)), begins)
    return layout.from_numpy(ex, np.bitwise_xor.reduce(np.array(parts, np.uint64), axis=0))


def _xor_here(block: Words, start: int, begins: NDArray[np.int64]) -> Words:
    """What a block adds to each segment: a difference of running xors."""
    running = np.zeros(len(block) + 1, np.uint64)
    np.bitwise_xor.accumulate(block, out=running[1:])
    cuts = np.clip(np.append(begins, start + len(block)) - start, 0, len(block))
    found: Words = np.bitwise_xor(running[cuts[1:]], running[cuts[:-1]])
    return found
