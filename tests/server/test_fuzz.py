"""100,000 random and mutated requests: every one is answered, the server lives, its memory returns to where it was."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from typing import Any

import numpy as np
import psutil
import zmq

import arkserver.commands  # noqa: F401 - fills the registry
from arkserver.commands.arguments import SymbolName, Target
from arkserver.commands.registry import COMMANDS, Command
from arkserver.engine.values import Array, Column, Strings
from arkserver.wire.parameters import Scalar
from tests.support.server import Raw, RunningServer, envelope, running_server, symbol

REQUESTS = 100_000
WINDOW = 64
SEED = 20_26
# They end or delay the server, or touch files wherever a random path points.
EXCLUDED_NAMES = {"shutdown", "disconnect", "sleep", "cancel", "applyStr", "applyPickle", "initPythonInterpreters"}
EXCLUDED_FAMILIES = {"parquet", "csv", "files", "hdf5", "checkpoint", "storage", "io"}

TEXTS = ["", "None", "True", "+", "<<", "sum", "nan", "-1", "0", "[", '["x"]', "[[1]]", "{}", "\u0000", "é", "x" * 300]
NUMBERS = [0, 1, -1, 2, 3, 7, 64, 2**31, 2**63 - 1, -(2**63), 2**64, 10**30, 10**12]


def fuzzed_commands() -> list[Command]:
    return [
        c
        for c in COMMANDS.values()
        if c.name not in EXCLUDED_NAMES and not any(f in c.family for f in EXCLUDED_FAMILIES)
    ]


class Requests:
    """An endless stream of requests, most of them nearly right."""

    def __init__(self, seed: int, symbols: list[str]) -> None:
        self.random = random.Random(seed)
        self.symbols = symbols
        self.commands = fuzzed_commands()

    def __iter__(self) -> Iterator[list[bytes]]:
        while True:
            yield self.one()

    def one(self) -> list[bytes]:
        command = self.random.choice(self.commands)
        words = [self.random.choice(c) if self.random.random() < 0.95 else "int7" for c in command.choices]
        values = {n: self.value(p.annotation) for n, p in command.parameters.items() if self.random.random() < 0.97}
        binary = self.random.random() < 0.05
        request = envelope(command.full_name(words), {k: v for k, v in values.items() if v is not None}, binary=binary)
        frame = json.dumps(request).encode()
        if self.random.random() < 0.2:
            frame = self.mutated(frame)
        return [frame + b"BINARY_PAYLOAD", self.random.randbytes(self.random.choice([0, 8, 24]))] if binary else [frame]

    def value(self, annotation: Any) -> Any:
        r = self.random
        if annotation in (Array, Target, Strings, Column, SymbolName):
            return r.choice(self.symbols) if r.random() < 0.9 else "id_none_1"
        if annotation is bool:
            return r.random() < 0.5
        if annotation is int:
            return r.choice(NUMBERS)
        if annotation is float:
            return r.choice([0.0, -1.5, float("nan"), float("inf"), 1e308])
        if annotation is Scalar:
            return r.choice([1, 0, -3, 2.5, True, 2**63, "x"])
        if "list" in str(annotation) or "tuple" in str(annotation):
            source: list[Any] = [self.symbols, [str(n) for n in (0, 1, 2, -1, 3)], TEXTS][r.randrange(3)]
            return [r.choice(source) for _ in range(r.randrange(4))]
        return r.choice([*TEXTS, *self.symbols])

    def mutated(self, frame: bytes) -> bytes:
        r = self.random
        data = bytearray(frame)
        for _ in range(r.randrange(1, 4)):
            at = r.randrange(len(data))
            change = r.randrange(4)
            if change == 0:
                data[at] = r.randrange(256)
            elif change == 1:
                del data[at : at + r.randrange(1, 20)]
            elif change == 2:
                data[at:at] = r.randbytes(r.randrange(1, 5))
            else:
                data[at:at] = data[at : at + 10]
            if not data:
                return b""
        return bytes(data)


def seeds(raw: Raw) -> list[str]:
    """A few arrays of every dtype and rank, and strings."""
    names = []
    for dtype in ("int64", "uint64", "uint8", "float64", "bool"):
        for shape in ((7,), (0,), (1,), (2, 3), (2, 1, 2)):
            x = np.arange(np.prod(shape)).astype(dtype)
            names.append(symbol(raw.text(f"array<{dtype},{len(shape)}>", x.tobytes(), shape=list(shape))))
    text = b"one\0two\0\0\xc3\xa9\0three\0four\0five\0"
    names.append(symbol(raw.text("arraySegString<uint8>", text, size=len(text))))
    return names


def bombard(server: RunningServer, names: list[str], count: int) -> tuple[int, int]:
    """Send `count` requests, `WINDOW` of them under way at a time; how many replies and how many errors came."""
    answered = errors = 0
    stream = iter(Requests(SEED, names))
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.RCVTIMEO, 120_000)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.connect(server.address)
        for sent in range(count + WINDOW):
            if sent < count:
                dealer.send_multipart([b"", *next(stream)])
            if sent >= WINDOW:
                reply = dealer.recv_multipart()[-1]
                answered += 1
                errors += b'"msgType":"ERROR"' in reply or reply.startswith(b"Error:")
        assert dealer.poll(200) == 0, "more replies than requests"
    return answered, errors


def test_random_requests_are_answered_and_cost_nothing() -> None:
    with running_server("--memory-limit", "200MB", "--log-level", "CRITICAL") as server, Raw(server.address) as raw:
        names = seeds(raw)
        bombard(server, names, 5_000)  # pools, caches and kernels reach their size
        raw.text("clear")
        process = psutil.Process(server.process.pid)
        before = process.memory_info().rss
        answered, errors = bombard(server, seeds(raw), REQUESTS)
        assert answered == REQUESTS
        assert 0 < errors < REQUESTS
        raw.text("clear")
        pinned = {s["name"] for s in json.loads(raw.text("info", names="__AllSymbols__"))}
        assert all(s["registered"] for s in json.loads(raw.text("info", names="__AllSymbols__"))), pinned
        assert process.memory_info().rss < before + 300e6
        x = np.arange(5)
        name = symbol(raw.text("array<int64,1>", x.tobytes(), shape=[5]))
        assert raw.send("tondarray<int64,1>", array=name) == x.tobytes()
