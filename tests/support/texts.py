"""Strings in and out of the engine, for tests."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import strategies as st

from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.values import Strings, TextBlock

WORDS = ["", "a", "b", "ab", "ba", "aab", "é", "日本", "a,b", ",", 'say "hi"', "back\\slash", "new\nline", "x" * 300]
"""short, long, empty, non-ASCII, and with what quoting stumbles over"""

texts = st.lists(st.one_of(st.sampled_from(WORDS), st.text(st.characters(exclude_characters="\0", codec="utf-8"))))
"""lists of strings as a client may send them"""

raw_texts = st.lists(
    st.one_of(st.sampled_from(WORDS).map(str.encode), st.binary().map(lambda b: b.replace(b"\0", b".")))
)
"""lists of byte strings, most of them no valid UTF-8"""


def block_of(items: Sequence[str | bytes]) -> TextBlock:
    """A block of given strings."""
    raw = [i.encode() if isinstance(i, str) else i for i in items]
    offsets = np.cumsum([0, *map(len, raw)]).astype(np.int64)
    return TextBlock(offsets, np.frombuffer(b"".join(raw), np.uint8))


def raw_of(block: TextBlock) -> list[bytes]:
    """The strings of a block as bytes."""
    data = block.data.tobytes()
    return [data[a:b] for a, b in zip(block.offsets[:-1].tolist(), block.offsets[1:].tolist(), strict=True)]


def strings(ex: Executor, items: Sequence[str | bytes]) -> Strings:
    """Strings cut as the executor cuts."""
    return layout.strings_from_block(ex, block_of(items))


def raw(ex: Executor, s: Strings) -> list[bytes]:
    """All strings as bytes; checks what the value says of itself."""
    block = layout.text_here(ex, s)
    found = raw_of(block)
    assert (s.size, s.chars) == (len(found), len(block.data))
    assert sum(s.rows) == s.size
    return found


def listed(ex: Executor, s: Strings) -> list[str]:
    """All strings as Python texts."""
    return [b.decode() for b in raw(ex, s)]
