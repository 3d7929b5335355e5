"""From the text of a parameter to Python values (chapter 4 of the protocol: every value travels as text)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from arkserver.engine.values import BIGINT, DTYPES
from arkserver.errors import ArgumentError, RequestError
from arkserver.wire.envelope import Parameter

_list = msgspec.json.Decoder(list[Any])

INT64 = np.iinfo(np.int64)
UINT64 = np.iinfo(np.uint64)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as the client sent it: the text and the name of its dtype."""

    text: str
    dtype_name: str

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype that the client gave it.

        Raises
        ------
        RequestError
            For a dtype that no array can have.
        """
        try:
            return DTYPES[self.dtype_name]
        except KeyError:
            raise RequestError(f"a scalar of dtype {self.dtype_name} was sent; known are {sorted(DTYPES)}") from None

    def value(self, dtype: np.dtype[Any] | None = None) -> Any:
        """As a NumPy scalar of `dtype` (default: its own); a Python int for bigint.

        Raises
        ------
        RequestError
            If the text is no such value.
        """
        return parse_scalar(self.text, self.dtype if dtype is None else dtype)


def parse_scalar(text: str, dtype: np.dtype[Any]) -> Any:
    """Text as a scalar of `dtype`; integers wrap modulo their width, as a cast would."""
    if dtype == BIGINT:
        return parse_int(text)
    if dtype.kind == "f":
        return np.float64(parse_float(text))
    if dtype.kind == "b":
        return np.bool_(parse_bool(text))
    wrapped = parse_int(text) & ((1 << (8 * dtype.itemsize)) - 1)
    return np.array(wrapped, np.uint64).astype(dtype)[()]


def parse_int(text: str) -> int:
    """Decimal text; the text of a bool or of a whole float is read too."""
    try:
        return int(text)
    except ValueError:
        pass  # other spellings follow
    if text in ("True", "true"):
        return 1
    if text in ("False", "false"):
        return 0
    try:
        return int(float(text))
    except (ValueError, OverflowError):
        raise RequestError(f"{_shown(text)} is not an integer") from None


def parse_float(text: str) -> float:
    """Anything that Python's ``float`` reads."""
    try:
        return float(text)
    except ValueError:
        pass  # a bool follows
    try:
        return float(parse_int(text))
    except (RequestError, OverflowError):
        raise RequestError(f"{_shown(text)} is not a number") from None


def parse_bool(text: str) -> bool:
    """``True`` or ``False`` at the beginning, otherwise a number's truth."""
    lower = text.lower()
    if lower.startswith("true"):
        return True
    if lower.startswith("false"):
        return False
    return parse_float(text) != 0


def parse_list(text: str) -> list[str]:
    """A JSON list, its elements as text; a bare value is a list of one."""
    if not text.lstrip().startswith(("[", "(")):
        return [text.strip()] if text.strip() else []
    try:
        # A tuple of one has a trailing comma.
        inner = text.strip().replace("(", "[").replace(")", "]").replace(",]", "]")
        items = _list.decode(inner if inner != text else text)
    except msgspec.DecodeError as e:
        raise RequestError(f"{_shown(text)} is not a JSON list: {e}") from None
    return [i if isinstance(i, str) else msgspec.json.encode(i).decode() for i in items]


def parse_ints(text: str) -> tuple[int, ...]:
    """A list of integers, quoted or not; a bare integer is a list of one."""
    return tuple(parse_int(t) for t in parse_list(text))


def parse_strings(text: str) -> list[str]:
    """A JSON list of texts, kept as they are."""
    try:
        return [i if isinstance(i, str) else msgspec.json.encode(i).decode() for i in _list.decode(text)]
    except msgspec.DecodeError as e:
        raise RequestError(f"{_shown(text)} is not a JSON list: {e}") from None


def parse_fields(text: str) -> dict[str, Any]:
    """A JSON object, as it stands for something with several parts."""
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.DecodeError as e:
        raise RequestError(f"{_shown(text)} is not a JSON object: {e}") from None


def scalar_of(parameter: Parameter) -> Scalar:
    """A parameter as a typed scalar."""
    return Scalar(parameter.val, parameter.dtype)


def normalise_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front.

    Raises
    ------
    ArgumentError
        If the array has no such axis.
    """
    if not -ndim <= axis < ndim:
        raise ArgumentError(f"Parameter cannot be cast as a positive int in the range: [-{ndim}, {ndim})")
    return axis % ndim


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
