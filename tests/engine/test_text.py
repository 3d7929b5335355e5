"""Strings over any number of blocks against Python's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms.text import choosing, forms, letters
from arkserver.engine.blocks import text
from arkserver.engine.executor import Executor
from arkserver.errors import ArgumentError
from tests.support.texts import block_of, listed, raw, raw_of, raw_texts, strings, texts

few = settings(max_examples=25, deadline=None)


def array(ex: Executor, x: Any) -> Any:
    return layout.from_numpy(ex, np.asarray(x))


def values(ex: Executor, x: Any) -> Any:
    return layout.to_numpy(ex, x).tolist()


@few
@given(items=raw_texts)
def test_the_form_on_the_wire_and_back(ex: Executor, items: list[bytes]) -> None:
    data = b"".join(i + b"\0" for i in items)
    s = forms.from_bytes(ex, np.frombuffer(data, np.uint8))
    assert raw(ex, s) == items
    sent, offsets = forms.wire_bytes(ex, s), forms.wire_offsets(ex, s)
    assert layout.to_numpy(ex, sent).tobytes() == data
    assert values(ex, offsets) == np.cumsum([0, *(len(i) + 1 for i in items)])[:-1].tolist()
    assert raw(ex, forms.assemble(ex, offsets, sent)) == items
    assert values(ex, forms.lengths(ex, s)) == [len(i) for i in items]


@pytest.mark.parametrize("offsets", [[1, 3], [0, 9], [0, 3, 2], [0, 2, 2], [-1, 2], [0, -3]])
def test_offsets_that_do_not_rise_are_refused(ex: Executor, offsets: list[int]) -> None:
    values = array(ex, np.frombuffer(b"a\0bc\0", np.uint8))
    with pytest.raises(ArgumentError, match=r"offset"):
        forms.assemble(ex, array(ex, np.array(offsets)), values)


@few
@given(items=texts, data=st.data())
def test_indexing(ex: Executor, items: list[str], data: st.DataObject) -> None:
    s = strings(ex, items)
    n = len(items)
    index = data.draw(st.lists(st.integers(0, n - 1))) if n else []
    assert listed(ex, choosing.gather(ex, s, array(ex, np.array(index, np.int64)))) == [items[i] for i in index]
    mask = data.draw(st.lists(st.booleans(), min_size=n, max_size=n))
    kept = choosing.compress(ex, s, array(ex, np.array(mask, np.bool_)))
    assert listed(ex, kept) == [t for t, m in zip(items, mask, strict=True) if m]
    for i in index[:3]:
        assert choosing.item(ex, s, i - n) == items[i].encode()


@few
@given(items=texts, data=st.data())
def test_slices(ex: Executor, items: list[str], data: st.DataObject) -> None:
    s = strings(ex, items)
    wanted = data.draw(st.slices(len(items)))
    start, stop, step = wanted.indices(len(items))
    assert listed(ex, choosing.part(ex, s, start, stop, step)) == items[wanted]
    assert listed(ex, choosing.flipped(ex, s)) == items[::-1]


@pytest.mark.parametrize("index", [[3], [-1], [0, 2**62]])
def test_positions_outside_are_refused(ex: Executor, index: list[int]) -> None:
    s = strings(ex, ["a", "b", "c"])
    with pytest.raises(ArgumentError, match="index out of bounds"):
        choosing.check_bounds(ex, array(ex, np.array(index)), s)
    with pytest.raises(ArgumentError, match="index out of bounds"):
        choosing.item(ex, s, 3)
    with pytest.raises(ArgumentError, match="index out of bounds"):
        choosing.part(ex, s, 0, 9, 2)


@few
@given(items=texts, other=texts, literal=st.sampled_from(["", "a", "é", "back\\slash"]))
def test_comparing_and_joining(ex: Executor, items: list[str], other: list[str], literal: str) -> None:
    s = strings(ex, items)
    pairs = list(zip(items, (other + items)[: len(items)], strict=True))
    second = [b for _, b in pairs]
    t = strings(ex, second)
    assert values(ex, choosing.equal(ex, s, t)) == [a == b for a, b in pairs]
    assert values(ex, choosing.equal(ex, s, t, negate=True)) == [a != b for a, b in pairs]
    assert values(ex, choosing.equal_to(ex, s, literal.encode())) == [a == literal for a in items]
    assert listed(ex, letters.stuck(ex, s, literal.encode(), t)) == [a + literal + b for a, b in pairs]
    mask = [len(a) % 2 == 0 for a in items]
    chosen = array(ex, np.array(mask, np.bool_))
    assert listed(ex, choosing.where(ex, chosen, s, t)) == [
        a if m else b for m, (a, b) in zip(mask, pairs, strict=True)
    ]
    expected = [a if m else literal for m, a in zip(mask, items, strict=True)]
    assert listed(ex, choosing.where(ex, chosen, s, literal.encode())) == expected
    assert listed(ex, choosing.concatenated(ex, [s, t, s])) == items + second + items


PYTHON: dict[str, Callable[[str], bool]] = {
    "isalnum": str.isalnum,
    "isalpha": str.isalpha,
    "isdigit": str.isdigit,
    "isLower": str.islower,
    "isUpper": str.isupper,
    "isNumeric": lambda t: t == "" or t.isnumeric(),
    "isempty": lambda t: t == "",
}


@few
@given(items=texts)
def test_classes_of_characters(ex: Executor, items: list[str]) -> None:
    s = strings(ex, [*items, "Ab", "AB", "12", "²", "٣", "½", "È", "ß", " ", "\t"])
    for name, expected in PYTHON.items():
        assert values(ex, letters.matches(ex, s, name)) == [expected(t) for t in listed(ex, s)], name


def test_title_and_decimal_as_the_protocol_has_them(ex: Executor) -> None:
    s = strings(ex, ["Hello World", "hello", "12", " ", "", "12 Ab", "١٢", "A1b", "É", "é"])
    assert values(ex, letters.matches(ex, s, "isTitle")) == [1, 0, 1, 1, 0, 1, 1, 0, 1, 0]
    assert values(ex, letters.matches(ex, s, "isDecimal")) == [0, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert values(ex, letters.matches(ex, s, "isspace")) == [0, 0, 0, 1, 0, 0, 0, 0, 0, 0]


CASES = {"toLower": str.lower, "toUpper": str.upper, "toTitle": str.title, "capitalize": str.capitalize}


@few
@given(items=raw_texts)
def test_case_changes_and_stripping(ex: Executor, items: list[bytes]) -> None:
    s = strings(ex, items)
    for case, change in CASES.items():
        changed = [change(i.decode(errors="surrogateescape")).encode(errors="surrogateescape") for i in items]
        assert raw(ex, letters.changed_case(ex, s, case)) == changed, case
    assert raw(ex, letters.stripped(ex, s, "")) == [i.strip() for i in items]
    assert raw(ex, letters.stripped(ex, s, "ab")) == [i.strip(b"ab") for i in items]


@pytest.mark.parametrize("case", CASES)
def test_case_changes_of_letters_whose_other_case_is_longer_or_shorter(ex: Executor, case: str) -> None:
    dotless_i, dotted_capital_i, sharp_s, long_s, ligature = "\u0131", "\u0130", "\u00df", "\u017f", "\ufb03"
    apostrophe_n, final_sigma, dz, kelvin = "\u0149", "\u0391\u03a3", "\u01c6", "\u212a"
    odd = [
        dotless_i,
        dotted_capital_i,
        sharp_s,
        long_s,
        ligature,
        apostrophe_n,
        final_sigma,
        dz,
        kelvin,
        "\u00e9\u00c0B",
    ]
    texts = [t for letter in odd for t in (letter, f"{letter}A", f"a{letter}b {letter}", f"X{letter.upper()}")]
    texts = [*texts, "", "plain", "Plain Text", "\u00e9\u00c0B", *texts]
    assert listed(ex, letters.changed_case(ex, strings(ex, texts), case)) == [CASES[case](t) for t in texts]


def test_case_changes_leave_bytes_alone_that_are_no_text(ex: Executor) -> None:
    s = strings(ex, [b"\xffAb", b"a\xc3", "\u00e9".encode() + b"\xff"])
    assert raw(ex, letters.changed_case(ex, s, "capitalize")) == [b"\xffab", b"A\xc3", "\u00c9".encode() + b"\xff"]
    assert raw(ex, letters.changed_case(ex, s, "toUpper")) == [b"\xffAB", b"A\xc3", "\u00c9".encode() + b"\xff"]


def test_stripping_characters_of_several_bytes(ex: Executor) -> None:
    s = strings(ex, ["éaé", "è", "日é日", ""])
    assert listed(ex, letters.stripped(ex, s, "é日")) == ["a", "è", "", ""]


@few
@given(items=raw_texts, n=st.integers(0, 4), suffixes=st.booleans(), proper=st.booleans())
def test_beginnings_and_ends(ex: Executor, items: list[bytes], n: int, suffixes: bool, proper: bool) -> None:
    found, origins = letters.edges(ex, strings(ex, items), n, suffixes=suffixes, proper=proper)
    long = [len(i) >= n + proper for i in items]
    assert values(ex, origins) == long
    cut = slice(-n or 10**6, None) if suffixes else slice(n)
    assert raw(ex, found) == [i[cut] for i, keep in zip(items, long, strict=True) if keep]


@few
@given(items=raw_texts)
def test_blocks_keep_their_bytes(items: list[bytes]) -> None:
    block = block_of(items)
    assert text.to_list(block) == raw_of(text.from_list(items)) == items
    assert text.equal(block, block).all()
    again = text.strip_terminators(text.add_terminators(block))
    assert raw_of(again) == items


def test_hashes_are_siphash_with_the_key_of_its_paper() -> None:
    upper, lower = text.hash_ranges(np.arange(16, dtype=np.uint8), np.zeros(2, np.int64), np.array([0, 15]))
    found = [int(u).to_bytes(8).hex() + int(v).to_bytes(8).hex() for u, v in zip(upper, lower, strict=True)]
    assert found == ["a3817f04ba25a8e66df67214c7550293", "5493e99933b0a8117e08ec0f97cfc3d9"]
