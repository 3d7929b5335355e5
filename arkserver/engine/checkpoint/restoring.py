"""Restoring: everything of a checkpoint under its old names, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from arkserver.engine import layout, progress
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.checkpoint import arkouda, blockfile, folders, manifest
from arkserver.engine.checkpoint.blockfile import Part
from arkserver.engine.checkpoint.manifest import Manifest, ValueEntry
from arkserver.engine.executor import Each, Executor
from arkserver.engine.state import Engine
from arkserver.engine.symbols import Value
from arkserver.engine.values import DTYPES, Array, Block, SparseMatrix, Strings
from arkserver.errors import StorageError


def load(engine: Engine, folder: Path, *, locales: int = 1) -> None:
    """Bring back what a checkpoint holds; symbols and registered objects of the same names are replaced, others stay.

    All files are checked first, and everything is in memory before anything is replaced.

    Parameters
    ----------
    locales : int
        Processes that hold arrays. A checkpoint of arkserver can be loaded by any number; one that Arkouda wrote asks
        for as many as wrote it.

    Raises
    ------
    StorageError
        If the checkpoint is not there, not complete or damaged; nothing is changed then.
    """
    if not folder.parent.is_dir():
        raise StorageError(f"The base checkpoint directory not found: {folder.parent}")
    if not folder.is_dir():
        raise StorageError(f"The checkpoint directory not found: {folder}")
    if any((folder / name).exists() for name in (manifest.MANIFEST, manifest.SUMS)):
        restore(engine, folder, manifest.verified(folder))
    else:
        _replace(engine, arkouda.read(engine.executor, folder, locales))


def nbytes(folder: Path) -> int:
    """Bytes of memory that a checkpoint needs; 0 where that cannot be told."""
    try:
        return manifest.read(folder).nbytes
    except StorageError:
        return 0


def latest(parent: Path) -> tuple[tuple[Path, Manifest] | None, list[str]]:
    """The newest checkpoint whose files are all as they were written, if there is one, and what is wrong with newer."""
    damaged: list[str] = []
    for folder in folders.newest_first(parent):
        try:
            return (folder, manifest.verified(folder)), damaged
        except StorageError as e:
            damaged.append(str(e))
    return None, damaged


def restore(engine: Engine, folder: Path, whole: Manifest) -> None:
    """Bring back a checkpoint that is checked already, as `load` does.

    Raises
    ------
    StorageError
        If a file cannot be read; nothing is changed then.
    """
    source = _Source(str(folder.absolute()), manifest.digest(folder / manifest.SUMS))
    values: dict[str, Value] = {}
    if (token := progress.current()) is not None:
        token.follow(len(whole.values), lambda: len(values))
    for entry in whole.values:
        values[entry.name] = source.value(engine.executor.sized(entry.nbytes), entry)
    _replace(engine, values)
    for item in whole.registry:
        engine.registry.put(item.name, item.item)


def _replace(engine: Engine, values: Mapping[str, Value]) -> None:
    with engine.locks.hold((), values):
        for name, value in values.items():
            engine.symbols.put(name, value)


@dataclass(frozen=True, slots=True)
class _Source:
    """A folder whose files are checked."""

    folder: str
    """absolute"""
    digest: str
    """of its checksums; a worker that sees a folder of this name with another content does not see this one"""

    def value(self, ex: Executor, entry: ValueEntry) -> Value:
        """The value of a symbol."""
        if entry.kind == "generator":
            return Generator(DTYPES[entry.dtype], int(entry.seed))
        if entry.kind == "sparse":
            rows, columns, values = (self.value(ex, part) for part in entry.parts)
            return SparseMatrix((entry.shape[0], entry.shape[1]), entry.layout, rows, columns, values)
        parts = blockfile.deal(entry.blocks, ex.width)
        rows = tuple(sum(sum(p.rows) for p in block) for block in parts)
        if entry.kind == "strings":
            chars = sum(n for b in entry.blocks for _, n in b.groups)
            return layout.rebalance(ex, Strings(entry.shape[0], chars, self._blocks(ex, parts, entry), rows))
        dtype = DTYPES[entry.dtype]
        if not entry.shape:
            content = blockfile.read_block(self.folder, tuple(chain(*parts)), entry.dtype, ())
            return layout.from_numpy(ex, content.reshape(()), entry.max_bits)
        return layout.rebalance(ex, Array(dtype, entry.shape, self._blocks(ex, parts, entry), rows, entry.max_bits))

    def _blocks(self, ex: Executor, parts: Sequence[tuple[Part, ...]], entry: ValueEntry) -> tuple[Block, ...]:
        """Read by the processes that will hold them, if these see the folder, otherwise here."""
        tail = entry.shape[1:]
        if all(ex.collect(_sees, Each([self.folder] * len(parts)), self.digest)):
            return ex.load(blockfile.read_block, self.folder, Each(parts), entry.dtype, tail).values
        return ex.place_each(blockfile.read_block(self.folder, p, entry.dtype, tail) for p in parts)


def _sees(folder: str, digest: str) -> bool:
    path = Path(folder) / manifest.SUMS
    return path.exists() and manifest.digest(path) == digest
