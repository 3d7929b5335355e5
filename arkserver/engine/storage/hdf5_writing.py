"""Writing HDF5: the library makes the datasets, and the blocks are written into them by those who hold them.

All blocks go into one file, or each into a file of its own. What the library itself would write has to pass through one
lock of one process.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.engine.composites import Composite
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.storage import hdf5_format, paths, raw
from arkserver.engine.storage.hdf5_entries import Dataset, Entry, Group, How, entries_of, flat
from arkserver.engine.storage.hdf5_format import FILE_FORMAT, KINDS
from arkserver.engine.values import BIGINT, Array, dtype_name, starts
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
    rows = flat(ex, wanted.item.leader).rows
    names = paths.block_paths(wanted.filename, len(rows)) if wanted.distribute else [paths.absolute(wanted.filename)]
    if wanted.append:
        _check_files(wanted, names)
    entries = list(entries_of(ex, "", wanted.item, How(rows if wanted.distribute else None, wanted.offsets)))
    with _targets(names, append=wanted.append) as targets:
        link = f"{wanted.name}.{secrets.token_hex(4)}.part"
        try:
            places = [(target, _make(target, link, entries, i, wanted)) for i, target in enumerate(targets)]
            _fill(ex, [e for e in entries if isinstance(e, Dataset)], places)
            for target in targets:
                _rename(target, link, wanted)
        except BaseException:
            _forget([target for target in targets if target in names], link)
            raise
    if wanted.distribute and not wanted.append:
        paths.delete_existing(wanted.filename, keep=names)


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
    value = wanted.item.values.get("array")
    what = " Dataset" if isinstance(value, Array) and value.dtype != BIGINT else "A group"
    raise StorageError(
        f"{what} named {wanted.name} already exists in {path}. If you would like to overwrite the group please use "
        "update_hdf."
    )


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


def _forget(files: Sequence[str], link: str) -> None:
    """Take what a failed command has made out of files that stay."""
    for path in files:
        # Where the disk is full this fails as well, and the first error says more.
        with contextlib.suppress(StorageError), hdf5_format.opened(path, "r+") as file:
            file.pop(link, None)
