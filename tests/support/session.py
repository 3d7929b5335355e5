"""Commands as a client gives them, run in this process: everything of a request but the socket."""

from __future__ import annotations

import json
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

import arkserver.commands  # noqa: F401 - fills the registry
from arkserver.commands import arguments, dispatch, projection, registry
from arkserver.commands.context import Context
from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.memory import MemoryAccounts
from arkserver.engine.progress import Progress
from arkserver.engine.state import Engine
from arkserver.engine.values import Array, Column, Strings, TextBlock
from arkserver.errors import UnknownCommandError
from arkserver.wire.envelope import decode_parameters
from tests.support.server import envelope


class Session:
    """An engine of its own, and commands given to it."""

    def __init__(self, ex: Executor, limit: int = 1 << 33) -> None:
        self.ex = ex
        self.engine = Engine(ex, MemoryAccounts(limit))
        self.context = Context(self.engine)
        self.token: Progress | None = None
        """of the next commands, for tests that cancel them"""

    def put(self, x: NDArray[Any] | list[str], max_bits: int = -1) -> str:
        """Store an array, or a list of texts, and return its name."""
        value: Column
        if isinstance(x, list):
            value = layout.strings_from_block(self.ex, text_block(x))
        else:
            value = layout.from_numpy(self.ex, x, max_bits)
        return self.engine.symbols.add(value)

    def get(self, name: str) -> NDArray[Any]:
        """The contents of a symbol; strings as an object array of bytes."""
        value = self.engine.symbols.get(name)
        if isinstance(value, Strings):
            return np.array(texts(layout.text_here(self.ex, value)), object)
        assert isinstance(value, Array)
        return layout.to_numpy(self.ex, value)

    def reply(self, cmd: str, **parameters: Any) -> tuple[str, str]:
        """Type and text of the answer to a command."""
        try:
            answer = msgspec.json.decode(self.frame(cmd, **parameters))
        except UnknownCommandError as e:
            return "ERROR", str(e)
        return answer["msgType"], answer["msg"]

    def frame(self, cmd: str, payload: bytes | None = None, **parameters: Any) -> bytes:
        """The frame that answers a command, which may come with a payload."""
        command, words = registry.find(cmd)
        view = None if payload is None else memoryview(payload)
        call = dispatch.Call(command, words, cmd, envelope(cmd, parameters)["args"], view)
        return bytes(dispatch.run(call, self.context, self.token or Progress(cmd)).reply)

    def projected(self, cmd: str, **parameters: Any) -> int:
        """The bytes that a command says it may allocate."""
        command, words = registry.find(cmd)
        sent = decode_parameters(envelope(cmd, parameters)["args"])
        found = arguments.decode(command, words, sent, self.context, None)
        return projection.projected_bytes(command, found.values)

    def text(self, cmd: str, **parameters: Any) -> str:
        """The text of the answer, which must be no error."""
        kind, text = self.reply(cmd, **parameters)
        assert kind != "ERROR", text
        return text

    def error(self, cmd: str, **parameters: Any) -> str:
        """The text of the answer, which must be an error."""
        kind, text = self.reply(cmd, **parameters)
        assert kind == "ERROR", text
        return text

    def arrays(self, cmd: str, **parameters: Any) -> list[NDArray[Any]]:
        """The contents of the arrays that the answer announces, be they joined by plus signs or a JSON list."""
        text = self.text(cmd, **parameters)
        lines = json.loads(text) if text.startswith("[") else text.split("+")
        return [self.get(line.split()[1]) for line in lines if not line.strip().startswith("created bytes.size")]

    def array(self, cmd: str, **parameters: Any) -> NDArray[Any]:
        """The contents of the only array that the answer announces."""
        (found,) = self.arrays(cmd, **parameters)
        return found


def text_block(items: list[str]) -> TextBlock:
    """Texts as a block."""
    encoded = [t.encode() for t in items]
    offsets = np.cumsum([0, *map(len, encoded)]).astype(np.int64)
    return TextBlock(offsets, np.frombuffer(b"".join(encoded), np.uint8))


def texts(block: TextBlock) -> list[bytes]:
    """The texts of a block."""
    data, edges = block.data.tobytes(), block.offsets.tolist()
    return [data[a:b] for a, b in pairwise(edges)]
