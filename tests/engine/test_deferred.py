"""Results that wait until they are needed: nobody can tell, whatever happens to what they are computed from."""

from __future__ import annotations

import gc
import threading
from typing import Any

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from numpy.typing import NDArray

from arkserver.engine import deferred, layout
from arkserver.engine.blocks import elementwise
from arkserver.engine.blocks.chains import Chain
from arkserver.engine.deferred import Deferred
from arkserver.engine.executor import Executor
from arkserver.engine.progress import Progress, running
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from tests.cluster import steps
from tests.support.session import Session

ROWS = 11
OPERATORS = {"+": np.add, "-": np.subtract, "*": np.multiply}


class Machine(RuleBasedStateMachine):
    """Random operators, changes in place and deletions beside the same with NumPy."""

    ex: Executor
    names: Bundle[str] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(self.ex)
        self.model: dict[str, NDArray[Any]] = {}

    def _made(self, line: str, expected: NDArray[Any]) -> str:
        name = line.split()[1]
        self.model[name] = expected
        return name

    @initialize(target=names)
    def first(self) -> str:
        return self._upload(3)

    @rule(target=names, seed=st.integers(0, 1000))
    def upload(self, seed: int) -> str:
        return self._upload(seed)

    def _upload(self, seed: int) -> str:
        x = np.random.default_rng(seed).integers(-(2**62), 2**62, ROWS)
        name = self.session.put(x.copy())
        self.model[name] = x
        return name

    @rule(target=names, op=st.sampled_from(sorted(OPERATORS)), a=names, b=names)
    def operate(self, op: str, a: str, b: str) -> str:
        line = self.session.text("binopvv<int64,int64,1>", op=op, a=a, b=b)
        return self._made(line, OPERATORS[op](self.model[a], self.model[b]))

    @rule(target=names, a=names, value=st.integers(-5, 5))
    def scale(self, a: str, value: int) -> str:
        line = self.session.text("binopsv<int64,int64,1>", op="*", a=a, value=value)
        return self._made(line, self.model[a] * value)

    @rule(a=names, b=names)
    def add_in_place(self, a: str, b: str) -> None:
        self.session.text("opeqvv<int64,int64,1>", op="+=", a=a, b=b)
        self.model[a] = self.model[a] + self.model[b]

    @rule(a=names, at=st.integers(0, ROWS - 1), value=st.integers(-5, 5))
    def change_one(self, a: str, at: int, value: int) -> None:
        self.session.text("[int]=val<int64,1>", array=a, idx=(at,), value=str(value), max_bits=0)
        self.model[a] = self.model[a].copy()
        self.model[a][at] = value

    @rule(a=names)
    def read(self, a: str) -> None:
        assert np.array_equal(self.session.get(a), self.model[a])

    @rule(a=consumes(names))
    def delete(self, a: str) -> None:
        self.session.engine.symbols.delete(a)
        del self.model[a]

    @invariant()
    def counted(self) -> None:
        live = sum(x.nbytes for x in self.model.values())
        assert self.session.engine.accounts.live >= live

    def teardown(self) -> None:
        for name, expected in self.model.items():
            assert np.array_equal(self.session.get(name), expected)
        # Everything is computed: nothing holds what was deleted any more.
        gc.collect()
        assert self.session.engine.accounts.live == sum(x.nbytes for x in self.model.values())


@pytest.fixture
def waits(ex: Executor, monkeypatch: pytest.MonkeyPatch) -> Executor:
    """An executor whose elementwise results wait, however small they are."""
    monkeypatch.setattr(ex, "deferred_from", 0)
    return ex


def test_nobody_can_tell(waits: Executor) -> None:
    machine = type("Placed", (Machine,), {"ex": waits})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30))


def waiting(array: Array) -> bool:
    (found,) = {isinstance(b, Deferred) and b.known is None for b in array.blocks}
    return found


