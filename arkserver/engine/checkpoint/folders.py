"""Folders of checkpoints: written beside their place and renamed into it, so that each is there whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

from arkserver.engine.checkpoint import manifest
from arkserver.errors import ArgumentError, StorageError

PARTIAL = ".partial"
REPLACED = ".replaced-"
PREVIOUS = ".prev"


class Mode(StrEnum):
    """What happens to a checkpoint of the same name."""

    OVERWRITE = "overwrite"
    ERROR = "error"
    PRESERVE_PREVIOUS = "preserve_previous"
    """It gets another name, ending in ``.prev``; what had that name goes."""


def place_of(parent: Path, name: str) -> Path:
    """The folder of the checkpoint `name`.

    Raises
    ------
    ArgumentError
        For a name that is no plain name of a folder, or is hidden.
    """
    if not name or name.startswith(".") or Path(name).name != name:
        raise ArgumentError(f"{name!r} is no name for a checkpoint; the folder that it is in goes into path")
    return parent / name


@contextmanager
def new_folder(target: Path, mode: Mode) -> Iterator[Path]:
    """A folder to write into, which becomes `target` at the end, and goes when the block raises.

    Raises
    ------
    StorageError
        If `target` exists and `mode` forbids that, or the disk refuses.
    """
    if mode is Mode.ERROR and target.exists():
        raise StorageError(f"A file already exists in {target}. If you want to overwrite, use the mode overwrite")
    partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}{PARTIAL}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.mkdir()
        yield partial
        sync(partial)
        _publish(partial, target, mode)
    except OSError as e:
        if isinstance(e, StorageError):
            raise
        raise StorageError(f"{target} cannot be written: {e.strerror or e}") from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _publish(partial: Path, target: Path, mode: Mode) -> None:
    """Between the two renames the old checkpoint has another name, and is found by it."""
    before = target.with_name(target.name + REPLACED + secrets.token_hex(4))
    if target.exists():
        target.rename(before)
    partial.rename(target)
    sync(target.parent)
    if before.exists() and mode is Mode.PRESERVE_PREVIOUS:
        previous = target.with_name(target.name + PREVIOUS)
        if previous.exists():
            _remove(previous)
        before.rename(previous)
    for replaced in target.parent.glob(f"{target.name}{REPLACED}*"):
        _remove(replaced)


def _remove(folder: Path) -> None:
    """Out of sight first, so that what is half removed is taken for what it is."""
    hidden = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{PARTIAL}")
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def write_file(path: Path, content: bytes) -> None:
    """Write a file and wait until it is on the disk."""
    with path.open("xb") as out:
        out.write(content)
        out.flush()
        os.fsync(out.fileno())


def sync(folder: Path) -> None:
    """Wait until the names in a folder are on the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(parent: Path) -> list[Path]:
    """Remove what a server that was killed left half-written; what was removed."""
    found = list(parent.glob(f".*{PARTIAL}"))
    for path in found:
        shutil.rmtree(path, ignore_errors=True)
    return found


def newest_first(parent: Path) -> list[Path]:
    """The folders of whole checkpoints, unchecked, by what their manifests say of the time."""
    found: list[tuple[str, Path]] = []
    for path in parent.glob(f"*/{manifest.MANIFEST}"):
        if path.parent.name.startswith("."):
            continue
        try:
            created = manifest.read(path.parent).created
        except StorageError:  # whoever takes it finds the damage
            created = datetime.fromtimestamp(path.parent.stat().st_mtime, UTC).isoformat(timespec="microseconds")
        found.append((created, path.parent))
    return [path for _, path in sorted(found, reverse=True)]


def keep_newest(parent: Path, prefix: str, count: int) -> list[Path]:
    """Remove all but the newest `count` of the checkpoints whose names begin with `prefix`; what was removed."""
    old = [path for path in newest_first(parent) if path.name.startswith(prefix)][count:]
    for path in old:
        _remove(path)
    return old
