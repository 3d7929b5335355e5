"""Numbering strings, and looking them up, by a hash table that stays small while they repeat.

An entry stands for a string in four words, so that a look-up reads no byte of the string that it meets: the first 8
bytes, the last 8, the 8 behind the first, and the row beside the length (32 bits each). Of strings of more than `EXACT`
bytes the first and the third word are two hashes of all words but the last, keyed by words that a process draws at
random: two such strings of equal lengths and ends are taken for one when both hashes agree, bytes are not compared.

A slot of the table is the upper half of a hash and the number of an entry plus 1; 0 is an empty one. The hash is of the
entry, and keyed too: nobody can choose strings that collide.

Rows pass in tiles, each step of a look-up in a loop of its own that asks for the memory that the next one reads: so
many rows wait for the memory together.

Threads may enter strings in one table side by side. Each has numbers of its own, and writes an entry before it claims a
slot for it; a slot that has an entry keeps it. The row of an entry only ever becomes a smaller one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, load_word, ones, prefetch, upper_product, word_at
from arkserver_kernels.policy import inlined, kernel

Bytes = NDArray[np.uint8]
I64 = NDArray[np.int64]
U64 = NDArray[np.uint64]
Mask = NDArray[np.bool_]

ONE, TWO, THREE = np.uint64(1), np.uint64(2), np.uint64(3)
HALF, LOW = np.uint64(32), np.uint64(2**32 - 1)
TILE = 128
EXACT = 24
UNSURE = np.uint64(2**32)


@intrinsic
def claim_word(_context: Any, address: Any, word: Any) -> Any:  # noqa: ARG001 (Numba goes by the names)
    """Write a word to an aligned address where 0 is, in one step for all threads; whether it was 0."""

    def generate(_: Any, builder: Any, __: Any, args: Any) -> Any:
        place = builder.inttoptr(args[0], ir.IntType(64).as_pointer())
        found = builder.cmpxchg(place, ir.Constant(ir.IntType(64), 0), args[1], "acq_rel", "acquire")
        return builder.extract_value(found, 1)

    return types.boolean(types.int64, types.uint64), generate


@intrinsic
def lower_word(_context: Any, address: Any, word: Any) -> Any:  # noqa: ARG001
    """Write a word to an aligned address where a larger one is, in one step for all threads."""

    def generate(context: Any, builder: Any, _: Any, args: Any) -> Any:
        builder.atomic_rmw("umin", builder.inttoptr(args[0], ir.IntType(64).as_pointer()), args[1], "monotonic")
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), generate


@inlined
def folded(a: np.uint64, b: np.uint64) -> np.uint64:
    """Both halves of the product of two words, in one."""
    return np.uint64((a * b) ^ upper_product(a, b))


@inlined
def same_entry(a: int, b: int) -> bool:
    """Whether the entries at two addresses stand for equal strings."""
    different = (load_word(a) ^ load_word(b)) | (load_word(a + 8) ^ load_word(b + 8))
    different |= load_word(a + 16) ^ load_word(b + 16)
    return bool((different | ((load_word(a + 24) ^ load_word(b + 24)) & LOW)) == 0)


@inlined
def copy_entry(a: U64, i: np.uint64, b: U64, j: np.uint64) -> None:
    """Copy the entry from word `i` of `a` on to word `j` of `b`."""
    b[j], b[j + ONE], b[j + TWO], b[j + THREE] = a[i], a[i + ONE], a[i + TWO], a[i + THREE]


@kernel("u1[] i8[] i8 u8[] u8[] u8[]")
def describe(data: Bytes, offsets: I64, row: int, secret: U64, entries: U64, hashes: U64) -> None:
    """Make the entries and hashes of the strings from one row on.

    Where a string is shorter than a word, its bytes are the upper ones of all three words.
    """
    base, size, found, long = address_of(data), len(data), np.uint64(0), np.empty(TILE, np.int64)
    for j in range(len(hashes)):
        start = offsets[row + j]
        n = offsets[row + j + 1] - start
        last, spare = max(n - 8, 0), np.uint64(32 - 4 * min(n, 8))  # twice, since a shift by 64 is none
        if start + 8 <= size:
            x, y = load_word(base + start), load_word(base + start + last)
            z = load_word(base + start + min(last, 8))
        else:
            x = y = z = word_at(base, start, n, size)
        at = np.uint64(4 * j)
        entries[at], entries[at + ONE] = x << spare << spare, y << spare << spare
        entries[at + TWO], entries[at + THREE] = z << spare << spare, np.uint64(row + j) << HALF | (np.uint64(n) & LOW)
        long[found] = j
        found += np.uint64(n > EXACT)
    for k in range(found):
        start, at = offsets[row + long[k]], np.uint64(4 * long[k])
        x, z = secret[0], secret[1]
        for i in range(start, offsets[row + long[k] + 1] - 8, 8):
            word = load_word(base + i)
            x, z = folded(x ^ word, secret[2]), folded(z ^ word, secret[3])
        entries[at], entries[at + TWO] = x, z
    for j in range(len(hashes)):
        at = np.uint64(4 * j)
        x = folded(entries[at] ^ secret[0], entries[at + ONE] ^ secret[1] ^ (entries[at + THREE] & LOW))
        hashes[j] = folded(x ^ entries[at + TWO], secret[2])


@kernel("u8[] u8[] u8[] u8[] u8[]")
def meet(entries: U64, hashes: U64, slots: U64, records: U64, numbers: U64) -> None:
    """The number plus 1 of the record that each entry meets in its place: 0 for none, `UNSURE` for another entry's."""
    mask, shift = np.uint64(len(slots) - 1), np.uint64(64) - ones(np.uint64(len(slots) - 1))
    place, record = address_of(slots), address_of(records)
    for j in range(len(hashes)):
        prefetch(place + 8 * np.int64(hashes[j] >> shift))
    for j in range(len(hashes)):
        slot, tag = hashes[j] >> shift, hashes[j] >> HALF
        while slots[slot] != 0 and slots[slot] >> HALF != tag:
            slot = (slot + ONE) & mask
        number = slots[slot] & LOW
        numbers[j] = number
        prefetch(record + 32 * np.int64(number - ONE))
    for j in range(len(hashes)):
        if not same_entry(address_of(entries) + 32 * j, record + 32 * np.int64(max(numbers[j], ONE) - ONE)):
            numbers[j] = UNSURE if numbers[j] != 0 else numbers[j]


