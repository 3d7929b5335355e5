"""Fields of delimited text: where they end, and the values of one column of them.

`ends` has the end of each field, row by row; a field starts one byte behind the end of the field before. Eight bytes
behind the last end can be read. What a kernel cannot read is no error: it says so, and somebody else reads the text.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from arkserver_kernels.bits import address_of, copy_word, float_of, load_byte, load_word
from arkserver_kernels.decimals import MOST_DIGITS, UNDECIDED, decimal_at, nearest
from arkserver_kernels.policy import inlined, kernel

Bytes = NDArray[np.uint8]
Ends = NDArray[np.int32]
I64 = NDArray[np.int64]

NEW_LINE, MINUS = np.uint64(10), np.uint64(45)
SIGN = np.uint64(1 << 63)
LETTERS = np.uint64(0x202020)
NAN = np.uint64(0x6E616E)

TRUE = tuple(np.uint64(int.from_bytes(text, "little")) for text in (b"true", b"True", b"TRUE", b"1"))
FALSE = tuple(np.uint64(int.from_bytes(text, "little")) for text in (b"false", b"False", b"FALSE", b"0"))


@kernel("u1[] u1 i4[]")
def field_ends(text: Bytes, delimiter: np.uint8, ends: Ends) -> int:
    """Where the delimiters and the ends of lines are; `ends` has room for each byte. Returns their number."""
    count = 0
    for i in range(len(text)):  # without a branch: fields are too short to guess where they end
        ends[count] = i
        count += (text[i] == delimiter) | (text[i] == NEW_LINE)
    return count


@kernel("u1[] i4[] i8")
def are_rows(text: Bytes, ends: Ends, columns: int) -> bool:
    """Whether every line has as many fields as there are columns."""
    lines = 0
    for i in range(len(ends)):
        lines += text[ends[i]] == NEW_LINE
    rows = 0
    for i in range(columns - 1, len(ends), columns):
        rows += text[ends[i]] == NEW_LINE
    return rows == lines and rows * columns == len(ends)


@inlined
def start_of(ends: Ends, at: int) -> int:
    """Where a field starts."""
    return int(ends[at - 1]) + 1 if at else 0


@kernel("u1[] i4[] i8 i8 u8 b1 T[]", T="i8 u8")
def parse_integers(
    text: Bytes, ends: Ends, column: int, columns: int, most: np.uint64, signed: bool, out: NDArray[np.generic]
) -> bool:
    """Read a column of whole numbers of at most `most` and, if `signed`, at least ``-most - 1``."""
    base = address_of(text)
    for row in range(len(out)):
        at = row * columns + column
        start, stop = start_of(ends, at), int(ends[at])
        negative = start < stop and load_byte(base + start) == MINUS
        first = start + (1 if negative else 0)
        value = np.uint64(0)
        for i in range(first, stop):
            digit = load_byte(base + i) - np.uint64(48)
            if digit > np.uint64(9):
                return False
            value = value * np.uint64(10) + digit
        if not 0 < stop - first <= MOST_DIGITS or value > most + np.uint64(negative) or (negative and not signed):
            return False
        out[row] = -value if negative else value
    return True


@kernel("u1[] i4[] i8 i8 b1 f8[]")
def parse_floats(text: Bytes, ends: Ends, column: int, columns: int, blanks: bool, out: NDArray[np.float64]) -> bool:
    """Read a column of numbers; an empty field is nan if `blanks`."""
    base = address_of(text)
    for row in range(len(out)):
        at = row * columns + column
        start, stop = start_of(ends, at), int(ends[at])
        if (stop == start and blanks) or (stop == start + 3 and is_nan(base + start)):
            out[row] = np.nan
            continue
        negative = start < stop and load_byte(base + start) == MINUS
        w, q, good = decimal_at(base, start + (1 if negative else 0), stop)
        bits = nearest(w, q) if good else UNDECIDED
        if bits == UNDECIDED:
            return False
        out[row] = float_of(bits | SIGN if negative else bits)
    return True


@inlined
def is_nan(address: int) -> bool:
    """Whether three letters are ``nan``, small or capital."""
    return bool((load_word(address) & np.uint64(0xFFFFFF)) | LETTERS == NAN)


@kernel("u1[] i4[] i8 i8 b1[]")
def parse_bools(text: Bytes, ends: Ends, column: int, columns: int, out: NDArray[np.bool_]) -> bool:
    """Read a column of `TRUE` and `FALSE`."""
    base = address_of(text)
    for row in range(len(out)):
        at = row * columns + column
        start, stop = start_of(ends, at), int(ends[at])
        if stop - start > 7:
            return False
        word = load_word(base + start) & ((np.uint64(1) << np.uint64(8 * (stop - start))) - np.uint64(1))
        true, false = False, False
        for spelt in TRUE:
            true |= word == spelt
        for spelt in FALSE:
            false |= word == spelt
        if not true and not false:
            return False
        out[row] = true
    return True


@kernel("i4[] i8 i8 i8[]")
def field_offsets(ends: Ends, column: int, columns: int, offsets: I64) -> None:
    """Where the strings of a column begin, end to end."""
    offsets[0] = 0
    for row in range(len(offsets) - 1):
        at = row * columns + column
        offsets[row + 1] = offsets[row] + np.int64(ends[at]) - start_of(ends, at)


@kernel("u1[] i4[] i8 i8 i8[] u1[]")
def copy_fields(text: Bytes, ends: Ends, column: int, columns: int, offsets: I64, out: Bytes) -> None:
    """Copy the strings of a column to their `offsets`, whole words; `out` has room for 8 bytes more than they take."""
    base, target = address_of(text), address_of(out)
    for row in range(len(offsets) - 1):
        start, place = base + start_of(ends, row * columns + column), target + offsets[row]
        for i in range(0, offsets[row + 1] - offsets[row], 8):
            copy_word(place + i, start + i)


@kernel("u1[] u1 u1")
def holds_either(text: Bytes, a: np.uint8, b: np.uint8) -> bool:
    """Whether one of two bytes is in a text."""
    found = False
    for byte in text:
        found |= (byte == a) | (byte == b)
    return found
