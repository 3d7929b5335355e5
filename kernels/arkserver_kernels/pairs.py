"""Sets of keys of two words, such as 128-bit hashes: a table of slots of two words, (0, 0) for an empty one.

The words are taken for hashes already, so the first of them says where a key belongs.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.policy import inlined, kernel

U64 = NDArray[np.uint64]
ONE = np.uint64(1)


@inlined
def slot_of(upper: np.uint64, lower: np.uint64, table: U64) -> np.uint64:
    """Where in the table a key is, or else the empty slot where it belongs."""
    mask = np.uint64(len(table) - 1)
    slot = (upper << ONE) & mask
    while (table[slot] != upper or table[slot + ONE] != lower) and (table[slot] | table[slot + ONE]) != 0:
        slot = (slot + ONE + ONE) & mask
    return slot


@kernel("u8[] u8[] u8[]")
def insert(upper: U64, lower: U64, table: U64) -> None:
    """Add keys to a table that has room for them."""
    for i in range(len(upper)):
        slot = slot_of(upper[i], lower[i], table)
        table[slot], table[slot + ONE] = upper[i], lower[i]


@kernel("u8[] u8[] u8[] b1[]")
def contains(upper: U64, lower: U64, table: U64, out: NDArray[np.bool_]) -> None:
    """Whether keys are in a table; (0, 0) is in every one."""
    for i in range(len(upper)):
        slot = slot_of(upper[i], lower[i], table)
        out[i] = table[slot] == upper[i] and table[slot + ONE] == lower[i]
