"""From what a command returned to the reply: new symbols are named and announced, scalars and texts written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from arkserver.commands.registry import Command
from arkserver.engine.composites import Composite, single
from arkserver.engine.registry import RegisteredObject
from arkserver.engine.storage.arrow import Lists
from arkserver.engine.symbols import SymbolTable
from arkserver.engine.values import Array, SparseMatrix, Strings
from arkserver.wire import objects, replies
from arkserver.wire.envelope import ERROR, NORMAL, WARNING, encode_reply, json_text


@dataclass(frozen=True, slots=True)
class Binary:
    """A reply of raw bytes: any object with a C-contiguous buffer, sent without a copy."""

    data: Any


@dataclass(frozen=True, slots=True)
class Json:
    """A reply that is JSON text."""

    value: Any


@dataclass(frozen=True, slots=True)
class Item:
    """One string of an array of strings."""

    text: str


@dataclass(frozen=True, slots=True)
class Warned:
    """A reply that the client shows as a warning."""

    text: str


@dataclass(frozen=True, slots=True)
class Named:
    """A value that gets a symbol, with text after its announcement."""

    value: Any
    """anything with ``nbytes`` that the symbol table can hold"""
    line: str
    """the announcement; ``{name}`` stands for the symbol"""


Read = Array | Strings | Lists | Composite


@dataclass(frozen=True, slots=True)
class ReadAll:
    """The columns that were read from files."""

    columns: Mapping[str, Read]
    errors: tuple[str, ...] = ()
    """of files that were left out"""


Reply = bytes | memoryview
"""One frame."""


def makes_values(result: Any) -> bool:
    """Whether a result has, or may have, values that get symbols."""
    return isinstance(result, Array | Strings | SparseMatrix | Named | ReadAll | tuple | list | dict)


def write(result: Any, symbols: SymbolTable, user: str) -> Reply:
    """The frame that answers a request with `result`."""
    if isinstance(result, Binary):
        return memoryview(result.data).cast("B") if _bytes_in(result.data) else b""
    kind = WARNING if isinstance(result, Warned) else NORMAL
    return encode_reply(text_of(result, symbols), kind, user)


def _bytes_in(data: Any) -> int:
    return memoryview(data).nbytes


def text_of(result: Any, symbols: SymbolTable) -> str:
    """The text of a reply; values get their symbols here."""
    match result:
        case None:
            return ""
        case str():
            return result
        case Array() | Strings():
            return replies.created(symbols.add(result), result)
        case SparseMatrix():
            return replies.created_sparse(symbols.add(result), result)
        case Named():
            return result.line.format(name=symbols.add(result.value))
        case tuple():
            return "+".join(text_of(r, symbols) for r in result)
        case list():
            return json_text([text_of(r, symbols) for r in result])
        case dict():
            return json_text({key: text_of(r, symbols) for key, r in result.items()})
        case Item():
            return f'item str "{replies.escaped(result.text)}"'
        case Warned():
            return result.text
        case Json():
            return json_text(result.value)
        case ReadAll():
            return _read_all_text(result, symbols)
        case bool() | int() | float() | np.generic():
            return replies.scalar_text(result)
    raise TypeError(f"a command returned {type(result).__name__}; results.py lists what it may return")


SHOWN_ERRORS = 10
"""that a client is told in full"""


def _read_all_text(result: ReadAll, symbols: SymbolTable) -> str:
    items = [
        {"dataset_name": name, "arkouda_type": item.kind, "created": _created(item, symbols)}
        for name, column in result.columns.items()
        if (item := _composite(column))
    ]
    reply = {"items": json_text(items)}
    if result.errors:
        shown = json_text(list(result.errors[:SHOWN_ERRORS]))
        reply |= {"allow_errors": "true", "file_error_count": str(len(result.errors)), "file_errors": shown}
    return json_text(reply)


def _composite(column: Read) -> Composite:
    match column:
        case Composite():
            return column
        case Lists():
            return Composite("SEGARRAY", {"segments": column.segments, "values": column.values})
    return single(column)


def _created(item: Composite, symbols: SymbolTable) -> str:
    """What a client makes an object from; its values get their symbols here."""
    lines: dict[str, str] = {}
    return objects.create_text(_named(item, symbols, lines), lines.__getitem__)


def _named(item: Composite, symbols: SymbolTable, lines: dict[str, str]) -> RegisteredObject:
    """The object with new symbols in place of its values; `lines` gets the announcements of these."""
    names = {role: symbols.add(value) for role, value in item.values.items()}
    for role, name in names.items():
        lines[name] = replies.created(name, item.values[role])
    return RegisteredObject(item.kind, names, parts={k: _named(p, symbols, lines) for k, p in item.parts.items()})


def failure(error: BaseException, command: Command | None, full_name: str, user: str) -> Reply:
    """The frame that answers a request that failed.

    A client that waits for raw bytes gets raw bytes that begin with ``Error:``.
    """
    text = str(error) or type(error).__name__
    if command is not None:
        text = text if text.startswith("Unrecognized command") else f"Error executing command {full_name}: {text}"
    if command is not None and command.returns is Binary:
        return f"Error: {text}".encode()
    return encode_reply(text, ERROR, user)