@inlined
def slot_of(code: np.uint64, entry: int, slots: int, bits: np.uint64, records: int) -> tuple[int, np.uint64]:
    """Where among ``1 << bits`` slots the one of an entry of hash `code` is, and it; or the empty one for it.

    A slot is read once: one that was empty may be another entry's by the time that the caller sees it.
    """
    mask, slot = (ONE << bits) - ONE, code >> (np.uint64(64) - bits)
    while True:
        place: Any = slots + 8 * np.int64(slot)
        met = load_word(place)
        record: Any = records + 32 * (np.int64(met & LOW) - 1)
        if met == 0 or (met >> HALF == code >> HALF and same_entry(entry, record)):
            return int(place), met
        slot = (slot + ONE) & mask


@kernel("u8[] u8[] i8 i8 u8[] u8[] u8[]")
def enter(entries: U64, hashes: U64, count: int, most: int, slots: U64, records: U64, numbers: U64) -> int:
    """The number plus 1 of each entry; those that are new get them from `count` on, and below `most`.

    Returns which number is the next; where one is 0, there was none left.
    """
    meet(entries, hashes, slots, records, numbers)
    first, bits = address_of(slots), ones(np.uint64(len(slots) - 1))
    entry, record = address_of(entries), address_of(records)
    for j in range(len(hashes)):
        while numbers[j] == 0 or numbers[j] == UNSURE:
            place, met = slot_of(hashes[j], entry, first, bits, record)
            numbers[j] = met & LOW
            if met == 0:
                if count == most:
                    return count
                copy_entry(entries, np.uint64(4 * j), records, np.uint64(4 * count))
                if claim_word(place, hashes[j] >> HALF << HALF | np.uint64(count + 1)):
                    count += 1
                    numbers[j] = count
        row = record + 32 * np.int64(numbers[j]) - 8
        if load_word(row) > load_word(entry + 24):  # of a thread that is at later rows
            lower_word(row, load_word(entry + 24))
        entry += 32
    return count


@kernel("u1[] i8[] u8[] i8 i8 i8 i8 u8[] u8[] i8[]")
def number(
    data: Bytes, offsets: I64, secret: U64, row: int, stop: int, count: int, most: int, slots: U64, records: U64,
    out: I64,
) -> tuple[int, int]:  # fmt: skip
    """Number the strings from one row on, those that are new from `count` on and below `most`.

    ``records`` has the entry of each number, with the row where it stood first. Stops when no number is left for
    another; returns where, and which number is the next.
    """
    entries, hashes, numbers = np.empty(4 * TILE, np.uint64), np.empty(TILE, np.uint64), np.empty(TILE, np.uint64)
    for begin in range(row, stop, TILE):
        n = min(TILE, stop - begin)
        describe(data, offsets, begin, secret, entries, hashes[:n])
        count = enter(entries, hashes[:n], count, most, slots, records, numbers)
        for j in range(n):
            if numbers[j] == 0:
                return begin + j, count
            out[begin + j] = np.int64(numbers[j]) - 1
    return stop, count


@kernel("u1[] i8[] u8[] i8 u8[] u8[] b1[]")
def contains(
    data: Bytes, offsets: I64, secret: U64, row: int, slots: U64, records: U64, out: Mask
) -> None:  # fmt: skip
    """Whether a table has each of the strings from one row on."""
    entries, hashes, numbers = np.empty(4 * TILE, np.uint64), np.empty(TILE, np.uint64), np.empty(TILE, np.uint64)
    place, record, bits = address_of(slots), address_of(records), ones(np.uint64(len(slots) - 1))
    for begin in range(0, len(out), TILE):
        n = min(TILE, len(out) - begin)
        describe(data, offsets, row + begin, secret, entries, hashes[:n])
        meet(entries, hashes[:n], slots, records, numbers)
        for j in range(n):
            out[begin + j] = numbers[j] != 0
            if numbers[j] == UNSURE:
                entry = address_of(entries) + 32 * j
                out[begin + j] = slot_of(hashes[j], entry, place, bits, record)[1] != 0


@kernel("u8[] u8[]")
def move(old: U64, slots: U64) -> None:
    """Put the slots of a table into a larger one, which is empty."""
    mask, shift = np.uint64(len(slots) - 1), np.uint64(64) - ones(np.uint64(len(slots) - 1))
    for i in range(len(old)):
        if old[i] != 0:
            slot = old[i] >> shift
            while slots[slot] != 0:
                slot = (slot + ONE) & mask
            slots[slot] = old[i]
