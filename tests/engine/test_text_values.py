"""Strings as numbers, hashes and in other encodings."""

from __future__ import annotations

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.algorithms.text import casting, encoding, hashing
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, DTYPES
from arkserver.errors import ArgumentError, UnsupportedError
from tests.support.texts import listed, raw, strings, texts

few = settings(max_examples=25, deadline=None)
WORD = (1 << 64) - 1


def array(ex: Executor, x: Any) -> Any:
    return layout.from_numpy(ex, np.asarray(x))


NONE = [-(2**63)]


def values(ex: Executor, x: Any) -> Any:
    return layout.to_numpy(ex, x).tolist()


# --- numbers ---------------------------------------------------------------------------------------------------------


@few
@given(st.lists(st.integers(-(2**63), 2**63 - 1)), st.lists(st.floats(allow_nan=False)), st.lists(st.integers()))
def test_numbers_to_text_and_back(ex: Executor, ints: list[int], floats: list[float], big: list[int]) -> None:
    for items, dtype in ((ints, DTYPES["int64"]), (floats, DTYPES["float64"]), (big, BIGINT)):
        contents = np.empty(len(items), dtype)
        contents[:] = items
        as_text = casting.to_strings(ex, array(ex, contents))
        if dtype.kind != "f":
            assert listed(ex, as_text) == [str(i) for i in items]
        assert values(ex, casting.from_valid_strings(ex, as_text, dtype)) == items


def test_how_numbers_are_written(ex: Executor) -> None:
    floats = array(ex, np.array([1.0, 0.1, 1e-5, 1e300, np.nan, -np.inf, -0.0]))
    assert listed(ex, casting.to_strings(ex, floats)) == [
        "1.00000000000000000", "0.10000000000000001", "1.0000000000000001e-05", "1.0000000000000001e+300",
        "nan", "-inf", "-0.00000000000000000",
    ]  # fmt: skip
    assert listed(ex, casting.to_strings(ex, array(ex, np.array([True, False])))) == ["true", "false"]
    assert listed(ex, casting.to_strings(ex, array(ex, np.array([0, 255], np.uint8)))) == ["0", "255"]
    assert listed(ex, casting.to_strings(ex, array(ex, np.array([2**64 - 1], np.uint64)))) == [str(2**64 - 1)]


@pytest.mark.parametrize(
    ("name", "items", "found", "valid"),
    [
        ("int64", ["1", "x", "-7", "", "1.5", str(2**63), "+3"], [1, -(2**63), -7, *[-(2**63)] * 3, 3], "1010001"),
        ("uint64", ["1", "-1", str(2**64 - 1), str(2**64)], [1, 0, 2**64 - 1, 0], "1010"),
        (
            "int64",
            [" 1", "2\t", "0x30", "-0b101", "0O17", "0x", "0b2", "1 2"],
            [1, 2, 48, -5, 15, *NONE * 3],
            "11111000",
        ),
        ("uint8", ["255", "256", "-1", "x", str(2**70 + 3)], [255, 0, 255, 0, 3], "11101"),
        ("bool", ["true", "False", "TRUE", " true ", "1", ""], [True, False, True, True, False, False], "111100"),
        ("bigint", [str(10**30), "x", "-5", "0x" + "f" * 20], [10**30, 0, -5, 16**20 - 1], "1011"),
    ],
)
def test_bad_numbers_are_marked(ex: Executor, name: str, items: list[str], found: list[Any], valid: str) -> None:
    s, dtype = strings(ex, items), DTYPES[name]
    numbers, good = casting.from_strings(ex, s, dtype)
    assert values(ex, numbers) == found
    assert values(ex, good) == [v == "1" for v in valid]
    with pytest.raises(ArgumentError, match=f"{valid.count('0')} of {len(items)} strings are no {name}"):
        casting.from_valid_strings(ex, s, dtype)


def test_bad_floats_are_nan(ex: Executor) -> None:
    s = strings(ex, ["1.5", "nan", "inf", "-1e-3", " 1 ", "1_0", "one", ""])
    numbers, good = casting.from_strings(ex, s, DTYPES["float64"])
    np.testing.assert_array_equal(layout.to_numpy(ex, numbers), [1.5, np.nan, np.inf, -1e-3, 1, *[np.nan] * 3])
    assert values(ex, good) == [True] * 5 + [False] * 3


# --- hashes ----------------------------------------------------------------------------------------------------------


def siphash(data: bytes) -> tuple[int, int]:
    """SipHash-2-4 with 128 bits after its paper, halves read as big-endian numbers."""

    def left(x: int, n: int) -> int:
        return (x << n | x >> (64 - n)) & WORD

    def rounds(n: int) -> None:
        for _ in range(n):
            v[0] = (v[0] + v[1]) & WORD
            v[2] = (v[2] + v[3]) & WORD
            v[1], v[3] = left(v[1], 13) ^ v[0], left(v[3], 16) ^ v[2]
            v[0] = left(v[0], 32)
            v[2], v[0] = (v[2] + v[1]) & WORD, (v[0] + v[3]) & WORD
            v[1], v[3] = left(v[1], 17) ^ v[2], left(v[3], 21) ^ v[0]
            v[2] = left(v[2], 32)

    keys = struct.unpack("<QQ", bytes(range(16)))
    names = (b"somepseu", b"dorandom", b"lygenera", b"tedbytes")
    v = [int.from_bytes(name) ^ keys[i % 2] for i, name in enumerate(names)]
    v[1] ^= 0xEE
    padded = data + bytes(7 - len(data) % 8) + bytes([len(data) % 256])
    for (word,) in struct.iter_unpack("<Q", padded):
        v[3] ^= word
        rounds(2)
        v[0] ^= word
    v[2] ^= 0xEE
    rounds(4)
    first = v[0] ^ v[1] ^ v[2] ^ v[3]
    v[1] ^= 0xDD
    rounds(4)
    return tuple(int.from_bytes(x.to_bytes(8, "little")) for x in (first, v[0] ^ v[1] ^ v[2] ^ v[3]))  # type: ignore[return-value]


