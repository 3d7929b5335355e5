"""Zarr stores of format 2: the metadata, the files of chunks, and how a chunk becomes bytes.

The package zarr reads only metadata that are complete, and Arkouda's are not; so the metadata are read here, and the
package numcodecs makes of bytes what they mean. https://zarr-specs.readthedocs.io/en/latest/v2/v2.0.html
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from arkserver.engine.storage.extras import package
from arkserver.errors import StorageError, UnsupportedError

METADATA = ".zarray"
FORMAT = 2

BLOSC: dict[str, Any] = {"id": "blosc", "cname": "lz4", "clevel": 5, "shuffle": 1, "blocksize": 0}
"""what we compress with; Arkouda reads nothing but Blosc, of whatever parameters"""

MOST_CHUNK_BYTES = (1 << 31) - 1 - 16
"""Blosc's limit, with its header"""

# Codecs that make numbers of bytes. Others can do anything: pickle runs what is in a chunk.
CODECS = frozenset(
    {"blosc", "zlib", "gzip", "bz2", "lzma", "lz4", "zstd", "shuffle", "delta", "fixedscaleoffset", "astype"}
    | {"packbits", "quantize", "bitround", "crc32", "crc32c", "adler32", "fletcher32", "jenkins_lookup3"}
)

_SPECIAL = {"NaN": np.nan, "Infinity": np.inf, "-Infinity": -np.inf, None: 0}


class Metadata(msgspec.Struct, frozen=True):
    """What ``.zarray`` says; what Arkouda leaves out has the value that Arkouda means."""

    zarr_format: int
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    dtype: Any
    compressor: dict[str, Any] | None = msgspec.field(default_factory=lambda: dict(BLOSC))
    fill_value: Any = 0
    order: str = "C"
    filters: tuple[dict[str, Any], ...] | None = None
    dimension_separator: str = "."

    @property
    def grid(self) -> tuple[int, ...]:
        """How many chunks there are along each axis."""
        return tuple(-(-n // c) for n, c in zip(self.shape, self.chunks, strict=True))

    @property
    def elements(self) -> np.dtype[Any]:
        """Of the chunks."""
        found: np.dtype[Any] = np.dtype(self.dtype)
        return found

    @property
    def chunk_bytes(self) -> int:
        """Of a chunk before it is compressed."""
        return math.prod(self.chunks) * self.elements.itemsize

    def file(self, store: str, index: Sequence[int]) -> Path:
        """The file of a chunk."""
        return Path(store) / self.dimension_separator.join(map(str, index))


def metadata(store: str) -> Metadata:
    """What a store says of itself.

    Raises
    ------
    StorageError
        If there is none that can be read.
    UnsupportedError
        For another format, or elements that are not numbers.
    """
    path = Path(store) / METADATA
    try:
        found = msgspec.json.decode(path.read_bytes(), type=Metadata)
    except FileNotFoundError:
        newer = ": it is of format 3, and this server reads format 2" if (Path(store) / "zarr.json").exists() else ""
        raise StorageError(f"{store} is no Zarr array{newer or f', it has no {METADATA}'}") from None
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    except msgspec.DecodeError as e:
        raise StorageError(f"{path} is no metadata of a Zarr array: {e}") from None
    _check(found, path)
    return found


def _check(found: Metadata, path: Path) -> None:
    if found.zarr_format != FORMAT:
        raise UnsupportedError(f"{path} is of format {found.zarr_format}; this server reads format {FORMAT}")
    fits = len(found.shape) == len(found.chunks) and min(found.shape, default=0) >= 0 < min(found.chunks, default=1)
    if not fits or found.order not in ("C", "F") or found.dimension_separator not in (".", "/"):
        raise StorageError(f"{path} describes no array: shape {found.shape}, chunks {found.chunks}")
    if not _is_number(found.dtype):
        raise UnsupportedError(f"{path} has elements of type {found.dtype}; this server reads numbers")


def _is_number(dtype: Any) -> bool:
    try:
        return isinstance(dtype, str) and np.dtype(dtype).kind in "iufb"
    except TypeError:
        return False


def codecs(about: Metadata) -> list[Any]:
    """What was done to the elements of a chunk, in order.

    Raises
    ------
    UnsupportedError
        For a codec that is not known, or does more than to make numbers of bytes.
    """
    wanted = [*(about.filters or ()), *([about.compressor] if about.compressor else [])]
    unknown = [str(config.get("id")) for config in wanted if config.get("id") not in CODECS]
    if unknown:
        raise UnsupportedError(f"chunks are encoded with {', '.join(unknown)}; known are {', '.join(sorted(CODECS))}")
    numcodecs = package("numcodecs", "zarr")
    return [numcodecs.get_codec(dict(config)) for config in wanted]


def fill_value(about: Metadata) -> Any:
    """The element of chunks that have no file."""
    known = isinstance(about.fill_value, str) or about.fill_value is None
    value = _SPECIAL.get(about.fill_value, about.fill_value) if known else about.fill_value
    try:
        return about.elements.type(value)
    except (TypeError, ValueError, OverflowError):
        raise UnsupportedError(f"the fill value {about.fill_value!r} is no {about.dtype}") from None


def read_chunk(path: Path, about: Metadata, steps: Sequence[Any]) -> NDArray[Any] | None:
    """The elements of a chunk, None if it has no file.

    Raises
    ------
    StorageError
        If the file cannot be read or does not hold a chunk.
    """
    try:
        data: Any = path.read_bytes()
    except FileNotFoundError:
        return None
    except OSError as e:
        raise StorageError(f"{path} cannot be read: {e.strerror}") from None
    try:
        for step in reversed(steps):
            data = step.decode(data)
        flat = np.frombuffer(memoryview(data).cast("B"), about.elements, math.prod(about.chunks))
    except (RuntimeError, ValueError, TypeError) as e:  # what codecs make of damaged contents
        raise StorageError(f"{path} holds no chunk of {about.chunks}: {e}") from None
    return flat.reshape(about.chunks, order="F" if about.order == "F" else "C")


def write_chunk(path: Path, x: NDArray[Any], steps: Sequence[Any]) -> None:
    """Write a chunk, C-ordered."""
    data: Any = np.ascontiguousarray(x)
    for step in steps:
        data = step.encode(data)
    path.write_bytes(memoryview(data).cast("B"))
