"""The registry: names that users give to objects, so that others can attach to them and nobody deletes their parts."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from arkserver.engine.symbols import SymbolTable
from arkserver.errors import RegistrationError, UnknownSymbolError


@dataclass(frozen=True, slots=True)
class RegisteredObject:
    """An object that a user has named, or a part of one, such as a column of a table."""

    kind: str
    """object type in capitals: PDARRAY, STRINGS, DATAFRAME, ..."""
    symbols: Mapping[str, str]
    """the symbols that it is made of, by what they are in it"""
    texts: Mapping[str, str] = field(default_factory=dict)
    """what else has to be known of it, such as a width"""
    parts: Mapping[str, RegisteredObject] = field(default_factory=dict)
    """columns, keys or levels by their names"""
    hidden: tuple[str, ...] = ()
    """symbols that it pins and does not tell"""

    @property
    def components(self) -> tuple[str, ...]:
        """The symbols that it pins, in order; one may occur twice."""
        inner = (name for part in self.parts.values() for name in part.components)
        return (*self.hidden, *self.symbols.values(), *inner)


class ObjectRegistry:
    """Registered objects by the user's name. Safe to use from several threads."""

    def __init__(self, symbols: SymbolTable) -> None:
        self._symbols = symbols
        self._objects: dict[str, RegisteredObject] = {}
        self._lock = threading.Lock()

    def register(self, name: str, item: RegisteredObject) -> None:
        """Bind `name` and pin the components.

        Raises
        ------
        RegistrationError
            If the name is taken.
        UnknownSymbolError
            If a component does not exist.
        """
        with self._lock:
            if name in self._objects:
                raise RegistrationError(f"Name, {name}, not available for registration. Already in use.")
            self._symbols.pin(item.components)
            self._objects[name] = item

    def put(self, name: str, item: RegisteredObject) -> None:
        """Bind `name`, in place of what it was bound to.

        Raises
        ------
        UnknownSymbolError
            If a component does not exist.
        """
        with self._lock:
            self._symbols.pin(item.components)
            before = self._objects.pop(name, None)
            self._objects[name] = item
            if before is not None:
                self._symbols.unpin(before.components)

    def unregister(self, name: str) -> RegisteredObject:
        """Free `name` and take its pins back; the symbols stay until they are deleted.

        Raises
        ------
        UnknownSymbolError
        """
        with self._lock:
            item = self._lookup(name)
            del self._objects[name]
            self._symbols.unpin(item.components)
            return item

    def get(self, name: str) -> RegisteredObject:
        """The object under `name`.

        Raises
        ------
        UnknownSymbolError
        """
        with self._lock:
            return self._lookup(name)

    def items(self) -> list[tuple[str, RegisteredObject]]:
        """Names and objects, oldest first."""
        with self._lock:
            return list(self._objects.items())

    def _lookup(self, name: str) -> RegisteredObject:
        try:
            return self._objects[name]
        except KeyError:
            raise UnknownSymbolError(f"Error: lookup: unknown symbol: {name} is not registered") from None
