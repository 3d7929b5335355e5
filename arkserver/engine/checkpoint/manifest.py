"""What a checkpoint says of itself: ``manifest.json``, and ``SHA256SUMS`` over every file of the folder.

A checkpoint is a folder::

    manifest.json          `Manifest`
    SHA256SUMS             as ``sha256sum -c`` reads it
    server.md              what Arkouda keeps there: the server's id and how many locales it has
    00000_LOCALE0000.parquet, ...   a file for each block of each value, one column ``data``; sparse matrices have three
                                    of them, such as 00000.1_LOCALE0000.parquet

Numbers are stored as what they are, the elements of several axes in C order; strings as strings; bigint as binary,
two's complement, the most significant byte first.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import msgspec

from arkserver.engine.registry import RegisteredObject
from arkserver.engine.threads import threads
from arkserver.errors import StorageError

MANIFEST = "manifest.json"
SUMS = "SHA256SUMS"
SERVER = "server.md"
FORMAT = "arkserver-checkpoint"
VERSION = 1

_READ_BYTES = 1 << 22


class BlockEntry(msgspec.Struct, frozen=True):
    """The file of one block."""

    file: str
    """its name in the folder"""
    groups: tuple[tuple[int, int], ...]
    """of each row group the rows (positions of the first axis) and, for strings, their bytes"""


class ValueEntry(msgspec.Struct, frozen=True, omit_defaults=True):
    """One symbol."""

    name: str
    kind: Literal["array", "strings", "sparse", "generator"]
    dtype: str = "str"
    """of an array's elements or of what a generator draws"""
    shape: tuple[int, ...] = ()
    max_bits: int = -1
    """of a bigint array"""
    seed: str = ""
    """of a generator, in decimal"""
    nbytes: int = 0
    """as the memory accounts count it"""
    blocks: tuple[BlockEntry, ...] = ()
    layout: str = ""
    """of a sparse matrix"""
    parts: tuple[ValueEntry, ...] = ()
    """of a sparse matrix: rows, columns and values"""


class RegistryEntry(msgspec.Struct, frozen=True):
    """A name that a user gave to an object."""

    name: str
    item: RegisteredObject


class Manifest(msgspec.Struct, frozen=True):
    """Everything that is in a checkpoint."""

    format: str
    version: int
    created: str
    """UTC, ISO 8601 with microseconds: the newest is the last in the order of text"""
    server: str
    """the id of the server"""
    nbytes: int
    """of all values in memory"""
    values: tuple[ValueEntry, ...]
    registry: tuple[RegistryEntry, ...] = ()


def encode(manifest: Manifest) -> bytes:
    """The text of ``manifest.json``."""
    return msgspec.json.format(msgspec.json.encode(manifest), indent=1)


def read(folder: Path) -> Manifest:
    """What ``manifest.json`` says, unchecked.

    Raises
    ------
    StorageError
        If there is none or it is none that this version reads.
    """
    path = folder / MANIFEST
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Manifest)
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    except msgspec.DecodeError as e:
        raise StorageError(f"{path} is no manifest of a checkpoint: {e}") from None
    if (found.format, found.version) != (FORMAT, VERSION):
        raise StorageError(f"{path} is {found.format} {found.version}; this server reads {FORMAT} {VERSION}")
    return found


# --- checksums -------------------------------------------------------------------------------------------------------


def digest(path: Path) -> str:
    """The SHA-256 of a file."""
    found = hashlib.sha256()
    with path.open("rb") as f:
        while piece := f.read(_READ_BYTES):
            found.update(piece)
    return found.hexdigest()


def _check(path: Path, expected: str) -> None:
    try:
        found = digest(path)
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    if found != expected:
        raise StorageError(f"{path} is damaged: its SHA-256 is {found}, {SUMS} says {expected}")


def encode_sums(sums: Mapping[str, str]) -> bytes:
    """The text of ``SHA256SUMS`` from digests by file name."""
    return "".join(f"{digest}  {name}\n" for name, digest in sums.items()).encode()


def read_sums(folder: Path) -> dict[str, str]:
    """Digests by file name.

    Raises
    ------
    StorageError
        If they cannot be read, or name a file outside of the folder.
    """
    path = folder / SUMS
    try:
        lines = path.read_text().splitlines()
        found = {name: digest for digest, name in (line.split("  ", 1) for line in lines)}
    except (OSError, ValueError) as e:
        raise StorageError(f"{path} cannot be read: {e}") from None
    outside = [name for name in found if Path(name).name != name]
    if outside:
        raise StorageError(f"{path} names {outside[0]}, which is not in the folder")
    return found


def verified(folder: Path) -> Manifest:
    """The manifest of a checkpoint whose files are all there and as they were written.

    Raises
    ------
    StorageError
        That names the first file that is not.
    """
    sums = read_sums(folder)
    threads().run(_check, [folder / name for name in sums], sums.values())
    manifest = read(folder)
    missing = {b.file for v in manifest.values for part in (v, *v.parts) for b in part.blocks} | {MANIFEST}
    if missing - sums.keys():
        raise StorageError(
            f"{folder / SUMS} does not name {min(missing - sums.keys())}; the checkpoint is not complete"
        )
    return manifest
