"""Elements that lie one behind the other in a file: read and written where they are, by all threads."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.threads import threads
from arkserver.errors import StorageError

Place = tuple[str, int]
"""A file, and the byte where something begins in it."""

Stamp = tuple[int, int]
"""Tells a file from one that takes its place: the number that the file system has for it, and its size."""

# Less than so many bytes are not worth a second thread.
MINIMUM_BYTES = 1 << 20


def write(places: tuple[Place, ...], *blocks: NDArray[Any]) -> None:
    """Write the bytes of each block to its place, over what is there.

    Raises
    ------
    StorageError
    """
    for (path, place), block in zip(places, blocks, strict=True):
        data = np.ascontiguousarray(block).reshape(-1).view(np.uint8)
        with opened(path, os.O_WRONLY) as file:
            _write_chunks(file, place, data)


def _write_chunks(file: int, place: int, data: NDArray[np.uint8]) -> None:
    def write_chunk(start: int, stop: int) -> None:
        rest = data[start:stop].data
        while rest:
            done = os.pwrite(file, rest, place + stop - len(rest))
            rest = rest[done:]

    threads().each_chunk(write_chunk, len(data), MINIMUM_BYTES)


def stamp(path: str) -> Stamp:
    """The stamp of a file that is there."""
    found = Path(path).stat()
    return found.st_ino, found.st_size


def read(source: Place, dtype: np.dtype[Any], out: NDArray[Any], expected: Stamp | None = None) -> None:
    """Fill `out` (C-ordered) with as many elements of `dtype` as it has, converted to its own dtype.

    Raises
    ------
    StorageError
        If the file cannot be read, ends before, or is another than `expected`.
    """
    path, place = source
    flat = out.reshape(-1)

    def read_chunk(start: int, stop: int) -> None:
        part = flat[start:stop]
        target = part if part.dtype == dtype else np.empty(len(part), dtype)
        _read_all(file, place + start * dtype.itemsize, target.view(np.uint8))
        if target.dtype != part.dtype:
            # Only what is not 0 is true, whatever the bytes hold.
            np.copyto(part, target != 0 if part.dtype == np.bool_ else target, casting="unsafe")

    with opened(path, os.O_RDONLY) as file:
        found = os.fstat(file)
        if expected not in (None, (found.st_ino, found.st_size)):
            raise StorageError("it was written anew while it was read")
        threads().each_chunk(read_chunk, len(flat), MINIMUM_BYTES // dtype.itemsize)


def _read_all(file: int, place: int, target: NDArray[np.uint8]) -> None:
    rest = target.data
    while rest:
        done = os.preadv(file, [rest], place + len(target) - len(rest))
        if not done:
            raise StorageError("it ends before its data do")
        rest = rest[done:]


@contextmanager
def opened(path: str, flags: int) -> Iterator[int]:
    """The descriptor of a file.

    Raises
    ------
    StorageError
        In place of what the system raises, also for what is done with the file.
    """
    try:
        file = os.open(path, flags)
        try:
            yield file
        finally:
            os.close(file)
    except StorageError as e:
        raise StorageError(f"{path} cannot be used: {e}") from None
    except OSError as e:
        raise StorageError(f"{path} cannot be used: {e.strerror}") from None
