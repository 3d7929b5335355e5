"""Letters: case, classes of characters, stripping, sticking together, beginnings and ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms.text.forms import BOOL, column
from arkserver.engine.blocks import arrow, moving, text
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Strings, TextBlock


def _has_no_case(s: str) -> bool:
    return not any(c.isupper() or c.islower() or c.istitle() for c in s)


def _is_title(s: str) -> bool:
    """Like `str.istitle`, but a string without cased letters is titled too, as the protocol has it."""
    return s.istitle() or (s != "" and _has_no_case(s))


def _ascii_is_title(x: Any) -> Any:
    cased = pc.match_substring_regex(x, pattern="[A-Za-z]")
    return pc.or_(pc.ascii_is_title(x), pc.and_(pc.invert(cased), pc.greater(pc.binary_length(x), 0)))


def _is_numeric(s: str) -> bool:
    return s == "" or s.isnumeric()


def _ascii_is_numeric(x: Any) -> Any:
    return pc.or_(pc.ascii_is_decimal(x), pc.equal(pc.binary_length(x), 0))


def _is_empty(x: Any) -> Any:
    return pc.equal(pc.binary_length(x), 0)


# Name, what Arrow does with ASCII strings, and what Python does with the others.
PREDICATES: dict[str, tuple[Callable[[Any], Any], Callable[[str], bool]]] = {
    "isDecimal": (pc.ascii_is_decimal, lambda _: False),
    "isNumeric": (_ascii_is_numeric, _is_numeric),
    "isLower": (pc.ascii_is_lower, str.islower),
    "isUpper": (pc.ascii_is_upper, str.isupper),
    "isTitle": (_ascii_is_title, _is_title),
    "isalnum": (pc.ascii_is_alnum, str.isalnum),
    "isalpha": (pc.ascii_is_alpha, str.isalpha),
    "isdigit": (pc.ascii_is_decimal, str.isdigit),
    "isempty": (_is_empty, lambda _: False),
    "isspace": (pc.ascii_is_space, str.isspace),
}

# Name, what Arrow does with ASCII strings, and what Python does with the others.
CASES: dict[str, tuple[Callable[[Any], Any], Callable[[str], str]]] = {
    "toLower": (pc.ascii_lower, str.lower),
    "toUpper": (pc.ascii_upper, str.upper),
    "toTitle": (pc.ascii_title, str.title),
    "capitalize": (pc.ascii_capitalize, str.capitalize),
}


def matches(ex: Executor, s: Strings, predicate: str) -> Array:
    """Which strings consist of a class of characters; a name of `PREDICATES`."""
    return column(s, ex.map(_matches, s, predicate), BOOL)


def _matches(block: TextBlock, predicate: str) -> NDArray[np.bool_]:
    fast, exact = PREDICATES[predicate]
    found = arrow.to_bools(fast, block)
    for i in moving.nonzero(~arrow.to_bools(pc.string_is_ascii, block)):
        found[i] = _decided(text.item(block, i), exact)
    return found


def _decided(raw: bytes, predicate: Callable[[str], bool]) -> bool:
    """Bytes that are no text have no property."""
    try:
        return predicate(raw.decode())
    except UnicodeDecodeError:
        return False


def changed_case(ex: Executor, s: Strings, case: str) -> Strings:
    """The strings in another case, as Python has it; a name of `CASES`.

    Letters beyond ASCII change too, and so may their number and bytes: the upper case of a sharp s is two letters.
    """
    return layout.strings_of(ex, ex.map(_changed_case, s, case), s.rows)


def _changed_case(block: TextBlock, case: str) -> TextBlock:
    fast, exact = CASES[case]
    changed = arrow.to_texts(fast, block)
    others = moving.nonzero(~arrow.to_bools(pc.string_is_ascii, block))
    return changed if not len(others) else _exchanged(changed, others, _recased(block, others, exact))


def _recased(block: TextBlock, rows: NDArray[np.int64], change: Callable[[str], str]) -> TextBlock:
    """What a Python function makes of some strings; bytes that are no text stay as they are."""
    decoded = (raw.decode(errors="surrogateescape") for raw in text.to_list(text.gather(block, rows)))
    return text.from_list([change(s).encode(errors="surrogateescape") for s in decoded])


def _exchanged(block: TextBlock, rows: NDArray[np.int64], others: TextBlock) -> TextBlock:
    """The strings of a block, at some rows other ones."""
    n = text.size(block)
    index = np.arange(n)
    index[rows] = np.arange(n, n + len(rows))
    return text.gather(layout.join_text([block, others]), index)


def _rewritten(block: TextBlock, change: Callable[[bytes], bytes]) -> TextBlock:
    """What a Python function makes of each string."""
    return text.from_list([change(raw) for raw in text.to_list(block)])


def stripped(ex: Executor, s: Strings, characters: str) -> Strings:
    """The strings without the given characters (white space, if none are given) at both ends."""
    return layout.strings_of(ex, ex.map(_stripped, s, characters), s.rows)


def _stripped(block: TextBlock, characters: str) -> TextBlock:
    if not characters:
        return arrow.to_texts(pc.ascii_trim_whitespace, block)
    if characters.isascii():
        return arrow.to_texts(lambda x: pc.ascii_trim(x, characters=characters), block)
    return _rewritten(block, lambda raw: _stripped_of(raw, characters))


def _stripped_of(raw: bytes, characters: str) -> bytes:
    return raw.decode(errors="surrogateescape").strip(characters).encode(errors="surrogateescape")


def stuck(ex: Executor, left: Strings, delimiter: bytes, right: Strings) -> Strings:
    """Pairs of strings with a delimiter between."""
    left, right = layout.align(ex, left, right)
    return layout.strings_of(ex, ex.map(text.joined, left, delimiter, right), left.rows)


def edges(ex: Executor, s: Strings, n: int, *, suffixes: bool, proper: bool) -> tuple[Strings, Array]:
    """The first (or last) `n` bytes of the strings that have as many (`proper`: more), and which those are."""
    long_enough = ex.map(_long_enough, s, n + proper)
    refs = ex.map(_edges, s, long_enough, n, suffixes)
    return layout.rebalance(ex, layout.strings_of(ex, refs)), column(s, long_enough, BOOL)


def _long_enough(block: TextBlock, n: int) -> NDArray[np.bool_]:
    return text.lengths(block) >= n


def _edges(block: TextBlock, chosen: NDArray[np.bool_], n: int, suffixes: bool) -> TextBlock:
    bounds = block.offsets[1:] if suffixes else block.offsets[:-1]
    starts = moving.compress(bounds, chosen) - (n if suffixes else 0)
    return text.ranges(block.data, starts, np.full(len(starts), n))
