"""Writing HDF5: the library makes the datasets, and the blocks are written into them by those who hold them.

All blocks go into one file, or each into a file of its own. What the library itself would write has to pass through one
lock of one process.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.algorithms.text import forms
from arkserver.engine.composites import ARRAYS, Composite, single
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.storage import hdf5_format, paths, raw
from arkserver.engine.storage.hdf5_format import COUNTS, FILE_FORMAT, INDEX, KINDS, MEMBERS
from arkserver.engine.values import BIGINT, Array, Column, Strings, dtype_name, starts
from arkserver.errors import ArgumentError, StorageError, UnsupportedError

_WRITABLE = ("int64", "uint64", "float64", "bool", "bigint")


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written, and where to."""

    filename: str
    name: str
    """of the object in the file"""
    item: Composite
    append: bool = False
    """to the files that are there"""
    distribute: bool = False
    """each block into a file of its own"""
    overwrite: bool = False
    """an object of that name may be replaced"""
    offsets: bool = True
    """also write where strings begin"""
    version: str = ""
    """of Arkouda"""


def write(ex: Executor, wanted: Written) -> None:
    """Write an object, whole or not at all.

    Raises
    ------
    ArgumentError
        For a name that cannot be one, or blocks that do not fit the files that are there.
    UnsupportedError
        For values or kinds of objects that the layout does not have.
    StorageError
        If the object is there already, or a file cannot be written.
    """
    _check(wanted)
    rows = _flat(ex, wanted.item.leader).rows
    names = paths.block_paths(wanted.filename, len(rows)) if wanted.distribute else [paths.absolute(wanted.filename)]
    if wanted.append:
        _check_files(wanted, names)
    entries = list(_entries(ex, "", wanted.item, _How(rows if wanted.distribute else None, wanted.offsets)))
    with _targets(names, append=wanted.append) as targets:
        link = f"{wanted.name}.{secrets.token_hex(4)}.part"
        try:
            places = [(target, _make(target, link, entries, i, wanted)) for i, target in enumerate(targets)]
            _fill(ex, [e for e in entries if isinstance(e, Dataset)], places)
        except BaseException:
            _forget(targets, link)
            raise
        for target in targets:
            _rename(target, link, wanted)
    if wanted.distribute and not wanted.append:
        for stale in {*paths.existing(wanted.filename)} - {*names}:
            Path(stale).unlink(missing_ok=True)


def _check(wanted: Written) -> None:
    if not wanted.name.strip("/"):
        raise ArgumentError("the dataset has no name")
    for part in wanted.item.columns:
        if isinstance(part, Array) and dtype_name(part.dtype) not in _WRITABLE:
            known = ", ".join(_WRITABLE)
            raise UnsupportedError(f"{dtype_name(part.dtype)} cannot be written to HDF5; known are {known} and strings")
    _check_kind(wanted.item)


def _check_kind(item: Composite) -> None:
    if item.kind not in KINDS:
        raise UnsupportedError(f"Unable to write object type {item.kind}")
    for name, part in item.parts.items():
        if not name or "/" in name or name == ".":
            raise ArgumentError(f"a column cannot be written to HDF5 under the name {name!r}")
        _check_kind(part)


def _check_files(wanted: Written, names: Sequence[str]) -> None:
    """See that an object can be added to the files that are there, before one is changed."""
    there = paths.existing(wanted.filename) if wanted.distribute else [n for n in names if Path(n).exists()]
    if there and there != list(names):
        raise ArgumentError(
            "Cannot append when the number of existing filenames does not match the expected: there are "
            f"{len(there)} files of {wanted.filename}, and {len(names)} blocks"
        )
    for path in there:
        with hdf5_format.opened(path) as file:
            _check_new(file, path, wanted)


def _check_new(file: Any, path: str, wanted: Written) -> None:
    if wanted.name not in file or wanted.overwrite:
        return
    is_dataset = wanted.item.kind in ARRAYS and isinstance(wanted.item.leader, Array)
    start = (
        " Dataset named" if is_dataset and wanted.item.leader.ndim and not _is_bigint(wanted.item) else "A group named"
    )
    raise StorageError(
        f"{start} {wanted.name} already exists in {path}. If you would like to overwrite the group please use "
        "update_hdf."
    )


def _is_bigint(item: Composite) -> bool:
    return isinstance(item.leader, Array) and item.leader.dtype == BIGINT


# --- what goes into a file -------------------------------------------------------------------------------------------


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
class _How:
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


def _entries(ex: Executor, path: str, item: Composite, how: _How) -> Iterator[Entry]:
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
            yield from _entries(ex, f"{path}/{name}", single(item.values[role]), how)
    for name, part in item.parts.items():
        yield from _entries(ex, f"{path}/{name}", part, how)


