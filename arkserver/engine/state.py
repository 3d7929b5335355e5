"""The engine as one object: what the commands of all clients share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from arkserver.engine.executor import Executor
from arkserver.engine.locks import SymbolLocks
from arkserver.engine.memory import MemoryAccounts
from arkserver.engine.registry import ObjectRegistry
from arkserver.engine.symbols import SymbolTable
from arkserver.engine.values import Array, Strings


@dataclass(slots=True)
class Engine:
    """Values and what runs on them."""

    executor: Executor
    """where new arrays are placed and steps run"""
    accounts: MemoryAccounts
    """bytes in use and the limit"""
    symbols: SymbolTable = field(init=False)
    """the names of all values"""
    registry: ObjectRegistry = field(init=False)
    """the names that users gave to objects"""
    locks: SymbolLocks = field(default_factory=SymbolLocks)
    """who reads and who writes which symbol"""

    def __post_init__(self) -> None:
        self.symbols = SymbolTable(self.accounts)
        self.registry = ObjectRegistry(self.symbols)

    def value(self, name: str) -> Any:
        """The value under `name`, its blocks where the executor wants them.

        Raises
        ------
        UnknownSymbolError
        """
        value = self.symbols.get(name)
        if not isinstance(value, Array | Strings):
            return value
        placed = self.executor.adopt(value)
        if placed is not value:
            self.symbols.swap(name, value, placed)
        return placed