def turned(x: tuple[int, int], n: int) -> tuple[int, int]:
    upper, lower = ((w << n | w >> (64 - n)) & WORD if n else w for w in x)
    tail = (1 << n) - 1
    return upper & ~tail | lower & tail, lower


def pairs(ex: Executor, found: hashing.Hashes) -> list[tuple[int, int]]:
    return list(zip(values(ex, found.upper), values(ex, found.lower), strict=True))


@few
@given(items=texts)
def test_hashes_of_strings(ex: Executor, items: list[str]) -> None:
    assert pairs(ex, hashing.hashes(ex, strings(ex, items))) == [siphash(i.encode() + b"\0") for i in items]


def test_the_hash_that_clients_know(ex: Executor) -> None:
    from arkserver.engine.algorithms import randomness

    x = randomness.integers(ex, (3,), DTYPES["int64"], 0, 65535, 8675309)
    assert values(ex, hashing.hashes(ex, x).upper) == [12228890592923494910, 17773622519799422780, 16661993598191972647]


@few
@given(
    items=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.booleans(), st.text(st.characters(codec="ascii"))))
)
def test_combined_hashes(ex: Executor, items: list[tuple[int, bool, str]]) -> None:
    ints, bools, words = [i for i, _, _ in items], [b for _, b, _ in items], [w for _, _, w in items]
    columns = [array(ex, np.array(ints, np.int64)), strings(ex, words), array(ex, np.array(bools, np.bool_))]
    found = hashing.combined(ex, [hashing.hashes(ex, c) for c in columns])
    expected = []
    for i, w, b in zip(ints, words, bools, strict=True):
        parts = [siphash(struct.pack("<q", i)), siphash(w.encode() + b"\0"), (0, int(b))]
        rotated = [turned(p, n) for n, p in enumerate(parts)]
        expected.append(tuple(a ^ b ^ c for a, b, c in zip(*rotated, strict=True)))
    assert pairs(ex, found) == expected


def test_hashes_of_categories_and_segments(ex: Executor) -> None:
    categories = strings(ex, ["x", "y", "N/A"])
    codes = array(ex, np.array([0, 2, 1, 1]))
    known = pairs(ex, hashing.hashes(ex, categories))
    assert pairs(ex, hashing.of_categories(ex, categories, codes)) == [known[c] for c in (0, 2, 1, 1)]
    with pytest.raises(ArgumentError):
        hashing.of_categories(ex, categories, array(ex, np.array([3])))
    numbers = array(ex, np.array([5, 5, 5, 5, 1, 2, 2, 1, 5, 5, 7]))
    segments = array(ex, np.array([0, 2, 4, 4, 6, 8]))
    found = pairs(ex, hashing.of_segments(ex, segments, numbers))
    assert found[0] == found[1]
    assert found[2] == (0, 0)
    assert len(set(found)) == 5
    with pytest.raises(UnsupportedError):
        hashing.hashes(ex, array(ex, np.array([1], np.uint8)))


# --- encodings -------------------------------------------------------------------------------------------------------


def test_host_names(ex: Executor) -> None:
    names = ["Bücher.example", "ドメイン.テスト", "Königsgäßchen", "", "example.com"]
    coded = ["xn--bcher-kva.example", "xn--eckwd4c7c.xn--zckzah", "xn--knigsgchen-b4a3dun", "", "example.com"]
    assert listed(ex, encoding.encoded(ex, strings(ex, names), "UTF-8", "IDNA")) == coded
    back = encoding.encoded(ex, strings(ex, [*coded, "xn--zrich-boguscode", "xn--!!"]), "IDNA", "UTF-8")
    assert listed(ex, back) == ["bücher.example", *names[1:2], "königsgäßchen", "", "example.com", "", ""]


@few
@given(items=texts)
def test_encodings_round_trip(ex: Executor, items: list[str]) -> None:
    s = strings(ex, items)
    for name in ("UTF-16", "UTF-8", "UTF-32LE"):
        there = encoding.encoded(ex, s, "UTF-8", name)
        assert raw(ex, there) == [i.encode(name) for i in items]
        assert listed(ex, encoding.encoded(ex, there, name, "UTF-8")) == items


def test_what_an_encoding_cannot_hold(ex: Executor) -> None:
    with pytest.raises(ArgumentError, match="cannot be changed from utf-8 to ascii"):
        encoding.encoded(ex, strings(ex, ["a", "é"]), "utf-8", "ascii")
    with pytest.raises(ArgumentError, match="klingon is not a known encoding"):
        encoding.encoded(ex, strings(ex, ["a"]), "utf-8", "klingon")
