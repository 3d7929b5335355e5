"""Reading and writing HDF5."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from arkserver.commands import projection
from arkserver.commands.context import Context
from arkserver.commands.parquet import APPEND, WRITTEN, each_readable
from arkserver.commands.registry import command
from arkserver.commands.results import Read, ReadAll
from arkserver.engine.composites import Composite
from arkserver.engine.executor import Executor
from arkserver.engine.storage import hdf5_contents, hdf5_reading, hdf5_writing, paths
from arkserver.engine.storage.hdf5_contents import Node
from arkserver.engine.storage.hdf5_writing import Written
from arkserver.engine.storage.tagging import TAG, file_codes
from arkserver.errors import ArgumentError

SINGLE, DISTRIBUTE = 0, 1
TRUNCATE = 0


@command("hdffileformat", distributed="server", project=projection.nothing)
def file_format(filename: str) -> str:
    """Say whether a file is whole, or one of several that hold the blocks of an object."""
    return "distribute" if hdf5_contents.is_distributed(paths.first_match(filename)) else "single"


# --- reading ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """Which objects of which files are read."""

    objects: Mapping[str, Sequence[Node]]
    """by name, in every file"""
    errors: Sequence[str]
    """of files that are left out"""


def _planned(filenames: list[str], dsets: list[str], *, strict: bool, allow_errors: bool) -> Plan:
    files = paths.expand(filenames)
    found, errors = each_readable(files, lambda path: hdf5_contents.nodes(path, dsets), allow_errors=allow_errors)
    objects = {name: [nodes[name] for nodes in found] for name in found[0]}
    for name, nodes in objects.items():
        hdf5_contents.check_alike(name, nodes, strict=strict)
        hdf5_contents.check_together(name, nodes)
    return Plan(objects, errors)


def _bytes_read(filenames: list[str], dsets: list[str], strict_types: bool = True, allow_errors: bool = False) -> int:
    plan = _planned(filenames, dsets, strict=strict_types, allow_errors=allow_errors)
    return sum(hdf5_contents.peak(nodes) for nodes in plan.objects.values())


@command("readAllHdf", project=_bytes_read)
def read(
    ex: Executor,
    filenames: list[str],
    dsets: list[str],
    strict_types: bool = True,
    allow_errors: bool = False,
    calc_string_offsets: bool = False,
    tag_data: bool = False,
) -> ReadAll:
    """Read objects of HDF5 files, those of several files one behind the other."""
    plan = _planned(filenames, dsets, strict=strict_types, allow_errors=allow_errors)
    found: dict[str, Read] = {}
    if tag_data and plan.objects:
        found[TAG] = file_codes(ex, [node.rows for node in next(iter(plan.objects.values()))])
    for name, nodes in plan.objects.items():
        found[name] = hdf5_reading.read(ex, nodes, find_offsets=calc_string_offsets)
    return ReadAll(found, tuple(plan.errors))


# --- writing ---------------------------------------------------------------------------------------------------------


@command("tohdf", project=lambda item: 2 * sum(projection.bytes_like(x) for x in item.columns))
def write(
    ex: Executor,
    context: Context,
    item: Composite,
    filename: str,
    dset: str,
    write_mode: int = TRUNCATE,
    file_format: int = SINGLE,
    overwrite: bool = False,
    save_offsets: bool = True,
) -> str:
    """Write an object to an HDF5 file, or to several, one a block."""
    if write_mode not in (TRUNCATE, APPEND):
        raise ArgumentError(f"Unknown write mode {write_mode} found.")
    if file_format not in (SINGLE, DISTRIBUTE):
        raise ArgumentError(
            f"Unknown file format. Expecting 0 (single file) or 1 (file per locale). Found {file_format}"
        )
    wanted = Written(
        filename,
        dset,
        item,
        append=write_mode == APPEND,
        distribute=file_format == DISTRIBUTE,
        overwrite=overwrite,
        offsets=save_offsets,
        version=context.server.version,
    )
    hdf5_writing.write(ex, wanted)
    return WRITTEN
