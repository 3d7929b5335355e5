"""Requests of a session by the kind of their answer."""

from __future__ import annotations

from typing import Any

import msgspec

from arkserver.client import wire
from arkserver.client.arrays import Array
from arkserver.client.connection import Connection
from arkserver.client.dtypes import DTYPES
from arkserver.client.strings import Strings


class Requests:
    """Sends commands and makes Python objects of the answers."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def text(self, command: str, **parameters: Any) -> str:
        """The text that answers a command."""
        return self.connection.text(command, parameters)

    def do(self, command: str, **parameters: Any) -> None:
        """Run a command whose answer says nothing."""
        self.connection.text(command, parameters)

    def json(self, command: str, **parameters: Any) -> Any:
        """The answer of a command, which is JSON."""
        return msgspec.json.decode(self.text(command, **parameters))

    def scalar(self, command: str, **parameters: Any) -> Any:
        """The answer of a command, which is one value: a NumPy scalar, or text."""
        return wire.parse_scalar(self.text(command, **parameters))

    def data(self, command: str, nbytes: int, **parameters: Any) -> memoryview:
        """The bytes that answer a command, not copied."""
        return self.connection.data(command, parameters, nbytes)

    def create(self, command: str, payload: Any = None, **parameters: Any) -> Array:
        """The array that a command makes."""
        found = self.made(self.connection.text(command, parameters, payload))[0]
        if not isinstance(found, Array):
            raise TypeError(f"{command} made strings, not an array")
        return found

    def create_strings(self, command: str, payload: Any = None, **parameters: Any) -> Strings:
        """The strings that a command makes."""
        found = self.made(self.connection.text(command, parameters, payload))[0]
        if not isinstance(found, Strings):
            raise TypeError(f"{command} made an array, not strings")
        return found

    def create_many(self, command: str, **parameters: Any) -> list[Any]:
        """The arrays and strings that a command makes."""
        text = self.text(command, **parameters)
        lines: list[str] = msgspec.json.decode(text) if text.startswith("[") else [text]
        return [value for line in lines for value in self.made(line)]

    def made(self, text: str) -> list[Array | Strings]:
        """The values that a reply announces."""
        return [self._handle(line) for line in wire.parse_created(text)]

    def _handle(self, line: wire.Announced) -> Array | Strings:
        if isinstance(line, wire.StringsLine):
            return Strings(self, line.name, line.size, line.nbytes)  # type: ignore[arg-type]
        return Array(self, line.name, DTYPES[line.dtype], line.shape)  # type: ignore[arg-type]
