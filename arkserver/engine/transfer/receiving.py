"""The side that gets the objects: it connects, and asks for them piece by piece, block by block."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zmq
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.blocks import text
from arkserver.engine.buffers import empty
from arkserver.engine.composites import ARRAYS, Composite
from arkserver.engine.executor import Executor
from arkserver.engine.transfer import links, messages
from arkserver.engine.transfer.links import Rules
from arkserver.engine.transfer.messages import Answer, Manifest, ObjectEntry, Question, ValueEntry
from arkserver.engine.transfer.sending import PIECE_BYTES
from arkserver.engine.values import BIGINT, DTYPES, Array, Column, Strings, TextBlock, itemsize, starts
from arkserver.errors import ArkserverError, TransferError

UINT64 = np.dtype(np.uint64)

ROLES = {"SEGARRAY": {"segments", "values"}, "CATEGORICAL": {"codes", "categories", "_akNAcode"}}
"""what an object of several values must have"""

Reserve = Callable[[int], AbstractContextManager[None]]
"""Holds bytes of memory, or refuses."""


def receive(ex: Executor, rules: Rules, host: str, port: int, reserve: Reserve) -> dict[str, Composite]:
    """Connect to the server that sends, and take the objects by their names.

    Raises
    ------
    TransferError
        If no server answers, or what it sends cannot be so.
    MemoryLimitError
        If the objects do not fit; the other server is told.
    """
    with links.connected(rules, host, port) as link:
        asker = _Asker(link, rules, f"the server on {host}, port {port},")
        found = asker.ask(Question("hello"))[0].manifest
        if found is None:
            raise TransferError(f"{asker.peer} did not say what it sends")
        try:
            with reserve(_peak(found)):
                sized = ex.sized(max(map(_nbytes, found.values), default=0))
                values = [_value(sized, asker, i, entry) for i, entry in enumerate(found.values)]
                objects = {name: _object(item, values) for name, item in found.objects.items()}
        except ArkserverError as e:
            link.send(messages.encode(Question("failed", text=str(e))))
            raise
        link.send(messages.encode(Question("done")))
        return objects


def _nbytes(entry: ValueEntry) -> int:
    if entry.kind == "strings":
        return entry.chars + 16 * max(0, math.prod(entry.shape))
    return max(0, math.prod(entry.shape)) * itemsize(_dtype(entry)) * max(1, entry.words)


def _peak(found: Manifest) -> int:
    """All values, the words of the largest bigint, and the pieces of a block before it is one."""
    sizes = [_nbytes(entry) for entry in found.values]
    return sum(sizes) + max(sizes, default=0) + 4 * PIECE_BYTES


def _dtype(entry: ValueEntry) -> np.dtype[Any]:
    if entry.dtype not in DTYPES:
        raise TransferError(f"the other server sends elements of type {entry.dtype}")
    return DTYPES[entry.dtype]


def _object(item: ObjectEntry, values: list[Column]) -> Composite:
    if any(not 0 <= number < len(values) for number in item.values.values()):
        raise TransferError("the other server sends an object without its values")
    missing = ROLES.get(item.kind, {"array"} if item.kind in ARRAYS else set()) - item.values.keys()
    if missing or (item.kind not in ROLES and item.kind not in ARRAYS):
        raise TransferError(f"the other server sends an object of type {item.kind} without {sorted(missing)}")
    parts = {name: _object(part, values) for name, part in item.parts.items()}
    return Composite(item.kind, {role: values[number] for role, number in item.values.items()}, parts)


@dataclass(slots=True)
class _Asker:
    """Asks the other server."""

    link: zmq.Socket[bytes]
    rules: Rules
    peer: str
    answered: bool = field(default=False)

    def ask(self, question: Question) -> tuple[Answer, list[Any]]:
        """The answer, and the bytes behind it."""
        self.link.send(messages.encode(question))
        frames = links.receive(self.link, self.rules.deadline)
        if frames is None:
            what = "did not go on" if self.answered else "did not answer"
            hint = "" if self.answered else self.rules.hint
            raise TransferError(f"{self.peer} {what} within {self.rules.seconds:g} seconds{hint}")
        self.answered = True
        return messages.answer(frames[0]), [f.buffer for f in frames[1:]]

    def piece(self, wanted: Question, parts: int) -> tuple[int, list[Any]]:
        """How many elements came, and their bytes in `parts` frames."""
        found, data = self.ask(wanted)
        if found.kind != "piece" or len(data) != parts or not 0 < found.count <= wanted.stop - wanted.start:
            raise TransferError(f"{self.peer} sent another piece than it was asked for")
        return found.count, data


# --- values ----------------------------------------------------------------------------------------------------------


def _value(ex: Executor, asker: _Asker, number: int, entry: ValueEntry) -> Column:
    if min(entry.shape, default=0) < 0 or len(entry.shape) > 3 or (entry.kind == "strings" and len(entry.shape) != 1):
        raise TransferError(f"{asker.peer} sends a value of the shape {entry.shape}")
    if entry.kind == "strings":
        return _strings(ex, asker, number, entry)
    if _dtype(entry) != BIGINT:
        return _array(ex, asker, Question("piece", value=number), _dtype(entry), entry.shape)
    if not 0 < entry.words <= math.prod(entry.shape) + 1:
        raise TransferError(f"{asker.peer} sends integers of {entry.words} words")
    words = [
        _array(ex, asker, Question("piece", value=number, word=w), UINT64, entry.shape) for w in range(entry.words)
    ]
    return limbs.joined(ex, words[::-1], entry.max_bits, signed=True)


def _array(ex: Executor, asker: _Asker, about: Question, dtype: np.dtype[Any], shape: tuple[int, ...]) -> Array:
    rows = layout.even_rows(shape[0], ex.width) if shape else (1,)
    blocks = ex.place_each(
        _block(asker, about, a, n, dtype, shape[1:]) for a, n in zip(starts(rows), rows, strict=True)
    )
    if not shape:
        blocks = ex.place([b.reshape(()) for b in ex.fetch(blocks)])
    return Array(dtype, shape, blocks, rows)


def _block(
    asker: _Asker, about: Question, first: int, rows: int, dtype: np.dtype[Any], tail: tuple[int, ...]
) -> NDArray[Any]:
    each = math.prod(tail)
    out = empty((rows, *tail), dtype)
    flat = out.reshape(-1)
    for at, stop, (data,) in _pieces(asker, about, first * each, (first + rows) * each, 1):
        if len(data) != (stop - at) * dtype.itemsize:
            raise TransferError(f"{asker.peer} sent {len(data)} bytes for {stop - at} elements of {dtype}")
        part = np.frombuffer(data, np.uint8 if dtype == np.bool_ else dtype)
        place = slice(at - first * each, stop - first * each)
        np.copyto(flat[place], part != 0 if dtype == np.bool_ else part)
    return out


def _pieces(asker: _Asker, about: Question, start: int, stop: int, parts: int) -> Iterator[tuple[int, int, list[Any]]]:
    """The pieces of a range, in order: where each begins and ends, and its bytes."""
    while start < stop:
        wanted = Question("piece", value=about.value, word=about.word, start=start, stop=stop)
        count, data = asker.piece(wanted, parts)
        yield start, start + count, data
        start += count


def _strings(ex: Executor, asker: _Asker, number: int, entry: ValueEntry) -> Strings:
    rows = layout.even_rows(entry.shape[0], ex.width)
    sizes: list[int] = []

    def block(first: int, count: int) -> TextBlock:
        about = Question("piece", value=number)
        found = [_text(asker, b - a, data) for a, b, data in _pieces(asker, about, first, first + count, 2)]
        joined = layout.join_text(found or [text.from_list([])])
        sizes.append(len(joined.data))
        if sum(sizes) > entry.chars:
            raise TransferError(f"{asker.peer} sends longer strings than it said")
        return joined

    blocks = ex.place_each(block(a, n) for a, n in zip(starts(rows), rows, strict=True))
    return Strings(entry.shape[0], sum(sizes), blocks, rows)


def _text(asker: _Asker, count: int, data: list[Any]) -> TextBlock:
    lengths, characters = data
    if len(lengths) != 8 * count:
        raise TransferError(f"{asker.peer} sent {len(lengths)} bytes for {count} lengths")
    counts = np.frombuffer(lengths, np.int64)
    if counts.min() < 0 or counts.max() > len(characters) or int(counts.sum()) != len(characters):
        raise TransferError(f"{asker.peer} sent strings whose lengths do not fit their bytes")
    # A frame of another server's is memory that nobody else has, but it may be read-only.
    return TextBlock(text.offsets_of(counts), np.frombuffer(characters, np.uint8).copy())
