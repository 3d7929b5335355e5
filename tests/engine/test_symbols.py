"""The symbol table, the registry and the memory accounts, against a dict as the model."""

from __future__ import annotations

import threading
from collections.abc import Callable

import numpy as np
import psutil
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from arkserver.engine import buffers, layout
from arkserver.engine.local import LocalExecutor
from arkserver.engine.locks import SymbolLocks
from arkserver.engine.memory import LARGE, MemoryAccounts
from arkserver.engine.registry import ObjectRegistry, RegisteredObject
from arkserver.engine.symbols import SymbolTable
from arkserver.engine.values import Array
from arkserver.errors import MemoryLimitError, RegistrationError, UnknownSymbolError


def array(n: int) -> Array:
    return layout.from_numpy(LocalExecutor(), np.zeros(n))


class SymbolMachine(RuleBasedStateMachine):
    """Random commands on the table and on a dict: both must agree after each."""

    names: Bundle[str] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.accounts = MemoryAccounts(10**9)
        self.table = SymbolTable(self.accounts)
        self.registry = ObjectRegistry(self.table)
        self.model: dict[str, int] = {}
        self.registered: dict[str, str] = {}

    @rule(target=names, n=st.integers(0, 50))
    def add(self, n: int) -> str:
        name = self.table.add(array(n))
        assert name not in self.model
        self.model[name] = n
        return name

    @rule(name=names, n=st.integers(0, 50))
    def replace(self, name: str, n: int) -> None:
        if name in self.model:
            self.table.put(name, array(n))
            self.model[name] = n

    @rule(name=names)
    def delete(self, name: str) -> None:
        if name not in self.model:
            with pytest.raises(UnknownSymbolError, match="unknown symbol"):
                self.table.delete(name)
        elif name in self.registered.values():
            assert not self.table.delete(name)
        else:
            assert self.table.delete(name)
            del self.model[name]

    @rule(name=names, user_name=st.sampled_from("abc"))
    def register(self, name: str, user_name: str) -> None:
        item = RegisteredObject("PDARRAY", {"array": name})
        if user_name in self.registered:
            with pytest.raises(RegistrationError, match="not available for registration"):
                self.registry.register(user_name, item)
        elif name not in self.model:
            with pytest.raises(UnknownSymbolError):
                self.registry.register(user_name, item)
        else:
            self.registry.register(user_name, item)
            self.registered[user_name] = name

    @rule(user_name=st.sampled_from("abc"))
    def unregister(self, user_name: str) -> None:
        if user_name in self.registered:
            assert self.registry.unregister(user_name).components == (self.registered.pop(user_name),)
        else:
            with pytest.raises(UnknownSymbolError, match="unknown symbol"):
                self.registry.unregister(user_name)

    @rule()
    def clear(self) -> None:
        self.table.clear()
        self.model = {n: size for n, size in self.model.items() if n in self.registered.values()}

    @invariant()
    def agree(self) -> None:
        assert set(self.table.names()) == set(self.model)
        assert self.accounts.live == 8 * sum(self.model.values())
        assert sorted(self.table.pinned()) == sorted(self.registered.values())


SymbolMachine.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestSymbolTable = SymbolMachine.TestCase


def test_names_differ_from_start_to_start() -> None:
    first, second = (SymbolTable(MemoryAccounts(1)).next_name() for _ in range(2))
    assert first.endswith("_1")
    assert second.endswith("_1")
    assert first != second


def test_a_reservation_that_does_not_fit_holds_nothing() -> None:
    accounts = MemoryAccounts(100)
    accounts.add(40)
    with accounts.reserve("a", 50):
        with pytest.raises(MemoryLimitError, match=r"b requiring 11 bytes .* exceeds 100 limit .* 101%: 90 bytes"):
            accounts.reserve("b", 11).__enter__()
        assert (accounts.live, accounts.reserved, accounts.available) == (40, 50, 10)
    assert (accounts.live, accounts.reserved, accounts.available) == (40, 0, 60)


def test_a_failed_command_gives_its_reservation_back() -> None:
    accounts = MemoryAccounts(100)
    with pytest.raises(ZeroDivisionError), accounts.reserve("a", 50):
        raise ZeroDivisionError
    assert accounts.reserved == 0


# --- locks -----------------------------------------------------------------------------------------------------------


def in_thread(work: Callable[[], None]) -> threading.Thread:
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def test_readers_share_and_a_writer_is_alone() -> None:
    locks = SymbolLocks()
    seen: list[str] = []

    def write() -> None:
        with locks.hold((), {"a"}):
            seen.append("written")

    with locks.hold({"a"}, ()), locks.hold({"a", "b"}, ()):
        writer = in_thread(write)
        with locks.hold({"b"}, ()):
            writer.join(0.05)
            assert seen == []
    writer.join(5)
    assert seen == ["written"]


def test_a_waiting_writer_is_not_overtaken_by_new_readers() -> None:
    locks = SymbolLocks()
    order: list[str] = []

    def hold(name: str, read: set[str], write: set[str]) -> None:
        with locks.hold(read, write):
            order.append(name)

    with locks.hold({"a"}, ()):
        writer = in_thread(lambda: hold("writer", set(), {"a"}))
        writer.join(0.05)
        reader = in_thread(lambda: hold("reader", {"a"}, set()))
        reader.join(0.05)
        assert order == []
    writer.join(5)
    reader.join(5)
    assert order == ["writer", "reader"]


def test_commands_that_read_and_write_crosswise_do_not_block_each_other_for_ever() -> None:
    locks = SymbolLocks()
    counts = {"a": 0, "b": 0}

    def work(read: str, write: str) -> None:
        for _ in range(300):
            with locks.hold({read, write}, {write}):
                before = counts[write]
                counts[write] = before + 1

    workers = [in_thread(lambda r=r, w=w: work(r, w)) for r, w in ("ab", "ba") * 4]  # type: ignore[misc]
    for thread in workers:
        thread.join(20)
        assert not thread.is_alive()
    assert counts == {"a": 1200, "b": 1200}


def test_a_large_reservation_near_the_limit_gets_what_the_pool_keeps() -> None:
    process = psutil.Process()
    buffers.release()
    start = process.memory_info().rss
    held = buffers.empty(1 << 25, np.float64)
    held[:] = 1
    assert process.memory_info().rss > start + (3 << 26)
    del held
    with MemoryAccounts(start + LARGE - 1).reserve("sort", LARGE):
        assert process.memory_info().rss < start + (1 << 27)
