"""Kernels that expand the matches of a join into pairs of rows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import kernel

I64 = NDArray[np.int64]


@kernel("i8[] i8[] b1")
def count_pairs(group: I64, lengths: I64, outer: bool) -> int:
    """How many pairs the rows give: as many as their group is long; one without a group (-1) if `outer`."""
    total = 0
    for i in range(len(group)):
        total += int(lengths[group[i]]) if group[i] >= 0 else int(outer)
    return total


@kernel("i8[] i8[] i8[] i8[] b1 i8 i8[] i8[]")
def write_pairs(
    group: I64, starts: I64, lengths: I64, members: I64, outer: bool, first: int, left: I64, right: I64
) -> None:  # fmt: skip
    """Pair each row, counted from `first`, with the members of its group, or with -1 if it has none and `outer`."""
    k = 0
    for i in range(len(group)):
        g = group[i]
        if g >= 0:
            for j in range(starts[g], starts[g] + lengths[g]):
                left[k], right[k] = first + i, members[j]
                k += 1
        elif outer:
            left[k], right[k] = first + i, -1
            k += 1


@kernel("u8[] u8 u8 u8 u8 i8[] i8[]")
def look_up(
    keys: NDArray[np.uint64], flip: np.uint64, base: np.uint64, last: np.uint64, zeros: np.uint64, table: I64, out: I64
) -> None:  # fmt: skip
    """The table's entry for each key's code, -1 for keys beyond code `last`."""
    for i in range(len(keys)):
        apart = (keys[i] ^ flip) - base
        code = apart >> zeros
        inside = (code <= last) & (code << zeros == apart)
        out[i] = table[code] if inside else -1
