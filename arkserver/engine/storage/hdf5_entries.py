"""What becomes of an object in HDF5: its groups and datasets, all of them vectors, cut as the files are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.algorithms.text import forms
from arkserver.engine.composites import ARRAYS, Composite, single
from arkserver.engine.executor import Each, Executor
from arkserver.engine.storage import hdf5_format
from arkserver.engine.storage.hdf5_format import COUNTS, INDEX, MEMBERS
from arkserver.engine.values import BIGINT, Array, Column, Strings, starts
from arkserver.errors import UnsupportedError


@dataclass(frozen=True, slots=True)
class Group:
    """An object of several members."""

    path: str
    """below the object"""
    kind: str
    counts: Mapping[str, int] = field(default_factory=dict)
    """further attributes"""


@dataclass(frozen=True, slots=True)
class Dataset:
    """A vector."""

    path: str
    kind: str
    data: Array

    @property
    def dtype(self) -> np.dtype[Any]:
        """In the file, where bools are bytes."""
        return np.dtype(np.uint8) if self.data.dtype == np.bool_ else self.data.dtype


Entry = Group | Dataset


@dataclass(frozen=True, slots=True)
class How:
    """How values are cut."""

    rows: tuple[int, ...] | None
    """of the leading value, whose blocks go to files of their own; None for one file"""
    offsets: bool = True

    def cut(self, ex: Executor, x: Column) -> Column:
        """`x` in as many blocks as there are files."""
        if self.rows is None or x.rows == self.rows:
            return x
        n, files = x.shape[0], len(self.rows)
        even = layout.even_rows(n, files)
        return layout.relayout(ex, x, self.rows if sum(self.rows) == n else (*even, *[0] * (files - len(even))))


def entries_of(ex: Executor, path: str, item: Composite, how: How) -> Iterator[Entry]:
    """The groups and datasets of an object, a group before its members."""
    if item.kind in ARRAYS:
        yield from _single(ex, path, item.kind, item.values["array"], how)
        return
    counts = {COUNTS[item.kind]: len(item.parts) - (INDEX in item.parts)} if item.kind in COUNTS else {}
    yield Group(path, item.kind, counts)
    if item.kind == "SEGARRAY":
        yield from _lists(ex, path, item, how)
        return
    for role, name in MEMBERS.get(item.kind, {}).items():
        if role in item.values:
            yield from entries_of(ex, f"{path}/{name}", single(item.values[role]), how)
    for name, part in item.parts.items():
        yield from entries_of(ex, f"{path}/{name}", part, how)


def _single(ex: Executor, path: str, kind: str, x: Column, how: How) -> Iterator[Entry]:
    vector = how.cut(ex, flat(ex, x))
    if isinstance(vector, Strings):
        yield from _strings(ex, path, kind, vector, how)
    elif vector.dtype == BIGINT:
        yield from _bigint(ex, path, kind, vector)
    else:
        yield Dataset(path, kind, vector)


def flat(ex: Executor, x: Column) -> Column:
    """Arrays as vectors."""
    return x if isinstance(x, Strings) else layout.flattened(ex, x)


def _strings(ex: Executor, path: str, kind: str, s: Strings, how: How) -> Iterator[Entry]:
    yield Group(path, kind)
    yield Dataset(f"{path}/values", "PDARRAY", forms.wire_bytes(ex, s))
    if how.offsets:
        offsets = forms.wire_offsets if how.rows is None else forms.offsets_in_blocks
        yield Dataset(f"{path}/segments", "PDARRAY", offsets(ex, s))


def _bigint(ex: Executor, path: str, kind: str, x: Array) -> Iterator[Entry]:
    """Words of 64 bits; Arkouda takes all of them to be positive, so that an attribute of ours says otherwise."""
    signed = limbs.has_negative(ex, x)
    words = limbs.signed_words(ex, x) if signed else limbs.words(ex, x)
    counts = {"isBigInt": 1, "MaxBits": x.max_bits, "NumLimbs": len(words)}
    yield Group(path, kind, counts | ({hdf5_format.SIGNED: 1} if signed else {}))
    for i, word in enumerate(words):
        yield Dataset(f"{path}/Limb_{i}", "PDARRAY", word)


def _lists(ex: Executor, path: str, item: Composite, how: How) -> Iterator[Entry]:
    segments, values = how.cut(ex, item.values["segments"]), item.values["values"]
    if isinstance(segments, Strings):
        raise UnsupportedError("the segments of a SegArray are strings; they are int64")
    if how.rows is not None:
        values = layout.values_of_lists(ex, segments, values)
        segments = layout.array_of(ex.map(np.subtract, segments, Each(starts(values.rows))), segments)
        how = How(values.rows)
    yield Dataset(f"{path}/segments", "PDARRAY", segments)
    yield from _single(ex, f"{path}/values", single(values).kind, values, how)
