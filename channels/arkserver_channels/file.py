"""Messages as files."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from pathlib import Path

from arkserver_channels.types import Answer, Channel, ChannelError, ChannelOptionsError, HttpRequestType, Message


class FileChannel(Channel):
    """Writes each payload to the file that the address names, and waits until it is on the disk.

    A reader sees the old content or the new one, never a part. GET reads the file, DELETE removes it (gone already is
    fine). With the option ``append``, payloads are added to the file's end, each ended by a line feed, and DELETE adds
    its payload, if any, and removes nothing.
    """

    async def write(self, message: Message) -> Answer:
        if not message.address:
            raise ChannelOptionsError("a message to a file needs an address: the file's path")
        path = self.options.folder / message.address
        try:
            return await asyncio.to_thread(self._write, path, message)
        except OSError as error:
            raise ChannelError(f"cannot write {path}: {error.strerror or error}") from error

    def _write(self, path: Path, message: Message) -> Answer:
        match message.request_type:
            case HttpRequestType.GET:
                return _read(path)
            case _ if self.options.append:
                _append(path, message.payload)
            case HttpRequestType.DELETE:
                path.unlink(missing_ok=True)
                _sync_folder(path.parent)
            case _:
                _replace(path, message.payload)
        return Answer(200)


def _read(path: Path) -> Answer:
    with contextlib.suppress(FileNotFoundError):
        return Answer(200, path.read_bytes())
    return Answer(404)


def _append(path: Path, text: str) -> None:
    if not text:
        return
    data = (text if text.endswith("\n") else text + "\n").encode()
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    try:
        # One write call to a file opened for appending lands in one piece, beside those of other processes.
        if os.write(descriptor, data) != len(data):
            raise OSError(f"only a part of {len(data)} bytes was written; the disk may be full")
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _replace(path: Path, text: str) -> None:
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    temporary = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            stream.write(text.encode())
            stream.flush()
            # mkstemp makes the file private; readers such as Prometheus or a Consul agent are other users.
            os.fchmod(stream.fileno(), 0o644)
            os.fsync(stream.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """A rename is on the disk only when its folder is."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
