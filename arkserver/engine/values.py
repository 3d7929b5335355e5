"""The values that a symbol can hold: arrays, strings and sparse matrices, cut into blocks along the first axis.

A block is opaque to everything but the executor that made it: a NumPy array (or `TextBlock`) in this process, or the
handle of one on a worker. Algorithms reach the contents only through the executor.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Block = Any

DType = np.dtype[Any]

BIGINT = np.dtype(object)
"""Arbitrary precision: an object array of Python integers."""

STRING_KIND = "str"

_NAMES: dict[np.dtype[Any], str] = {
    np.dtype(np.int64): "int64",
    np.dtype(np.uint64): "uint64",
    np.dtype(np.uint8): "uint8",
    np.dtype(np.float64): "float64",
    np.dtype(np.bool_): "bool",
    BIGINT: "bigint",
}
DTYPES: dict[str, np.dtype[Any]] = {name: dtype for dtype, name in _NAMES.items()}
"""The element types by their name on the wire."""

# What the protocol counts for one arbitrary-precision integer, whatever its size.
BIGINT_BYTES = 16


def dtype_name(dtype: np.dtype[Any]) -> str:
    """The name of `dtype` on the wire (``object`` is ``bigint``)."""
    return _NAMES[dtype]


def itemsize(dtype: np.dtype[Any]) -> int:
    """Bytes of one element as the protocol and the memory accounts count them."""
    return BIGINT_BYTES if dtype == BIGINT else dtype.itemsize


class TextBlock(NamedTuple):
    """A block of strings in the layout of Arrow's ``large_string``.

    String i is ``data[offsets[i]:offsets[i + 1]]``, UTF-8, without a terminator.
    """

    offsets: NDArray[np.int64]
    """int64, one longer than the number of strings, starts at 0"""
    data: NDArray[np.uint8]
    """uint8, the bytes of all strings end to end"""


@dataclass(frozen=True, slots=True)
class Array:
    """An N-dimensional array of one dtype, cut into blocks along its first axis (a 0-d array is one block)."""

    dtype: np.dtype[Any]
    """int64, uint64, uint8, float64, bool, or object for bigint"""
    shape: tuple[int, ...]
    """lengths along the axes; empty for a 0-d array"""
    blocks: tuple[Block, ...]
    """at least one; block i holds ``rows[i]`` positions of the first axis"""
    rows: tuple[int, ...]
    """lengths of the blocks along the first axis; they sum up to ``shape[0]`` (a 0-d array has ``(1,)``)"""
    max_bits: int = -1
    """bigint only: results are kept modulo ``2 ** max_bits``; -1 for no bound"""

    @property
    def ndim(self) -> int:
        """Rank; 0 for a 0-d array."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        n = 1
        for extent in self.shape:
            n *= extent
        return n

    @property
    def nbytes(self) -> int:
        """Bytes as the memory accounts count them."""
        return self.size * itemsize(self.dtype)

    def with_max_bits(self, max_bits: int) -> Array:
        """The same blocks under another bound."""
        return replace(self, max_bits=max_bits)


@dataclass(frozen=True, slots=True)
class Strings:
    """A one-dimensional array of strings; its blocks are `TextBlock`."""

    size: int
    """number of strings"""
    chars: int
    """bytes of all strings together, without terminators"""
    blocks: tuple[Block, ...]
    """at least one"""
    rows: tuple[int, ...]
    """strings in each block"""

    @property
    def shape(self) -> tuple[int, ...]:
        """``(size,)``"""
        return (self.size,)

    @property
    def ndim(self) -> int:
        """Always 1."""
        return 1

    @property
    def wire_bytes(self) -> int:
        """Bytes of the protocol's form, which ends every string with a NUL."""
        return self.chars + self.size

    @property
    def nbytes(self) -> int:
        """Bytes as the memory accounts count them: characters and offsets."""
        return self.chars + 8 * (self.size + len(self.rows))


CSR, CSC = "CSR", "CSC"
LAYOUTS = (CSR, CSC)


@dataclass(frozen=True, slots=True)
class SparseMatrix:
    """A matrix by its entries, in the order of its layout: by row and column (CSR), or by column and row (CSC).

    Each entry has its row and its column, both from 1 on as Arkouda counts them, where a compressed layout would have
    one place for each row: so the blocks are even however the entries are spread, and a matrix with more rows than
    entries has no cost for them.
    """

    shape: tuple[int, int]
    layout: str
    rows: Array
    """int64, 1-D"""
    columns: Array
    """int64, cut as `rows`"""
    values: Array
    """int64, uint64 or float64, cut as `rows`"""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Of the values."""
        return self.values.dtype

    @property
    def ndim(self) -> int:
        """Always 2."""
        return 2

    @property
    def size(self) -> int:
        """Elements, most of them not stored."""
        return self.shape[0] * self.shape[1]

    @property
    def entries(self) -> int:
        """Elements that are stored."""
        return self.values.size

    @property
    def parts(self) -> tuple[Array, Array, Array]:
        """Rows, columns and values."""
        return self.rows, self.columns, self.values

    @property
    def blocks(self) -> tuple[Block, ...]:
        """Those of all parts."""
        return tuple(b for part in self.parts for b in part.blocks)

    @property
    def nbytes(self) -> int:
        """Bytes as the memory accounts count them."""
        return sum(part.nbytes for part in self.parts)


Column = Array | Strings
"""What can be a column of a table, or a key."""


def starts(rows: tuple[int, ...]) -> tuple[int, ...]:
    """Position of the first row of each block."""
    out, at = [], 0
    for n in rows:
        out.append(at)
        at += n
    return tuple(out)
