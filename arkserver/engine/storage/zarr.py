"""Reading and writing Zarr: each block has whole chunks, which all threads decode or encode."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.buffers import empty
from arkserver.engine.checkpoint import folders
from arkserver.engine.executor import Each, Executor
from arkserver.engine.storage import paths, zarr_format
from arkserver.engine.storage.zarr_format import BLOSC, FORMAT, METADATA, MOST_CHUNK_BYTES, Metadata
from arkserver.engine.threads import threads
from arkserver.engine.values import Array, DType, starts
from arkserver.errors import ArgumentError, StorageError, UnsupportedError

Shape = tuple[int, ...]

# Chunks that are listed at a time: a store may have millions.
WAVE = 1 << 14


def read(ex: Executor, store: str, dtype: DType, ndim: int) -> Array:
    """An array from the chunks of a store.

    Raises
    ------
    StorageError
        If the store cannot be read.
    UnsupportedError
        If its elements do not fit into `dtype`, or it has another number of axes.
    """
    about = zarr_format.metadata(store)
    if len(about.shape) != ndim:
        raise UnsupportedError(f"{store} has the shape {about.shape}; the command says {ndim} axes")
    if not np.can_cast(about.elements, dtype, "safe"):
        raise UnsupportedError(f"{store} has elements of type {about.dtype}, which {dtype} cannot hold")
    zarr_format.codecs(about)  # what a store needs and the server lacks is told before anything is read
    rows = _cut(ex, about.shape[0], about.chunks[0])
    refs = ex.load(_read_block, paths.absolute(store), about, Each(starts(rows)), Each(rows), dtype)
    return layout.rebalance(ex, Array(dtype, about.shape, refs.values, rows))


def _cut(ex: Executor, n: int, chunk: int) -> Shape:
    """Lengths of blocks that begin where chunks do."""
    edges = np.cumsum([0, *layout.even_rows(-(-n // chunk), ex.width)]) * chunk
    return tuple(np.diff(np.minimum(edges, n)).tolist())


def _read_block(store: str, about: Metadata, start: int, rows: int, dtype: DType) -> NDArray[Any]:
    out = empty((rows, *about.shape[1:]), dtype)
    steps, fill = zarr_format.codecs(about), zarr_format.fill_value(about)

    def read_chunk(index: Shape) -> None:
        found = zarr_format.read_chunk(about.file(store, index), about, steps)
        target = out[_place(about.chunks, index, start)]
        inside = tuple(slice(0, n) for n in target.shape)
        np.copyto(target, fill if found is None else found[inside], casting="unsafe")

    _each_chunk(read_chunk, about, start, rows)
    return out


def _each_chunk(fn: Callable[[Shape], None], about: Metadata, start: int, rows: int) -> None:
    """Call `fn` with the index of every chunk of the rows of a block, on all threads."""
    first = start // about.chunks[0]
    grid = (-(-(start + rows) // about.chunks[0]) - first if rows else 0, *about.grid[1:])
    count = math.prod(grid)
    for at in range(0, count, WAVE):
        row, *rest = np.unravel_index(range(at, min(at + WAVE, count)), grid)
        threads().run(fn, zip((row + first).tolist(), *(axis.tolist() for axis in rest), strict=True))


def _place(chunks: Shape, index: Shape, start: int) -> tuple[slice, ...]:
    """Where a chunk lies in a block whose first row is `start`."""
    firsts = [i * n for i, n in zip(index, chunks, strict=True)]
    firsts[0] -= start
    return tuple(slice(a, a + n) for a, n in zip(firsts, chunks, strict=True))


def write(ex: Executor, store: str, x: Array, chunks: Shape) -> None:
    """Write an array to a store, in place of one that is there.

    Raises
    ------
    ArgumentError
        For chunks that do not fit the array, or are larger than 2 GB.
    StorageError
        If there is something else under that name, or the store cannot be written.
    """
    x = layout.as_vector(ex, x)
    if len(chunks) != x.ndim or min(chunks) < 1:
        raise ArgumentError(f"chunks of the shape {chunks} do not fit an array of the shape {x.shape}")
    about = Metadata(FORMAT, x.shape, chunks, x.dtype.str, BLOSC, False if x.dtype == np.bool_ else 0)
    if about.chunk_bytes > MOST_CHUNK_BYTES:
        raise ArgumentError(f"a chunk has {about.chunk_bytes} bytes; it can have {MOST_CHUNK_BYTES}")
    zarr_format.codecs(about)
    target = Path(paths.absolute(store))
    _check_replaceable(target)
    cut = _cut(ex, x.shape[0], chunks[0])
    aligned = x if x.rows == cut else layout.relayout(ex, x, cut)
    with folders.new_folder(target, folders.Mode.OVERWRITE) as folder:
        ex.collect(_write_block, str(folder), about, Each(starts(cut)), aligned)
        folders.write_file(folder / METADATA, msgspec.json.encode(about))


def _check_replaceable(target: Path) -> None:
    """A folder goes only if it is a store, or empty."""
    if target.exists() and not (target / METADATA).is_file() and (not target.is_dir() or any(target.iterdir())):
        raise StorageError(f"{target} is there and is no Zarr array; nothing was written")


def _write_block(folder: str, about: Metadata, start: int, block: NDArray[Any]) -> None:
    steps = zarr_format.codecs(about)

    def write_chunk(index: Shape) -> None:
        inside = block[_place(about.chunks, index, start)]
        if inside.shape != about.chunks:  # a chunk at the edge is as large as any
            padded = np.zeros(about.chunks, block.dtype)
            padded[tuple(slice(0, n) for n in inside.shape)] = inside
            inside = padded
        zarr_format.write_chunk(about.file(folder, index), inside, steps)

    try:
        _each_chunk(write_chunk, about, start, len(block))
    except OSError as e:
        raise StorageError(f"{folder} cannot be written: {e.strerror or e}") from None


def nbytes(store: str, itemsize: int) -> int:
    """Bytes that reading a store takes: the array, and a chunk for each thread, encoded and not."""
    about = zarr_format.metadata(store)
    return math.prod(about.shape) * itemsize + 2 * about.chunk_bytes * threads().count
