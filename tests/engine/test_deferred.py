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
from arkserver.engine.local import LocalExecutor
from arkserver.engine.progress import Progress
from arkserver.engine.values import Array
from tests.support.session import Session

ROWS = 11
OPERATORS = {"+": np.add, "-": np.subtract, "*": np.multiply}


class Machine(RuleBasedStateMachine):
    """Random operators, changes in place and deletions beside the same with NumPy."""

    width = 1
    names: Bundle[str] = Bundle("names")

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(LocalExecutor(self.width, deferred_from=0))
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


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_nobody_can_tell(width: int) -> None:
    machine = type("Cut", (Machine,), {"width": width})
    run_state_machine_as_test(machine, settings=settings(max_examples=40, stateful_step_count=30))


def waiting(array: Array) -> list[bool]:
    return [isinstance(b, Deferred) and b.known is None for b in array.blocks]


class Work:
    """``binopvv`` on arrays that are here."""

    def __init__(self) -> None:
        self.session = Session(LocalExecutor(deferred_from=0))
        self.a, self.b = (self.session.put(np.arange(4.0) + k) for k in (1, 5))

    def result(self, op: str, a: str, b: str) -> str:
        return self.session.text("binopvv<float64,float64,1>", op=op, a=a, b=b).split()[1]

    def value(self, name: str) -> Array:
        found = self.session.engine.symbols.get(name)
        assert isinstance(found, Array)
        return found


def test_a_chain_is_computed_at_once_and_what_is_between_is_not() -> None:
    work = Work()
    product = work.result("*", work.a, work.b)
    total = work.result("+", work.a, product)
    assert waiting(work.value(product)) == waiting(work.value(total)) == [True]
    assert work.session.get(total).tolist() == [6.0, 14.0, 24.0, 36.0]
    assert waiting(work.value(product)) == [True]
    assert waiting(work.value(total)) == [False]


def test_what_is_needed_a_second_time_is_kept() -> None:
    work = Work()
    product = work.result("*", work.a, work.b)
    work.result("+", work.a, product)
    work.result("-", work.a, product)
    assert waiting(work.value(product)) == [False]


def test_a_chain_does_not_grow_without_bound() -> None:
    work = Work()
    name = work.a
    for _ in range(3 * deferred.MOST_FUNCTIONS):
        name = work.result("+", name, work.b)
    (block,) = work.value(name).blocks
    assert block._chain.length <= deferred.MOST_FUNCTIONS
    assert work.session.get(name)[0] == 1 + 3 * deferred.MOST_FUNCTIONS * 5


def test_costly_functions_and_small_arrays_do_not_wait() -> None:
    work = Work()
    assert waiting(work.value(work.result("**", work.a, work.b))) == [False]
    session = Session(LocalExecutor())
    a = session.put(np.arange(4.0))
    name = session.text("binopvv<float64,float64,1>", op="+", a=a, b=a).split()[1]
    found = session.engine.symbols.get(name)
    assert isinstance(found, Array)
    assert waiting(found) == [False]


def test_memory_counts_as_long_as_something_waits_for_it() -> None:
    work = Work()
    accounts, symbols = work.session.engine.accounts, work.session.engine.symbols
    total = work.result("+", work.a, work.b)
    symbols.delete(work.a)
    assert accounts.live == 3 * 32  # a is still in memory
    assert work.session.get(total)[0] == 6
    assert accounts.live == 2 * 32
    symbols.delete(work.b)
    symbols.delete(total)
    assert accounts.live == 0


def test_what_nobody_wants_is_never_computed(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    accounts, symbols = work.session.engine.accounts, work.session.engine.symbols
    monkeypatch.setattr(deferred, "apply", None)
    total = work.result("+", work.a, work.b)
    for name in (work.a, work.b, total):
        symbols.delete(name)
    assert accounts.live == 0


def test_a_cancelled_command_leaves_it_waiting() -> None:
    n = 4 * elementwise.PIECE
    session = Session(LocalExecutor(deferred_from=0))
    a = session.put(np.ones(n))
    name = session.text("binopvv<float64,float64,1>", op="+", a=a, b=a).split()[1]
    session.token = Progress("reduce")
    session.token.cancel()
    assert "cancelled" in session.error("sum<float64,1>", x=name, axis=[0], skipNan=False)
    session.token = None
    assert session.get(name).tolist() == [2.0] * n


def test_many_threads_get_one_result() -> None:
    x = np.arange(3.0 * elementwise.PIECE)
    block = deferred.defer(np.add, x.dtype, x, deferred.defer(np.multiply, x.dtype, x, np.float64(2)))
    found: list[NDArray[Any]] = []
    threads = [threading.Thread(target=lambda: found.append(block.value())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all(f is found[0] for f in found)
    assert np.array_equal(found[0], 3 * x)


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


def test_changing_what_others_wait_for_computes_them_first() -> None:
    ex = LocalExecutor(deferred_from=0)
    x = layout.from_numpy(ex, np.arange(5))
    kept = Array(x.dtype, x.shape, ex.elementwise(np.add, x.dtype, x, np.int64(1)).values, x.rows)
    ex.update(_clear, x)
    assert layout.to_numpy(ex, kept).tolist() == [1, 2, 3, 4, 5]


def _clear(block: NDArray[Any]) -> None:
    block[...] = 0