def _single(ex: Executor, path: str, kind: str, x: Column, how: _How) -> Iterator[Entry]:
    flat = how.cut(ex, _flat(ex, x))
    if isinstance(flat, Strings):
        yield from _strings(ex, path, kind, flat, how)
    elif flat.dtype == BIGINT:
        yield from _bigint(ex, path, kind, flat)
    else:
        yield Dataset(path, kind, flat)


def _flat(ex: Executor, x: Column) -> Column:
    return x if isinstance(x, Strings) else layout.flattened(ex, x)


def _strings(ex: Executor, path: str, kind: str, s: Strings, how: _How) -> Iterator[Entry]:
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


def _lists(ex: Executor, path: str, item: Composite, how: _How) -> Iterator[Entry]:
    segments, values = how.cut(ex, item.values["segments"]), item.values["values"]
    if isinstance(segments, Strings):
        raise UnsupportedError("the segments of a SegArray are strings; they are int64")
    if how.rows is not None:
        values = layout.values_of_lists(ex, segments, values)
        segments = layout.array_of(ex.map(np.subtract, segments, Each(starts(values.rows))), segments)
        how = _How(values.rows)
    yield Dataset(f"{path}/segments", "PDARRAY", segments)
    yield from _single(ex, f"{path}/values", single(values).kind, values, how)


# --- files -----------------------------------------------------------------------------------------------------------


@contextmanager
def _targets(names: Sequence[str], *, append: bool) -> Iterator[list[str]]:
    """The files to write into: those that are there, and new ones that come under their names when all is done."""
    with ExitStack() as stack:
        yield [
            name if append and Path(name).exists() else str(stack.enter_context(paths.replacing(Path(name))))
            for name in names
        ]


def _make(target: str, link: str, entries: Sequence[Entry], block: int, wanted: Written) -> list[int]:
    """Make the groups and datasets of a file, and say at which byte each dataset begins."""
    with hdf5_format.opened(target, "r+" if Path(target).exists() else "w") as file:
        if FILE_FORMAT not in file.attrs:
            file.attrs.create(FILE_FORMAT, int(wanted.distribute), dtype=np.int64)
        return [p for e in entries if (p := _make_entry(file, f"{link}{e.path}", e, block, wanted)) is not None]


def _make_entry(file: Any, path: str, entry: Entry, block: int, wanted: Written) -> int | None:
    if isinstance(entry, Group):
        hdf5_format.describe(file.create_group(path), entry.kind, wanted.version, entry.counts)
        return None
    length = entry.data.rows[block] if wanted.distribute else entry.data.shape[0]
    dataset = file.create_dataset(path, (length,), entry.dtype, dcpl=_allocated())
    flags = {"isBool": 1} if entry.data.dtype == np.bool_ else {}
    hdf5_format.describe(dataset, entry.kind, wanted.version, flags)
    place: int = dataset.id.get_offset() or 0
    return place


def _allocated() -> Any:
    """The properties of a dataset that has its place in the file at once, which the library leaves as it is."""
    h5py = hdf5_format.library()
    properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    properties.set_layout(h5py.h5d.CONTIGUOUS)
    properties.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    properties.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    return properties


def _fill(ex: Executor, datasets: Sequence[Dataset], files: Sequence[tuple[str, list[int]]]) -> None:
    """Write all blocks to their places, those of one cut in one step."""
    by_count: dict[int, list[tuple[Dataset, tuple[raw.Place, ...]]]] = {}
    for i, dataset in enumerate(datasets):
        count = len(dataset.data.rows)
        if len(files) > 1:
            places = tuple((path, found[i]) for path, found in files)
        else:
            path, found = files[0]
            places = tuple((path, found[i] + a * dataset.dtype.itemsize) for a in starts(dataset.data.rows))
        by_count.setdefault(count, []).append((dataset, places))
    for members in by_count.values():
        targets = Each(zip(*(places for _, places in members), strict=True))
        ex.collect(raw.write, targets, *(Refs(dataset.data.blocks) for dataset, _ in members))


def _rename(target: str, link: str, wanted: Written) -> None:
    with hdf5_format.opened(target, "r+") as file:
        if wanted.name in file:
            _check_new(file, target, wanted)
            del file[wanted.name]
        file.move(link, wanted.name)


def _forget(targets: Sequence[str], link: str) -> None:
    """Take what a failed command has made out of files that stay."""
    for target in targets:
        if Path(target).exists():
            with hdf5_format.opened(target, "r+") as file:
                file.pop(link, None)
