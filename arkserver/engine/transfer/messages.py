"""What two servers say to each other: JSON, and the bytes of a piece behind it."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from arkserver.errors import TransferError

VERSION = 1


class ValueEntry(msgspec.Struct, frozen=True):
    """A value that is sent."""

    kind: Literal["array", "strings"]
    dtype: str = "str"
    """bigint is sent as arrays of words"""
    shape: tuple[int, ...] = ()
    chars: int = 0
    """of strings: their bytes"""
    words: int = 0
    """of bigint: how many arrays of words, the last of which has the signs"""
    max_bits: int = -1


class ObjectEntry(msgspec.Struct, frozen=True):
    """An object, by the numbers of its values."""

    kind: str
    values: dict[str, int]
    parts: dict[str, ObjectEntry] = {}


class Manifest(msgspec.Struct, frozen=True):
    """Everything that is sent."""

    values: tuple[ValueEntry, ...]
    objects: dict[str, ObjectEntry]


class Question(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the receiver asks for, or how it ended."""

    kind: Literal["hello", "piece", "done", "failed"]
    version: int = VERSION
    value: int = 0
    """the number of a value"""
    word: int = 0
    """which array of words of a bigint"""
    start: int = 0
    stop: int = 0
    """elements from `start` on, before `stop`"""
    text: str = ""


class Answer(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the sender answers."""

    kind: Literal["manifest", "piece", "error"]
    manifest: Manifest | None = None
    count: int = 0
    """elements of the piece, at least one, perhaps fewer than were asked for"""
    text: str = ""


def encode(message: Question | Answer) -> bytes:
    """The first frame."""
    return msgspec.json.encode(message)


def question(frame: Any) -> Question:
    """What a receiver has sent.

    Raises
    ------
    TransferError
    """
    try:
        return msgspec.json.decode(frame.bytes, type=Question)
    except msgspec.DecodeError as e:
        raise TransferError(f"the other server sent what is no question: {e}") from None


def answer(frame: Any) -> Answer:
    """What a sender has sent; an error is raised.

    Raises
    ------
    TransferError
    """
    try:
        found = msgspec.json.decode(frame.bytes, type=Answer)
    except msgspec.DecodeError as e:
        raise TransferError(f"the other server sent what is no answer: {e}") from None
    if found.kind == "error":
        raise TransferError(f"the other server says: {found.text}")
    return found
