"""The side that has the objects: it listens, and hands out pieces until the other side has all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import zmq

from arkserver.engine import layout
from arkserver.engine.algorithms import limbs
from arkserver.engine.composites import Composite
from arkserver.engine.executor import Executor, Refs
from arkserver.engine.transfer import links, messages
from arkserver.engine.transfer.links import Rules
from arkserver.engine.transfer.messages import VERSION, Answer, Manifest, ObjectEntry, Question, ValueEntry
from arkserver.engine.values import BIGINT, Column, Strings, TextBlock, dtype_name, starts
from arkserver.errors import ArkserverError, TransferError

PIECE_BYTES = 1 << 24
"""of a piece, but for a single string that is longer"""


@dataclass(slots=True)
class Offer:
    """What is sent."""

    entries: list[ValueEntry] = field(default_factory=list)
    sources: list[list[Column]] = field(default_factory=list)
    """for each entry its vectors: one, or one for each word of a bigint"""

    def add(self, ex: Executor, item: Composite) -> ObjectEntry:
        """An object; its values get numbers."""
        numbers = {role: self._number(ex, value) for role, value in item.values.items()}
        return ObjectEntry(item.kind, numbers, {name: self.add(ex, part) for name, part in item.parts.items()})

    def _number(self, ex: Executor, value: Column) -> int:
        if isinstance(value, Strings):
            self.entries.append(ValueEntry("strings", shape=value.shape, chars=value.chars))
            self.sources.append([value])
        else:
            flat = layout.flattened(ex, value)
            vectors = limbs.signed_words(ex, flat) if value.dtype == BIGINT else [flat]
            words = len(vectors) if value.dtype == BIGINT else 0
            about = (dtype_name(value.dtype), value.shape)
            self.entries.append(ValueEntry("array", *about, words=words, max_bits=value.max_bits))
            self.sources.append([*vectors])
        return len(self.entries) - 1

    def piece(self, ex: Executor, wanted: Question) -> list[Any]:
        """The frames of a piece.

        Raises
        ------
        TransferError
            If there are no such elements.
        """
        if not (0 <= wanted.value < len(self.sources) and 0 <= wanted.word < len(self.sources[wanted.value])):
            raise TransferError(f"there is no value {wanted.value}")
        source = self.sources[wanted.value][wanted.word]
        if not 0 <= wanted.start < wanted.stop <= source.shape[0]:
            raise TransferError(f"value {wanted.value} has no elements {wanted.start} to {wanted.stop}")
        block = int(np.searchsorted(starts(source.rows), wanted.start, "right")) - 1
        at = starts(source.rows)[block]
        stop = min(wanted.stop - at, source.rows[block])
        (found,) = ex.collect(_cut, Refs([source.blocks[block]]), wanted.start - at, stop, PIECE_BYTES)
        count = len(found.offsets) - 1 if isinstance(found, TextBlock) else len(found)
        frames = [np.diff(found.offsets), found.data] if isinstance(found, TextBlock) else [found]
        return [
            messages.encode(Answer("piece", count=count)),
            *(np.ascontiguousarray(f).view(np.uint8) for f in frames),
        ]


def _cut(block: Any, start: int, stop: int, most: int) -> Any:
    """Elements of a block, fewer if they have more than `most` bytes, but at least one."""
    if not isinstance(block, TextBlock):
        return block[start : min(stop, start + max(1, most // block.dtype.itemsize))]
    fits = int(np.searchsorted(block.offsets, block.offsets[start] + most, "right")) - 1
    return layout.slice_text(block, start, min(stop, max(start + 1, fits)))


def send(ex: Executor, rules: Rules, host: str, port: int, objects: Mapping[str, Composite]) -> None:
    """Wait for the server on `host` to connect to `port`, and hand it the objects.

    Raises
    ------
    TransferError
        If it does not come or stops asking, or says that it failed.
    """
    allowed = links.addresses_of(host)
    offer = Offer()
    described = {name: offer.add(ex, item) for name, item in objects.items()}
    manifest = Manifest(tuple(offer.entries), described)
    with links.listening(rules, port) as link:
        peer = _greeted(link, rules, allowed, f"{host} over port {port}", manifest)
        try:
            while (asked := _asked(link, rules, peer)).kind == "piece":
                link.send_multipart([peer, *offer.piece(ex, asked)], copy=False)
        except ArkserverError as e:
            link.send_multipart([peer, messages.encode(Answer("error", text=str(e)))])
            raise
        if asked.kind != "done":
            raise TransferError(f"the other server could not receive: {asked.text or asked.kind}")


def _greeted(link: zmq.Socket[bytes], rules: Rules, allowed: set[str], whom: str, manifest: Manifest) -> bytes:
    """Wait for the receiver and tell it what there is; others are sent away."""
    refused, deadline = "", rules.deadline
    while True:
        frames = links.receive(link, deadline)
        if frames is None:
            raise TransferError(f"no server on {whom} asked within {rules.seconds:g} seconds{refused}{rules.hint}")
        peer, address = frames[0].bytes, str(frames[0].get("Peer-Address"))
        if address not in allowed:
            refused = f"; {address} was refused"
            link.send_multipart([peer, messages.encode(Answer("error", text=f"{address} is not {whom}"))])
            continue
        asked = messages.question(frames[-1])
        if asked.kind != "hello" or asked.version != VERSION:
            text = f"version {asked.version} is spoken to version {VERSION}"
            link.send_multipart([peer, messages.encode(Answer("error", text=text))])
            raise TransferError(text)
        link.send_multipart([peer, messages.encode(Answer("manifest", manifest))])
        return bytes(peer)


def _asked(link: zmq.Socket[bytes], rules: Rules, peer: bytes) -> Question:
    """The next question of the receiver; others are told that they are late."""
    deadline = rules.deadline
    while True:
        frames = links.receive(link, deadline)
        if frames is None:
            raise TransferError(f"the other server asked for nothing within {rules.seconds:g} seconds")
        if frames[0].bytes == peer:
            return messages.question(frames[-1])
        link.send_multipart([frames[0].bytes, messages.encode(Answer("error", text="another server is served"))])
