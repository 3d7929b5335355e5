"""The text of requests and replies: pure functions, no socket.

A request is JSON whose ``args`` is JSON text of a list of JSON texts, one a parameter, each value as text. A reply is
JSON with a message and its kind, or raw bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from arkserver.client.errors import ServerError
from arkserver.client.remote import Remote

BINARY_MARKER = b"BINARY_PAYLOAD"
ERROR, WARNING = "ERROR", "WARNING"


class Reply(msgspec.Struct, frozen=True):
    """The frame of a reply that is not raw bytes."""

    msg: str
    msgType: str  # noqa: N815 - the protocol's spelling


class Typed(NamedTuple):
    """A scalar whose dtype is already decided."""

    dtype: str
    text: str


_encoder = msgspec.json.Encoder()
_reply = msgspec.json.Decoder(Reply)


def encode_request(
    command: str,
    parameters: Mapping[str, Any],
    *,
    user: str,
    token: str,
    number: str,
    free: Sequence[str],
    binary: bool,
) -> bytes:
    """The first frame of a request.

    Parameters
    ----------
    number : str
        What ``status`` calls the running command by, so that this client can find its own.
    free : sequence of str
        Symbols that the server may forget before the command runs.
    """
    items = [_text({"key": k, "dtype": d, "val": v}) for k, (d, v) in map(_parameter, parameters.items())]
    envelope: dict[str, Any] = {
        "user": user,
        "token": token,
        "cmd": command,
        "format": "BINARY" if binary else "STRING",
        "args": _text(items),
        "size": len(items),
        "id": number,
    }
    if free:
        envelope["free"] = free
    frame = _encoder.encode(envelope)
    return frame + BINARY_MARKER if binary else frame


def _text(value: Any) -> str:
    return _encoder.encode(value).decode()


def _parameter(item: tuple[str, Any]) -> tuple[str, tuple[str, str]]:
    return item[0], value_text(item[1])


def value_text(value: Any) -> tuple[str, str]:
    """The dtype and the text that a value travels as.

    Raises
    ------
    TypeError
        For a value that the protocol cannot carry.
    """
    if isinstance(value, Remote):
        return value.dtype_name, value.name
    if isinstance(value, Typed):
        return value
    if isinstance(value, str):
        return "str", value
    if isinstance(value, list | tuple):
        return "list", _text([value_text(v)[1] for v in value])
    return scalar_text(value)


def scalar_text(value: Any) -> tuple[str, str]:
    """`value_text` of a number, a bool or None."""
    if value is None:
        return "<class 'NoneType'>", "None"
    if isinstance(value, bool | np.bool_):
        return "bool", str(bool(value))
    if isinstance(value, int | np.integer):
        return integer_dtype(value), str(int(value))
    if isinstance(value, float | np.floating):
        return "float64", repr(float(value))
    raise TypeError(f"{type(value).__name__} cannot be sent to the server; send a number, a text, a list or an array")


def integer_dtype(value: int | np.integer[Any]) -> str:
    """The dtype of an integer scalar: by its type if NumPy gave it one, else by its size."""
    if isinstance(value, np.uint8 | np.uint64):
        return value.dtype.name
    if -(2**63) <= int(value) < 2**63:
        return "int64"
    return "uint64" if 0 <= int(value) < 2**64 else "bigint"


def decode_reply(frame: Any, command: str) -> Reply:
    """Read a reply in JSON.

    Raises
    ------
    ServerError
        With the server's text if it is an error, or if it cannot be read.
    """
    try:
        reply = _reply.decode(frame)
    except msgspec.DecodeError as e:
        raise ServerError(f"the reply to {command} cannot be read: {e}") from None
    if reply.msgType == ERROR:
        raise ServerError(reply.msg)
    return reply


def check_bytes(data: memoryview, expected: int, command: str) -> None:
    """Tell bytes from the error that came instead of them.

    Raises
    ------
    ServerError
    """
    if data.nbytes == expected:
        return
    if bytes(data[:1]) == b"{":
        decode_reply(data, command)
    if bytes(data[:6]) == b"Error:":
        raise ServerError(bytes(data).decode("utf-8", "replace"))
    raise ServerError(f"{command}: {data.nbytes} bytes came; expected {expected}")


# --- what a reply announces ------------------------------------------------------------------------------------------


class ArrayLine(NamedTuple):
    """An announced array."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class StringsLine(NamedTuple):
    """Announced strings."""

    name: str
    size: int
    nbytes: int
    """with one terminator a string"""


Announced = ArrayLine | StringsLine


def parse_created(text: str) -> list[Announced]:
    """The values that a reply announces: lines ``created ...`` joined by ``+``."""
    found: list[Announced] = []
    for part in text.split("+"):
        words = part.split()
        if words[1] == "bytes.size":
            last = found[-1]
            found[-1] = StringsLine(last.name, last[2][0] if isinstance(last, ArrayLine) else 0, int(words[2]))
        else:
            found.append(ArrayLine(words[1], words[2], parse_shape(words[5])))
    return found


def parse_shape(text: str) -> tuple[int, ...]:
    """``[2,3]`` as a tuple."""
    return tuple(int(n) for n in text[1:-1].split(",") if n)


def parse_scalar(text: str) -> Any:
    """``float64 1.5`` as a NumPy scalar; ``str "..."`` as text; bigint as int.

    Raises
    ------
    ServerError
        If it is no scalar.
    """
    dtype, _, value = text.partition(" ")
    if dtype == "str":
        return unescaped(value[1:-1])
    if dtype == "bool":
        return np.bool_(value.lower() == "true")
    if dtype == "bigint":
        return int(value.strip('"'))
    try:
        return np.float64(value) if dtype == "float64" else np.dtype(dtype).type(int(value))
    except (TypeError, ValueError):
        raise ServerError(f"the reply {text!r} is no scalar") from None


def unescaped(text: str) -> str:
    """The text of a string scalar: the protocol escapes quotes and backslashes by a backslash."""
    if "\\" not in text:
        return text
    out, escaped = [], False
    for c in text:
        escaped = c == "\\" and not escaped
        if not escaped:
            out.append(c)
    return "".join(out)
