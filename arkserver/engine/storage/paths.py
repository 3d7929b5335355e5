"""Names of files: wild cards, what kind of file it is, and the file that each block of a value is written to."""

from __future__ import annotations

import glob  # a pattern may be absolute or relative, with wild cards in any part: what pathlib cannot do
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path

from arkserver.errors import StorageError


class FileType(StrEnum):
    """The formats that are told apart by their first bytes."""

    PARQUET = "Parquet"
    HDF5 = "HDF5"
    CSV = "CSV"


_MAGIC = {b"PAR1": FileType.PARQUET, b"\x89HDF\r\n\x1a\n": FileType.HDF5, b"**HEADER": FileType.CSV}


def expand(names: Sequence[str]) -> list[str]:
    """The files that a request names: several as they are, a single one as a pattern, sorted.

    Raises
    ------
    StorageError
        If a pattern matches nothing.
    """
    if len(names) != 1:
        return list(names)
    found = matching(names[0])
    if not found:
        raise StorageError(
            f"The wildcarded filename {names[0]} either corresponds to files inaccessible to Arkouda or files of an "
            "invalid format"
        )
    return found


def absolute(path: str) -> str:
    """The path as a worker finds it, whose working folder may be another than the server's."""
    return str(Path(path).absolute())


def matching(pattern: str) -> list[str]:
    """What a pattern matches, sorted."""
    return sorted(glob.glob(pattern))  # noqa: PTH207 - see the import


def first_match(name: str) -> str:
    """The file itself, or the first that the pattern `name` matches.

    Raises
    ------
    StorageError
        If there is none.
    """
    found = [name] if Path(name).is_file() else matching(name)
    if not found and name.endswith("*"):
        # Another text than for a file: Arkouda's client turns that into a ValueError, and this it does not.
        raise StorageError(f"Cannot retrieve filename from glob expression {name}, check file name or format")
    if not found:
        raise StorageError(f"File {name} does not exist in a location accessible to Arkouda")
    return found[0]


def file_type(path: str) -> FileType:
    """The format, by the first bytes.

    Raises
    ------
    StorageError
        If the file cannot be read or is of none of the formats.
    """
    try:
        with Path(path).open("rb") as f:
            start = f.read(8)
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    for magic, kind in _MAGIC.items():
        if start.startswith(magic):
            return kind
    raise StorageError("Unsupported file type; Parquet, HDF5 and CSV are only supported formats")


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A file beside `path` to write into, which becomes `path` at the end, and goes when the block raises.

    Readers see all of it or nothing, and two writers of one file, such as a task that runs again while the worker that
    had it is only thought to be dead, do not meet. Errors of the disk come as they are.
    """
    scratch = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        yield scratch
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)


# --- one file a block ------------------------------------------------------------------------------------------------


def _split(prefix: str) -> tuple[str, str]:
    """Stem and extension: the latter from the last point on, if there is one in the last part."""
    stem, point, extension = prefix.rpartition(".")
    return (stem, point + extension) if point and "/" not in extension else (prefix, "")


def block_path(prefix: str, block: int) -> str:
    """The file of a block: ``x.parquet`` becomes ``x_LOCALE0000.parquet``."""
    stem, extension = _split(prefix)
    return f"{stem}_LOCALE{block:04d}{extension}"


def is_block_path(path: str) -> bool:
    """Whether a file is called as that of a block."""
    return re.search(r"_LOCALE\d{4}", path) is not None


def block_paths(prefix: str, blocks: int) -> list[str]:
    """The files of all blocks, as workers find them."""
    return [block_path(absolute(prefix), i) for i in range(blocks)]


def existing(prefix: str) -> list[str]:
    """The files of blocks that are there already, sorted, as workers find them."""
    stem, extension = _split(absolute(prefix))
    return matching(f"{glob.escape(stem)}_LOCALE*{glob.escape(extension)}")


def delete_existing(prefix: str, keep: Sequence[str] = ()) -> None:
    """Remove the files of blocks, but for some.

    Raises
    ------
    StorageError
        If one cannot be removed.
    """
    for path in existing(prefix):
        if path in keep:
            continue
        try:
            Path(path).unlink()
        except OSError as e:
            raise StorageError(f"{path} cannot be deleted: {e.strerror}") from None
