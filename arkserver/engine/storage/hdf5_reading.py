"""Reading HDF5: the rows of all files are dealt out evenly to blocks, and each block reads its own."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.blocks import text
from arkserver.engine.buffers import empty
from arkserver.engine.composites import ARRAYS, Composite, single
from arkserver.engine.executor import Each, Executor
from arkserver.engine.storage import hdf5_format, raw
from arkserver.engine.storage.hdf5_contents import Node, Vector, filled
from arkserver.engine.storage.hdf5_format import MEMBERS
from arkserver.engine.threads import LONGEST_PIECE
from arkserver.engine.values import Array, Column, Strings, TextBlock, starts
from arkserver.errors import StorageError

S = TypeVar("S")

INT64 = np.dtype(np.int64)


def read(ex: Executor, nodes: Sequence[Node], *, find_offsets: bool = False) -> Composite:
    """An object of which every file has a part, the parts one behind the other.

    Parameters
    ----------
    nodes : sequence of Node
        The object in each file, all of one kind.
    find_offsets : bool
        Look for the ends of strings, even where the files say where they begin.

    Raises
    ------
    StorageError
        If a file cannot be read, or says what cannot be so.
    """
    nodes = filled(nodes)
    kind = nodes[0].kind
    if kind in ARRAYS:
        return single(_column(ex, nodes, find_offsets=find_offsets), kind)
    roles = {link: role for role, link in MEMBERS.get(kind, {}).items()}
    values: dict[str, Column] = {}
    parts: dict[str, Composite] = {}
    if kind == "SEGARRAY":
        values["segments"] = _raised(ex, nodes)
    for link in nodes[0].members:
        if roles.get(link) in values:
            continue
        of_files = [node.members[link] for node in nodes]
        if link in roles:
            values[roles[link]] = _column(ex, of_files, find_offsets=find_offsets)
        else:
            parts[link] = read(ex, of_files, find_offsets=find_offsets)
    return Composite(kind, values, parts)


def _column(ex: Executor, nodes: Sequence[Node], *, find_offsets: bool) -> Column:
    first = nodes[0]
    if first.is_bigint:
        return _bigint(ex, nodes)
    vectors = [node.vector for node in nodes if node.vector is not None]
    if not vectors:
        return _strings(ex, nodes, find_offsets=find_offsets)
    if first.kind == "STRINGS":
        return _foreign_strings(ex, vectors)
    return _array(ex, vectors)


# --- arrays ----------------------------------------------------------------------------------------------------------

Piece = tuple[Vector, int, int]
"""Rows of a dataset."""


def _array(ex: Executor, vectors: Sequence[Vector], shifts: Sequence[int] | None = None) -> Array:
    """Datasets one behind the other, each raised by its shift."""
    dtype, tail = vectors[0].target, vectors[0].shape[1:]
    rows = layout.even_rows(sum(v.rows for v in vectors), ex.width)
    raised = [(v, shift) for v, shift in zip(vectors, shifts or [0] * len(vectors), strict=True)]
    refs = ex.load(_read_block, Each(_dealt(raised, [v.rows for v in vectors], rows)), dtype, tail)
    return Array(np.dtype(dtype), (sum(rows), *tail), refs.values, rows)


def _dealt(sources: Sequence[S], counts: Sequence[int], rows: tuple[int, ...]) -> list[tuple[tuple[S, int, int], ...]]:
    """Which rows of which sources each block has."""
    blocks = []
    for start, length in zip(starts(rows), rows, strict=True):
        clipped = [
            (source, max(0, start - at), min(count, start + length - at))
            for source, at, count in zip(sources, starts(tuple(counts)), counts, strict=True)
        ]
        blocks.append(tuple((source, a, b) for source, a, b in clipped if a < b))
    return blocks


def _read_block(
    pieces: tuple[tuple[tuple[Vector, int], int, int], ...], dtype: np.dtype[Any], tail: tuple[int, ...]
) -> NDArray[Any]:
    edges = np.cumsum([0, *(b - a for _, a, b in pieces)]).tolist()
    out: NDArray[Any] = empty((edges[-1], *tail), dtype)
    for ((vector, shift), a, b), (start, stop) in zip(pieces, pairwise(edges), strict=True):
        part = out[start:stop]
        _read_rows(vector, a, b, part)
        if shift:
            part += shift
    return out


def _read_rows(vector: Vector, start: int, stop: int, out: NDArray[Any]) -> None:
    """Rows of a dataset into `out`, of whatever dtype that is."""
    dtype = vector.dtype
    if dtype is not None and vector.place is not None:
        row = dtype.itemsize * int(np.prod(vector.shape[1:], dtype=np.int64))
        raw.read((vector.file, vector.place + start * row), dtype, out, vector.stamp)
        return
    step = max(1, LONGEST_PIECE // max(1, int(np.prod(vector.shape[1:], dtype=np.int64))))
    with hdf5_format.opened(vector.file) as file:
        dataset = file[vector.path]
        for at in range(start, stop, step):
            end = min(at + step, stop)
            found = dataset[at:end] if dataset.shape else dataset[()]
            np.copyto(out[at - start : end - start], found != 0 if out.dtype == np.bool_ else found, casting="unsafe")


def _raised(ex: Executor, nodes: Sequence[Node]) -> Array:
    """Where lists begin: in each file as if its values were the first, now in the values of all."""
    counts = tuple(node.members["values"].rows for node in nodes)
    vectors = [v for node in nodes if (v := node.members["segments"].vector) is not None]
    return _array(ex, vectors, starts(counts))


def _bigint(ex: Executor, nodes: Sequence[Node]) -> Array:
    """Integers from words; files may have different numbers of them."""
    bounds = [-1 if node.max_bits is None else node.max_bits for node in nodes]
    max_bits = -1 if min(bounds) < 0 else max(bounds)
    alike = len({(len(node.members), node.signed) for node in nodes}) == 1
    if alike:
        return _joined(ex, nodes, max_bits)
    return layout.stacked(ex, *(_joined(ex, [node], max_bits) for node in nodes))


def _joined(ex: Executor, nodes: Sequence[Node], max_bits: int) -> Array:
    words = [
        _array(ex, [v for node in nodes if (v := node.members[name].vector) is not None]) for name in nodes[0].members
    ]
    return limbs.joined(ex, words[::-1], max_bits, signed=nodes[0].signed)


# --- strings ---------------------------------------------------------------------------------------------------------


def _strings(ex: Executor, nodes: Sequence[Node], *, find_offsets: bool) -> Strings:
    values = [_bytes_of(node) for node in nodes]
    segments = [node.members["segments"].vector if "segments" in node.members else None for node in nodes]
    known = [s for s in segments if s is not None]
    if find_offsets or len(known) < len(nodes):
        return _split_at_ends(ex, values)
    rows = layout.even_rows(sum(s.rows for s in known), ex.width)
    pairs = list(zip(values, known, strict=True))
    refs = ex.load(_read_strings, Each(_dealt(pairs, [s.rows for s in known], rows)))
    return layout.strings_of(ex, refs, rows)


def _bytes_of(node: Node) -> Vector:
    vector = node.members["values"].vector
    if vector is None or vector.dtype is None or vector.dtype.kind not in "iu" or vector.dtype.itemsize != 1:
        raise StorageError("SegmentedString error: the values of strings are not bytes")
    return vector


def _read_strings(pieces: tuple[tuple[tuple[Vector, Vector], int, int], ...]) -> TextBlock:
    return layout.join_text([_read_text(v, s, a, b) for (v, s), a, b in pieces] or [text.from_list([])])


def _read_text(values: Vector, segments: Vector, start: int, stop: int) -> TextBlock:
    """Strings of one file, by where they begin; the byte before the next one is a NUL."""
    has_next = stop < segments.rows
    begins = empty(stop - start + 1, np.int64)
    begins[-1] = values.rows
    _read_rows(segments, start, stop + has_next, begins[: stop - start + has_next])
    counts = np.diff(begins) - 1
    first, last = int(begins[0]), int(begins[-1])
    if first < 0 or last > values.rows or counts.min() < 0:
        raise StorageError(f"SegmentedString error: {segments.path} of {segments.file} does not fit the bytes")
    data = empty(last - first, np.uint8)
    _read_rows(values, first, last, data)
    return text.ranges(data, begins[:-1] - first, counts)


def _split_at_ends(ex: Executor, values: Sequence[Vector]) -> Strings:
    """Strings from their bytes alone; a file is not cut, since nobody knows where."""
    total = sum(v.rows for v in values)
    shares: list[list[Vector]] = [[] for _ in range(ex.width)]
    for v, at in zip(values, starts(tuple(v.rows for v in values)), strict=True):
        shares[min(ex.width - 1, (at + v.rows // 2) * ex.width // max(1, total))].append(v)
    refs = ex.load(_read_terminated, Each(map(tuple, shares)))
    return layout.rebalance(ex, layout.strings_of(ex, refs))


def _read_terminated(values: tuple[Vector, ...]) -> TextBlock:
    return layout.join_text([_terminated(v) for v in values] or [text.from_list([])])


def _terminated(values: Vector) -> TextBlock:
    data = empty(values.rows, np.uint8)
    _read_rows(values, 0, values.rows, data)
    return text.strip_terminators(data)


def _foreign_strings(ex: Executor, vectors: Sequence[Vector]) -> Strings:
    """Strings of the library's own types, of fixed or of variable length."""
    rows = layout.even_rows(sum(v.rows for v in vectors), ex.width)
    refs = ex.load(_read_foreign, Each(_dealt(vectors, [v.rows for v in vectors], rows)))
    return layout.strings_of(ex, refs, rows)


def _read_foreign(pieces: tuple[Piece, ...]) -> TextBlock:
    found: list[bytes] = []
    for vector, a, b in pieces:
        with hdf5_format.opened(vector.file) as file:
            dataset = file[vector.path]
            found += [dataset[()]] if not dataset.shape else dataset[a:b].tolist()
    return text.from_list(found)
