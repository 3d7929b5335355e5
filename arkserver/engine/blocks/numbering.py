"""Numbers of groups for the rows of one block: what hashing or counting gives when no order of the rows is needed."""

from __future__ import annotations

from collections.abc import Sequence

from arkserver.engine.blocks import coded, grouping, sets
from arkserver.engine.blocks.moving import gather
from arkserver.engine.blocks.orders import key_range, order_of, words_of
from arkserver.engine.blocks.sorting import packed
from arkserver.engine.blocks.views import Array, Ints, raw


def number(keys: Sequence[Array]) -> tuple[Ints, Ints]:
    """Number the groups of equal keys.

    Parameters
    ----------
    keys : sequence of ndarray
        1-D blocks of int64, uint64, uint8 or bool, of equal length; the first is most significant.

    Returns
    -------
    codes : ndarray of int64
        The number of each row's group; groups ascend by their keys.
    firsts : ndarray of int64
        The first row of each group.
    """
    if len(keys) == 1 or not len(keys[0]):
        distinct, codes = sets.unique_inverse(keys[0])
        return codes, coded.first_rows(codes, len(distinct))
    orders = [order_of(k.dtype) for k in keys]
    ranges = [key_range(raw(k), o) for k, o in zip(keys, orders, strict=True)]
    bits = sum(r.bits for r in ranges)
    if bits > 64:
        permutation, segments = grouping.group(keys)
        return grouping.codes_of_groups(permutation, segments), gather(permutation, segments)
    distinct, codes = sets.unique_inverse(packed(keys, orders, ranges), words_of(bits))
    return codes, coded.first_rows(codes, len(distinct))
