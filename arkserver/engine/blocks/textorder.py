"""Order of the strings of one block: bytewise sort, and strings as numbers that group as they do."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from arkserver_kernels import text_order as kernels
from numpy.typing import NDArray

from arkserver.engine import buffers
from arkserver.engine.blocks import grouping, text
from arkserver.engine.blocks.grouping import codes_of_groups
from arkserver.engine.blocks.moving import compress, gather, nonzero, scatter
from arkserver.engine.blocks.orders import UNSIGNED
from arkserver.engine.blocks.radix import argsort_marked
from arkserver.engine.blocks.sorting import by_run_and_word
from arkserver.engine.blocks.texttable import Numbered, numbered, renumbered
from arkserver.engine.blocks.views import Bools, Ints, plain
from arkserver.engine.threads import threads
from arkserver.engine.values import TextBlock

Words = NDArray[np.uint64]

WORD = 8
"""bytes of a string that one number holds"""

MOST_AS_INTEGERS = 15
"""the longest strings, in bytes, that become integers when they are the only key"""


class Ranked(NamedTuple):
    """Strings as numbers that compare as they do."""

    codes: Ints
    """the number of each string"""
    firsts: Ints
    """the row where each number stood first"""


def argsort(block: TextBlock) -> Ints:
    """The stable permutation that sorts bytewise, a prefix before what it begins."""
    return argsort_marked_text(block)[0]


def argsort_marked_text(block: TextBlock) -> tuple[Ints, Bools]:
    """`argsort`, and where in that order a run of equal strings begins."""
    found = numbered(block)
    return _by_words(block, *_bounds(block)) if found is None else argsort_marked(_ranked(block, found).codes)


def _ranked(block: TextBlock, found: Numbered) -> Ranked:
    """The numbers in the order of the strings."""
    order = _by_words(block, *text.bounds(block, found.firsts))[0]
    return Ranked(renumbered(found, order), gather(found.firsts, order))


def _bounds(block: TextBlock) -> tuple[Ints, Ints]:
    """Where each string starts, and its length."""
    return plain(block.offsets[:-1]), text.lengths(block)


def _by_words(block: TextBlock, starts: Ints, lengths: Ints) -> tuple[Ints, Bools]:
    """The permutation that sorts some strings of a block, and where in it a run of equal ones begins.

    Strings are compared by words of 8 bytes; those behind the first only of strings that tie so far and go on.
    """
    permutation, new = argsort_marked(_words(block, starts, lengths, 0), UNSIGNED)
    places, skip = _tied(np.arange(len(new)), new), WORD
    while len(places):
        rows = gather(permutation, places)
        going_on = gather(lengths, rows) >= skip  # all of a run, or none: shorter strings that tie are equal
        places, rows = compress(places, going_on), compress(rows, going_on)
        if not len(places):
            break
        runs = np.cumsum(gather(new, places), dtype=np.uint64)
        word = _words(block, gather(starts, rows), gather(lengths, rows), skip)
        inner, marks = by_run_and_word(runs, word, UNSIGNED)
        scatter(permutation, places, gather(rows, inner))
        scatter(new, places, marks)
        places, skip = _tied(places, marks), skip + WORD
    return permutation, new


def _tied(places: Ints, new: Bools) -> Ints:
    """The places that are in runs of more than one."""
    tied = ~new
    tied[:-1] |= ~new[1:]
    return compress(places, tied)


def _words(block: TextBlock, starts: Ints, lengths: Ints, skip: int) -> Words:
    out, data = buffers.empty(len(starts), np.uint64), plain(block.data)
    threads().each_chunk(lambda a, b: kernels.words(data, starts[a:b], lengths[a:b], skip, out[a:b]), len(out))
    return out


def number(block: TextBlock) -> Ranked:
    """Numbers that compare as the strings do."""
    found = numbered(block)
    if found is not None:
        return _ranked(block, found)
    permutation, new = _by_words(block, *_bounds(block))
    segments = nonzero(new)
    return Ranked(codes_of_groups(permutation, segments), gather(permutation, segments))


def ordinals(block: TextBlock) -> Ints:
    """`number` without the rows."""
    return number(block).codes


def group(block: TextBlock) -> tuple[Ints, Ints]:
    """`grouping.group` by strings: in the order of their integers, or of their hashes where one is too long."""
    found = numbered(block)
    if found is None:
        return grouping.group(_group_keys(block))
    order, _ = grouping.group(_group_keys(text.gather(block, found.firsts)))
    return grouping.group([renumbered(found, order)])


def _group_keys(block: TextBlock) -> tuple[Words, ...]:
    longest = int(text.lengths(block).max(initial=0))
    return as_integers(block, longest) if longest <= MOST_AS_INTEGERS else text.hashes(block)


def as_integers(block: TextBlock, longest: int) -> tuple[Words, ...]:
    """Strings shorter than 16 bytes as one big-endian integer, or two of a half each (protocol reference 9.4, rule 2).

    Parameters
    ----------
    longest : int
        Bytes of the longest string of the whole array: up to 8 one integer is enough.
    """
    starts, lengths = _bounds(block)
    if longest <= WORD:
        return (_integers(block, starts, lengths),)
    half = lengths // 2
    return _integers(block, starts, half), _integers(block, starts + half, lengths - half)


def _integers(block: TextBlock, starts: Ints, lengths: Ints) -> Words:
    out, data = buffers.empty(len(starts), np.uint64), plain(block.data)
    threads().each_chunk(lambda a, b: kernels.integers(data, starts[a:b], lengths[a:b], out[a:b]), len(out))
    return out


def between(block: TextBlock, ordered: TextBlock) -> Ints:
    """Twice the number of `ordered` (distinct) strings before each string, and one more where it equals the next."""
    out = buffers.empty(text.size(block), np.int64)
    data, offsets = plain(block.data), plain(block.offsets)
    known, edges = plain(ordered.data), plain(ordered.offsets)
    threads().each_chunk(lambda a, b: kernels.between(data, offsets[a : b + 1], known, edges, out[a:b]), len(out))
    return out
