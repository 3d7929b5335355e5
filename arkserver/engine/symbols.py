"""The symbol table: names and the values that they stand for, with exact memory accounts."""

from __future__ import annotations

import itertools
import secrets
import string
import threading
from collections import Counter
from collections.abc import Iterable
from functools import partial
from typing import Any

from arkserver.engine.deferred import when_gone
from arkserver.engine.memory import MemoryAccounts
from arkserver.errors import UnknownSymbolError

Value = Any
"""`Array`, `Strings` or another value with ``nbytes``."""

_ALPHABET = string.ascii_letters + string.digits


class SymbolTable:
    """Names of the form ``id_XXXXXXX_n``; XXXXXXX is drawn at each start, so that restored names never meet new ones.

    Pinned names (the components of registered objects) cannot be deleted. Safe to use from several threads.
    """

    def __init__(self, accounts: MemoryAccounts) -> None:
        self.accounts = accounts
        self._values: dict[str, Value] = {}
        self._pins: Counter[str] = Counter()
        self._prefix = "id_" + "".join(secrets.choice(_ALPHABET) for _ in range(7))
        self._counter = itertools.count(1)
        self._lock = threading.RLock()
        self._changes = 0

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    @property
    def changes(self) -> int:
        """Counts what was stored, forgotten and registered; the same number means the same state."""
        return self._changes

    @property
    def server_id(self) -> str:
        """What the names of this start have in common."""
        return self._prefix

    def names(self) -> list[str]:
        """All names, oldest first."""
        with self._lock:
            return list(self._values)

    def next_name(self) -> str:
        """A name that was never given out."""
        return f"{self._prefix}_{next(self._counter)}"

    def add(self, value: Value) -> str:
        """Store `value` under a new name."""
        name = self.next_name()
        self.put(name, value)
        return name

    def put(self, name: str, value: Value) -> None:
        """Store `value` under `name`, in place of what was there."""
        with self._lock:
            before = self._values.get(name)
            self._values[name] = value
            self._changes += 1
            self.accounts.add(value.nbytes - (before.nbytes if before is not None else 0))

    def swap(self, name: str, before: Value, after: Value) -> None:
        """Store `after` under `name` if `before` is still what is there."""
        with self._lock:
            if self._values.get(name) is before:
                self.put(name, after)

    def get(self, name: str) -> Value:
        """The value under `name`.

        Raises
        ------
        UnknownSymbolError
        """
        try:
            return self._values[name]
        except KeyError:
            raise UnknownSymbolError(f"Error: lookup: unknown symbol: {name}") from None

    def find(self, name: str) -> Value | None:
        """The value under `name`, if there is one."""
        return self._values.get(name)

    def delete(self, name: str) -> bool:
        """Forget `name`; False, and nothing is done, when it is pinned.

        Raises
        ------
        UnknownSymbolError
        """
        with self._lock:
            value = self.get(name)
            if self._pins[name] > 0:
                return False
            del self._values[name]
            self._changes += 1
            when_gone(getattr(value, "blocks", ()), partial(self.accounts.add, -value.nbytes))
            return True

    def discard(self, names: Iterable[str]) -> None:
        """Forget those of `names` that are there and not pinned."""
        for name in names:
            with self._lock:
                if name in self:
                    self.delete(name)

    def clear(self) -> None:
        """Forget every name that is not pinned."""
        with self._lock:
            for name in self.names():
                self.delete(name)

    def pin(self, names: Iterable[str]) -> None:
        """Protect `names` from deletion, once more each.

        Raises
        ------
        UnknownSymbolError
            For a name that is not there; none is pinned then.
        """
        names = list(names)
        with self._lock:
            for name in names:
                self.get(name)
            self._pins.update(names)
            self._changes += 1

    def unpin(self, names: Iterable[str]) -> None:
        """Take one protection back from each of `names`."""
        with self._lock:
            self._pins.subtract(names)
            self._changes += 1
            self._pins += Counter()  # drops the names that have none left

    def is_pinned(self, name: str) -> bool:
        """Whether `name` is part of a registered object."""
        return self._pins[name] > 0

    def pinned(self) -> list[str]:
        """The pinned names, each as often as it is pinned."""
        with self._lock:
            return list(self._pins.elements())