class Work:
    """``binopvv`` on arrays of four rows."""

    def __init__(self, ex: Executor) -> None:
        self.session = Session(ex)
        self.a, self.b = (self.session.put(np.arange(4.0) + k) for k in (1, 5))

    def result(self, op: str, a: str, b: str) -> str:
        return self.session.text("binopvv<float64,float64,1>", op=op, a=a, b=b).split()[1]

    def value(self, name: str) -> Array:
        found = self.session.engine.symbols.get(name)
        assert isinstance(found, Array)
        return found


def test_a_chain_is_computed_at_once_and_what_is_between_is_not(waits: Executor) -> None:
    work = Work(waits)
    product = work.result("*", work.a, work.b)
    total = work.result("+", work.a, product)
    assert waiting(work.value(product))
    assert waiting(work.value(total))
    assert work.session.get(total).tolist() == [6.0, 14.0, 24.0, 36.0]
    assert waiting(work.value(product))
    assert not waiting(work.value(total))


def test_what_is_needed_a_second_time_is_kept(waits: Executor) -> None:
    work = Work(waits)
    product = work.result("*", work.a, work.b)
    work.result("+", work.a, product)
    work.result("-", work.a, product)
    assert not waiting(work.value(product))


def test_a_chain_does_not_grow_without_bound(waits: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    lengths: list[int] = []
    apply_chain = Executor._apply_chain

    def noted(ex: Executor, chain: Chain, calls: deferred.Calls) -> tuple[Any, ...]:
        lengths.append(chain.length)
        return apply_chain(ex, chain, calls)

    monkeypatch.setattr(Executor, "_apply_chain", noted)
    work = Work(waits)
    name = work.a
    for _ in range(3 * deferred.MOST_FUNCTIONS):
        name = work.result("+", name, work.b)
    assert work.session.get(name)[0] == 1 + 3 * deferred.MOST_FUNCTIONS * 5
    assert lengths == [deferred.MOST_FUNCTIONS] * 3


def test_costly_functions_and_small_arrays_do_not_wait(waits: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(waits)
    costly = work.value(work.result("**", work.a, work.b))
    assert not any(isinstance(b, Deferred) for b in costly.blocks)
    monkeypatch.setattr(waits, "deferred_from", 5)
    small = work.value(work.result("+", work.a, work.b))
    assert not any(isinstance(b, Deferred) for b in small.blocks)


def test_memory_counts_as_long_as_something_waits_for_it(waits: Executor) -> None:
    work = Work(waits)
    accounts, symbols = work.session.engine.accounts, work.session.engine.symbols
    total = work.result("+", work.a, work.b)
    symbols.delete(work.a)
    assert accounts.live == 3 * 32  # a is still in memory
    assert work.session.get(total)[0] == 6
    gc.collect()
    assert accounts.live == 2 * 32
    symbols.delete(work.b)
    symbols.delete(total)
    assert accounts.live == 0


def test_what_nobody_wants_is_never_computed(waits: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work(waits)
    accounts, symbols = work.session.engine.accounts, work.session.engine.symbols
    monkeypatch.setattr(waits, "map", None)
    total = work.result("+", work.a, work.b)
    for name in (work.a, work.b, total):
        symbols.delete(name)
    assert accounts.live == 0


def test_a_cancelled_command_leaves_what_it_needed_as_it_was(waits: Executor) -> None:
    n = 4 * elementwise.PIECE
    session = Session(waits)
    a = session.put(np.ones(n))
    name = session.text("binopvv<float64,float64,1>", op="+", a=a, b=a).split()[1]
    session.token = Progress("reduce")
    session.token.cancel()
    assert "cancelled" in session.error("sum<float64,1>", x=name, axis=[0], skipNan=False)
    session.token = None
    assert session.get(name).tolist() == [2.0] * n


def test_many_threads_get_one_result(waits: Executor) -> None:
    x = layout.from_numpy(waits, np.arange(3.0 * elementwise.PIECE))
    twice = layout.array_of(waits.elementwise(np.multiply, x.dtype, x, np.float64(2)), x)
    blocks = waits.elementwise(np.add, x.dtype, x, twice).values
    found: list[list[Any]] = []
    threads = [threading.Thread(target=lambda: found.append([b.value() for b in blocks])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(a is b for f in found for a, b in zip(f, found[0], strict=True))
    assert np.array_equal(np.concatenate(waits.fetch(blocks)), 3 * layout.to_numpy(waits, x))


def test_blocks_of_several_results_in_one_array(waits: Executor) -> None:
    x = layout.from_numpy(waits, np.arange(10.0))
    a, b = (layout.array_of(waits.elementwise(np.add, x.dtype, x, np.float64(k)), x) for k in (1, 2))
    mixed = Array(x.dtype, (20,), a.blocks + b.blocks[::-1], a.rows + b.rows[::-1])
    del a, b
    twice = layout.array_of(waits.elementwise(np.multiply, x.dtype, mixed, np.float64(2)), mixed)
    some = Array(x.dtype, (x.rows[0],), mixed.blocks[:1], x.rows[:1])
    del mixed
    assert layout.to_numpy(waits, some).tolist() == (np.arange(10.0)[: x.rows[0]] + 1).tolist()
    pieces = np.split(np.arange(10.0) + 2, np.cumsum(x.rows)[:-1])
    expected = np.concatenate([np.arange(10.0) + 1, *pieces[::-1]]) * 2
    assert layout.to_numpy(waits, twice).tolist() == expected.tolist()


def test_an_error_carries_the_command_that_wanted_what_failed(waits: Executor) -> None:
    x = layout.from_numpy(waits, np.arange(10.0))
    with running(Progress("first")):
        bad = layout.array_of(waits.elementwise(steps.refuse_elements, x.dtype, x), x)
    with running(Progress("second")):
        worse = layout.array_of(waits.elementwise(np.add, x.dtype, x, bad), x)
    with running(Progress("first")), pytest.raises(ArgumentError, match=r"^\d+ elements are not to my taste") as raised:
        layout.to_numpy(waits, worse)
    assert raised.value.command == "first"  # type: ignore[attr-defined]


def test_a_chain_of_chains_of_several_dtypes() -> None:
    x, y = np.arange(9.0), np.arange(9)
    f8, b1 = np.dtype(np.float64), np.dtype(np.bool_)
    less = Chain(np.less, b1, (None, None))
    product = Chain(np.multiply, f8, (None, None))
    both = Chain(np.add, f8, (product, less))
    out = np.empty(9)
    elementwise.apply_into(out, both, x, y, y, np.int64(4))
    assert np.array_equal(out, x * y + (y < 4))


FLOATS = st.floats(width=64) | st.sampled_from([0.1, 3.0, 1e308, 5e-324])


@given(st.data(), st.integers(0, 5), st.sampled_from([0b111, 0b110, 0b101, 0b011, 0b100, 0b001]), st.booleans())
def test_a_sum_of_a_product_has_the_bits_of_two_operators(data: st.DataObject, n: int, which: int, last: bool) -> None:
    f8 = np.dtype(np.float64)
    column = hnp.arrays(f8, n, elements=FLOATS)
    a, b, c = (data.draw(column) if which >> i & 1 else np.float64(data.draw(FLOATS)) for i in range(3))
    product = Chain(np.multiply, f8, (None, None))
    chain = Chain(np.add, f8, (None, product) if last else (product, None))
    out = np.empty(n)
    elementwise.apply_into(out, chain, *((a, b, c) if last else (b, c, a)))
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(out, np.add(a, b * c) if last else np.add(b * c, a))


def test_changing_what_others_wait_for_computes_them_first(waits: Executor) -> None:
    x = layout.from_numpy(waits, np.arange(5))
    kept = layout.array_of(waits.elementwise(np.add, x.dtype, x, np.int64(1)), x)
    waits.update(steps.add_to, x, 7)
    assert not waiting(kept)
    assert layout.to_numpy(waits, kept).tolist() == [1, 2, 3, 4, 5]
