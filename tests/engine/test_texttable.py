"""Strings by a hash table: numbers, order and groups, against Python's own."""

from __future__ import annotations

from itertools import groupby

import numpy as np
import pytest
from arkserver_kernels import text_table as kernels
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine.blocks import text, textorder, texttable
from arkserver.engine.threads import Threads

few = settings(max_examples=25, deadline=None)

SIZES = (1, 7, 8, 9, 1100, 20_000)


def mixed(n: int, distinct: int, longest: int) -> list[bytes]:
    """Strings that repeat: of every length, some of which begin like others."""
    rng = np.random.default_rng(n + distinct + longest)
    known = [bytes(rng.integers(97, 99, int(k)).tolist()) for k in rng.integers(0, longest + 1, distinct)]
    return [known[i] for i in rng.integers(0, distinct, n).tolist()]


@pytest.mark.parametrize("n", SIZES)
@pytest.mark.parametrize("longest", [0, 8, 15, 40])
def test_numbers_are_those_of_the_first_rows(n: int, longest: int) -> None:
    items = mixed(n, max(1, n // 10), longest)
    found = texttable.numbered(text.from_list(items))
    if n < texttable.SMALLEST:
        assert found is None
        return
    assert found is not None
    firsts = dict(zip(found.numbers.tolist(), found.firsts.tolist(), strict=True))
    assert [items[firsts[code]] for code in found.codes.tolist()] == items
    assert sorted(firsts.values()) == [items.index(s) for s in dict.fromkeys(items)]


@pytest.mark.parametrize("order", ["random", "ascending", "descending"])
def test_threads_that_meet_the_same_strings_agree(monkeypatch: pytest.MonkeyPatch, order: str) -> None:
    many = Threads(7)
    monkeypatch.setattr(texttable, "threads", lambda: many)
    items = mixed(60_000, 6_000, 30)
    if order != "random":
        items.sort(reverse=order == "descending")
    where: dict[bytes, int] = {}
    for row, item in enumerate(items):
        where.setdefault(item, row)
    for _ in range(5):
        found = texttable.numbered(text.from_list(items))
        assert found is not None
        firsts = dict(zip(found.numbers.tolist(), found.firsts.tolist(), strict=True))
        assert [firsts[code] for code in found.codes.tolist()] == [where[item] for item in items]
        assert sorted(firsts.values()) == sorted(where.values())
    many.close()


def test_too_many_different_strings_are_not_numbered() -> None:
    items = [str(i).encode() for i in range(30_000)]
    assert texttable.numbered(text.from_list(items)) is None


@pytest.mark.parametrize(("n", "distinct"), [(5_000, 40), (5_000, 5_000)])
@pytest.mark.parametrize("longest", [6, 15, 40])
def test_order_and_groups(n: int, distinct: int, longest: int) -> None:
    items = mixed(n, distinct, longest)
    block = text.from_list(items)
    expected = sorted(range(n), key=lambda i: items[i])
    assert textorder.argsort(block).tolist() == expected
    ranks = {s: k for k, s in enumerate(sorted(set(items)))}
    assert np.argsort(textorder.ordinals(block), kind="stable").tolist() == expected
    assert len(set(textorder.ordinals(block).tolist())) == len(ranks)
    permutation, segments = textorder.group(block)
    runs = [list(rows) for _, rows in groupby(permutation.tolist(), key=lambda i: items[i])]
    assert segments.tolist() == np.cumsum([0, *map(len, runs)])[:-1].tolist()
    assert len(runs) == len(ranks)
    assert all(rows == sorted(rows) for rows in runs)


def test_an_entry_whose_place_another_has_gets_no_number_when_there_is_no_room() -> None:
    entries, hashes = np.arange(8, dtype=np.uint64), np.full(2, 7 << 32, np.uint64)
    slots, records, numbers = np.zeros(16, np.uint64), np.zeros(4, np.uint64), np.zeros(2, np.uint64)
    assert kernels.enter(entries[:4], hashes[:1], 0, 1, slots, records, numbers) == 1
    assert kernels.enter(entries, hashes, 1, 1, slots, records, numbers) == 1
    assert numbers.tolist() == [1, 0]


Alike = tuple[int, int, bytes]

alike = st.tuples(st.integers(0, 40), st.integers(0, 40), st.sampled_from([b"", b"a", b"\0", b"\xff"]))
"""Strings of every length about the bounds of words that begin and end alike."""


@few
@given(items=st.lists(alike, min_size=1), test=st.lists(alike), seed=st.integers(0, 99))
def test_strings_that_are_alike_are_told_apart(items: list[Alike], test: list[Alike], seed: int) -> None:
    def made(parts: list[Alike]) -> list[bytes]:
        return [b"a" * i + middle + b"a" * j for i, j, middle in parts]

    known, wanted = made(test), made(items)
    found = texttable.in1d(text.from_list(wanted), text.from_list(known))
    assert found.tolist() == [s in set(known) for s in wanted]
    rows = np.random.default_rng(seed).integers(0, len(wanted), 4 * texttable.SMALLEST)
    many = [wanted[i] for i in rows.tolist()]
    numbers = texttable.numbered(text.from_list(many))
    assert numbers is not None
    codes = texttable.renumbered(numbers, np.arange(len(numbers.firsts)))
    assert [many[i] for i in numbers.firsts[codes].tolist()] == many
    assert sorted(numbers.firsts.tolist()) == [many.index(s) for s in dict.fromkeys(many)]


@pytest.mark.parametrize("longest", [6, 15, 40])
@pytest.mark.parametrize("n", SIZES)
def test_members_of_many_strings(n: int, longest: int) -> None:
    items, test = mixed(n, max(1, n // 3), longest), mixed(n, max(1, n // 2), longest)
    known = set(test)
    assert texttable.in1d(text.from_list(items), text.from_list(test)).tolist() == [s in known for s in items]


@pytest.mark.parametrize("distinct", [1, 40, 5_000])
def test_numbers_in_order_and_their_first_rows(distinct: int) -> None:
    items = mixed(5_000, distinct, 30)
    found, ordered = textorder.number(text.from_list(items)), sorted(set(items))
    assert [ordered[code] for code in found.codes.tolist()] == items
    assert found.firsts.tolist() == [items.index(s) for s in ordered]


@few
@given(items=st.lists(st.binary(max_size=20).map(lambda b: b.replace(b"\0", b"")), min_size=1), data=st.data())
def test_gathering_copies_whole_strings(items: list[bytes], data: st.DataObject) -> None:
    index = data.draw(st.lists(st.integers(0, len(items) - 1)))
    found = text.gather(text.from_list(items), np.array(index, np.int64))
    assert text.to_list(found) == [items[i] for i in index]
