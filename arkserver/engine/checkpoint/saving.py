"""Saving: all symbols and registered objects as they are at one moment, written block by block."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any

from arkserver.engine import progress
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.checkpoint import blockfile, folders, manifest
from arkserver.engine.checkpoint.blockfile import Written
from arkserver.engine.checkpoint.folders import Mode
from arkserver.engine.checkpoint.manifest import Manifest, RegistryEntry, ValueEntry
from arkserver.engine.executor import Each, Executor, Refs
from arkserver.engine.state import Engine
from arkserver.engine.symbols import Value
from arkserver.engine.values import Array, Column, SparseMatrix, Strings, dtype_name
from arkserver.errors import StorageError, UnsupportedError

# A command that changes an array in place takes about as long as a pass over it.
LOCK_SECONDS = 60.0


def save(engine: Engine, target: Path, mode: Mode, *, locales: int = 1, seconds: float = LOCK_SECONDS) -> Manifest:
    """Write everything that `engine` holds into the folder `target`.

    All symbols are as they were at one moment: from then on a command that changes one in place waits until that one is
    written; all others go on.

    Parameters
    ----------
    locales : int
        Processes that hold arrays; Arkouda keeps it in a checkpoint.
    seconds : float
        How long to wait for commands that change arrays in place.

    Raises
    ------
    StorageError
        If the disk refuses or is full, or arrays are changed for too long; `target` is then as it was before.
    UnsupportedError
        For a symbol that is of no kind that a checkpoint can hold.
    """
    names = engine.symbols.names()
    try:
        with engine.locks.hold_each(names, seconds) as release, folders.new_folder(target, mode) as out:
            values = {name: engine.symbols.get(name) for name in names if name in engine.symbols}
            return _write(engine, out, values, release, locales)
    except TimeoutError as e:
        raise StorageError(f"{target} was not written: {e}") from None


def _write(
    engine: Engine, out: Path, values: Mapping[str, Value], release: Callable[[str], None], locales: int
) -> Manifest:
    created = datetime.now(UTC).isoformat(timespec="microseconds")
    registry = [RegistryEntry(n, item) for n, item in engine.registry.items() if values.keys() >= {*item.components}]
    entries: list[ValueEntry] = []
    if (token := progress.current()) is not None:
        token.follow(len(values), lambda: len(entries))
    sums: dict[str, str] = {}
    for number, (name, value) in enumerate(values.items()):
        entries.append(_write_value(engine.executor, out, f"{number:05d}", name, value, sums))
        release(name)
    nbytes = sum(e.nbytes for e in entries)
    about = (manifest.FORMAT, manifest.VERSION, created, engine.symbols.server_id, nbytes)
    whole = Manifest(*about, values=tuple(entries), registry=tuple(registry))
    _write_about(out, whole, sums, locales)
    return whole


def _write_about(out: Path, whole: Manifest, sums: Mapping[str, str], locales: int) -> None:
    about = {
        manifest.SERVER: json.dumps({"serverid": whole.server, "numLocales": locales}).encode() + b"\n",
        manifest.MANIFEST: manifest.encode(whole),
    }
    for name, content in about.items():
        folders.write_file(out / name, content)
    digests = {name: manifest.digest(out / name) for name in about}
    folders.write_file(out / manifest.SUMS, manifest.encode_sums({**sums, **digests}))


def _write_value(ex: Executor, out: Path, stem: str, name: str, value: Value, sums: dict[str, str]) -> ValueEntry:
    if isinstance(value, Generator):
        return ValueEntry(name, "generator", dtype_name(value.dtype), seed=str(value.seed))
    if isinstance(value, SparseMatrix):
        parts = [_write_value(ex, out, f"{stem}.{i}", "", part, sums) for i, part in enumerate(value.parts)]
        return ValueEntry(
            name,
            "sparse",
            dtype_name(value.dtype),
            value.shape,
            nbytes=value.nbytes,
            layout=value.layout,
            parts=tuple(parts),
        )
    if not isinstance(value, Array | Strings):
        raise UnsupportedError(f"{name} is {type(value).__name__}, which a checkpoint cannot hold")
    dtype = dtype_name(value.dtype) if isinstance(value, Array) else "str"
    files = [f"{stem}_LOCALE{i:04d}.parquet" for i in range(len(value.blocks))]
    written = _write_blocks(ex, out, files, dtype, value)
    sums |= {w.entry.file: w.digest for w in written}
    return ValueEntry(
        name,
        "array" if isinstance(value, Array) else "strings",
        dtype,
        value.shape,
        value.max_bits if isinstance(value, Array) else -1,
        nbytes=value.nbytes,
        blocks=tuple(w.entry for w in written),
    )


def _write_blocks(ex: Executor, out: Path, files: list[str], dtype: str, value: Column) -> list[Written]:
    """Each block where it lies; one on a worker that does not see the folder comes here piece by piece."""
    folder = str(out.absolute())
    found = ex.collect(blockfile.write_block, folder, Each(files), dtype, value)
    seen = [w if (out / file).is_file() else None for w, file in zip(found, files, strict=True)]
    return [
        w or blockfile.write_pieces(folder, file, dtype, _fetched(ex, block))
        for w, file, block in zip(seen, files, value.blocks, strict=True)
    ]


def _fetched(ex: Executor, block: Any) -> Iterator[Any]:
    whole = Refs([block])
    (edges,) = ex.collect(blockfile.edges, whole)
    for start, stop in pairwise(edges):
        (content,) = ex.collect(blockfile.piece, whole, start, stop)
        yield content
