"""Hash tables of the keys of one block."""

from __future__ import annotations

import numpy as np
from arkserver_kernels import sets

from arkserver.engine import buffers
from arkserver.engine.blocks.grouping import unique_sorted
from arkserver.engine.blocks.radix import sort
from arkserver.engine.blocks.views import Array, Ints, raw
from arkserver.engine.threads import threads

# Samples that tell whether a block has few distinct keys, and how many are few: their table fits the cache.
SAMPLES, FEW = 1 << 12, 1 << 15


def empty_table(keys: int, words: int = 1) -> Array:
    """An empty hash table for so many keys of so many words, at most two thirds full."""
    table = buffers.empty(words << max(4, (keys + keys // 2).bit_length()), np.uint64)
    threads().each_chunk(lambda a, b: table[a:b].fill(0), len(table))
    return table


def few_distinct(x: Array) -> Array | None:
    """The distinct elements of a block of words, ascending, or None when a sample says that they are many."""
    keys = raw(x)
    if len(keys) < 8 * SAMPLES:
        return None
    sample = keys[:: len(keys) // SAMPLES]
    if 2 * len(np.unique(sample)) > len(sample):
        return None

    def collect(start: int, stop: int) -> Array | None:
        table = np.zeros(4 * FEW, np.uint64)
        many = sets.insert(keys[start:stop], table, FEW) < 0
        return None if many else table[table != 0]

    found = [found for found in threads().each_share(collect, len(keys)) if found is not None]
    if len(found) < len(threads().chunks(len(keys))):
        return None
    zero = np.zeros(int((keys == 0).any()), np.uint64)
    return unique_sorted(sort(np.concatenate([*found, zero]).view(x.dtype)))


def numbers_among(distinct: Array, keys: Array) -> Ints:
    """The place of each key (a word) in a block of distinct ones; -1 where it has none."""
    table, out = empty_table(len(distinct), 2), buffers.empty(len(keys), np.int64)
    sets.insert_numbered(distinct, table)
    threads().each_chunk(lambda a, b: sets.numbers_of(keys[a:b], table, out[a:b]), len(keys))
    return out
