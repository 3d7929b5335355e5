"""Files of the blocks that no task can compute again: uploads, and blocks whose lineage was cut.

The files lie in one folder of the server, which workers on the same file system read and write themselves. A worker
that does not see the folder gets the contents from the server.
"""

from __future__ import annotations

import asyncio
import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from distributed import Scheduler, get_worker
from distributed.protocol import to_serialize
from distributed.utils import offload

from arkserver.cluster.scratch import Scratch
from arkserver.engine.storage import paths

PREFIX = "kept"
"""of the keys of blocks that have a file"""


class Vault:
    """The folder of a scheduler.

    Parameters
    ----------
    scheduler : Scheduler
        Serves the files to workers that do not see the folder.
    parent : Path, optional
        Where the folder is made; among the system's temporary files if not given.
    """

    def __init__(self, scheduler: Scheduler, parent: Path | None = None) -> None:
        self._scratch = Scratch(parent)
        self._deleting = ThreadPoolExecutor(1, "vault")
        scheduler.handlers["arkserver_kept"] = self._serve

    def path(self, key: Any) -> str:
        """The file of a block."""
        return str(self._scratch.path / f"{key[0]}.pickle")

    def files(self) -> int:
        """How many files there are."""
        return sum(1 for _ in self._scratch.path.glob("*.pickle"))

    def forget(self, key: Any) -> None:
        """Delete the file of a block, if `key` is that of one that has a file."""
        if isinstance(key, tuple) and key[0].startswith(PREFIX):
            self._deleting.submit(Path(self.path(key)).unlink, missing_ok=True)

    def close(self) -> None:
        """Delete all."""
        self._deleting.shutdown()
        self._scratch.close()

    async def _serve(self, name: str) -> Any:
        return to_serialize(await offload((self._scratch.path / Path(name).name).read_bytes))


def write(path: str, content: Any) -> bool:
    """Write a block's file; False when it cannot be: the folder is another machine's, or the disk is full."""
    try:
        with paths.replacing(Path(path)) as part, part.open("wb") as out:
            pickle.dump(content, out, protocol=5)
    except OSError:
        return False
    return True


def load(path: str) -> Any:
    """The contents of a block's file: the task by which workers have it."""
    try:
        with Path(path).open("rb") as file:
            return pickle.load(file)  # noqa: S301 - written by this cluster
    except FileNotFoundError:
        return pickle.loads(_fetched(path))  # noqa: S301 - the same


def _fetched(path: str) -> Any:
    worker = get_worker()
    reply = worker.scheduler.arkserver_kept(name=Path(path).name)
    return asyncio.run_coroutine_threadsafe(reply, worker.loop.asyncio_loop).result()
