"""The envelope of requests and replies, and the parameters inside a request.

Facts of the protocol: a request is one frame of JSON, followed by a second frame of raw bytes when data is uploaded;
then the first ends with a marker. ``args`` is JSON text of a list of JSON texts, one a parameter. A reply is one frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from arkserver.errors import RequestError

BINARY_MARKER = b"BINARY_PAYLOAD"


class Request(msgspec.Struct, frozen=True):
    """The first frame of a request."""

    cmd: str
    user: str = ""
    token: str | None = ""
    args: str = ""
    format: str = "STRING"
    size: int = 0
    id: str = ""
    """arkserver's own: what ``status`` calls the running command by"""
    free: tuple[str, ...] = ()
    """arkserver's own: symbols that the client has forgotten; they go before the command runs"""


class Parameter(msgspec.Struct, frozen=True):
    """One parameter: all three are text."""

    key: str
    val: str
    dtype: str = "str"


class Reply(msgspec.Struct, frozen=True):
    """The one frame of a reply that is not raw bytes."""

    msg: str
    msgType: str  # noqa: N815 - the protocol's spelling
    user: str
    msgFormat: str = "STRING"  # noqa: N815
    payload: str = ""


NORMAL, WARNING, ERROR = "NORMAL", "WARNING", "ERROR"

_request = msgspec.json.Decoder(Request)
_texts = msgspec.json.Decoder(list[str])
_parameter = msgspec.json.Decoder(Parameter)
_encoder = msgspec.json.Encoder()


def decode_request(frame: bytes | memoryview) -> Request:
    """Read the first frame.

    Raises
    ------
    RequestError
        If it is not JSON of the envelope's form.
    """
    try:
        return _request.decode(_without_marker(frame))
    except msgspec.ValidationError as e:
        raise RequestError(f"the request is not an envelope of the protocol: {e}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as e:
        raise RequestError(f"the request is not valid JSON: {e}") from None


def _without_marker(frame: bytes | memoryview) -> bytes | memoryview:
    n = len(BINARY_MARKER)
    return frame[:-n] if bytes(frame[-n:]) == BINARY_MARKER else frame


class Parameters(Mapping[str, Parameter]):
    """The parameters of a request by name.

    Names are found whatever their capitals and underscores, so that ``include_initial`` finds ``includeInitial``. Of
    two with the same name the first counts.
    """

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Parameter]) -> None:
        self._items = items

    def __getitem__(self, key: str) -> Parameter:
        try:
            return self._items[plain_key(key)]
        except KeyError:
            raise RequestError(f"JSON argument key Not Found: {key}") from None

    def find(self, plain: str) -> Parameter | None:
        """The parameter whose name has the plain form `plain` (see `plain_key`), if it was sent."""
        return self._items.get(plain)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and plain_key(key) in self._items

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)


def plain_key(key: str) -> str:
    """The form of a parameter's name that is compared."""
    return key.replace("_", "").lower()


def decode_parameters(args: str) -> Parameters:
    """Read the ``args`` of a request.

    Raises
    ------
    RequestError
        If it is not JSON text of a list of parameters.
    """
    if not args or args == "[]":
        return Parameters({})
    try:
        items = [_parameter.decode(text) for text in _texts.decode(args)]
    except (msgspec.DecodeError, UnicodeEncodeError) as e:
        raise RequestError(f"the request's args are not a JSON list of parameters: {e}") from None
    found: dict[str, Parameter] = {}
    for item in items:
        found.setdefault(plain_key(item.key), item)
    return Parameters(found)


def encode_reply(msg: str, msg_type: str, user: str) -> bytes:
    """A reply in JSON."""
    return _encoder.encode(Reply(msg.encode("utf-8", "replace").decode("utf-8"), msg_type, user))


def json_text(value: Any) -> str:
    """`value` as JSON text, as it stands inside replies."""
    return _encoder.encode(value).decode()
