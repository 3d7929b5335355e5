"""Strings in another encoding."""

from __future__ import annotations

import codecs
from collections.abc import Callable

import idna

from arkserver.engine import layout
from arkserver.engine.blocks import text
from arkserver.engine.executor import Executor
from arkserver.engine.values import Strings, TextBlock
from arkserver.errors import ArgumentError

IDNA = "idna"
"""host names after the IDNA 2008 standard (RFC 5891, with the mapping of UTS 46); what is no name becomes empty"""


def encoded(ex: Executor, s: Strings, source: str, target: str) -> Strings:
    """The bytes of each string, read in one encoding and written in another.

    Raises
    ------
    ArgumentError
        For an encoding that is not known, and for strings that it cannot hold.
    """
    return layout.strings_of(ex, ex.map(_encoded, s, _known(source), _known(target)), s.rows)


def _known(name: str) -> str:
    if name.lower() == IDNA:
        return IDNA
    try:
        return codecs.lookup(name).name
    except LookupError:
        raise ArgumentError(f"{name} is not a known encoding") from None


def _encoded(block: TextBlock, source: str, target: str) -> TextBlock:
    if {source, target} <= {"utf-8", "ascii"} and not (block.data >= 128).any():
        return block
    read, write = _reader(source), _writer(target)
    try:
        return text.from_list([write(read(raw)) for raw in text.to_list(block)])
    except UnicodeError as e:
        raise ArgumentError(f"a string cannot be changed from {source} to {target}: {e}") from None


def _reader(name: str) -> Callable[[bytes], str]:
    if name != IDNA:
        return lambda raw: raw.decode(name)
    return lambda raw: _or_empty(lambda: idna.decode(raw))


def _writer(name: str) -> Callable[[str], bytes]:
    if name != IDNA:
        return lambda item: item.encode(name)
    return lambda item: _or_empty(lambda: idna.encode(item, uts46=True).decode()).encode()


def _or_empty(convert: Callable[[], str]) -> str:
    try:
        return convert()
    except idna.IDNAError:
        return ""
