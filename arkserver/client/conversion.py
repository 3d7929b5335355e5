"""From whatever holds values here (lists, NumPy, pandas, Arrow) to what can be sent."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from arkserver.client import dtypes

# What a pandas column is asked for, by the kind of its dtype.
_KINDS = {"i": "int64", "u": "uint64", "f": "float64", "b": "bool", "M": "datetime64[ns]", "m": "timedelta64[ns]"}


def local(obj: Any, dtype: DTypeLike | None = None) -> NDArray[Any] | list[str]:
    """`obj` as a NumPy array or, if it holds texts, as a list of them.

    Raises
    ------
    TypeError
        For values that no array of the server can hold.
    """
    if dtype is not None:
        return np.asarray(obj).astype(dtypes.resolve(dtype), copy=False)
    x = _from_pandas(obj) if hasattr(obj, "isna") and hasattr(obj, "to_numpy") else np.asarray(obj)
    if x.dtype.kind in "UST":
        return texts(x.reshape(-1).tolist())
    return _objects(x) if x.dtype == object else x


def _from_pandas(column: Any) -> NDArray[Any]:
    """A Series or Index, of NumPy's or of pandas' own dtypes; missing numbers become nan."""
    kind = getattr(column.dtype, "kind", "O")
    if kind in "iub" and column.isna().any():
        kind = "f"
    if kind not in _KINDS:
        return np.asarray(column.to_numpy(dtype=object))
    missing = {"na_value": np.nan} if kind == "f" else {}
    return np.asarray(column.to_numpy(dtype=_KINDS[kind], **missing))


def _objects(x: NDArray[Any]) -> NDArray[Any] | list[str]:
    """Python objects: integers of any size, texts, or numbers among missing values."""
    values = x.reshape(-1).tolist()
    if not values or any(isinstance(v, str | bytes) for v in values):
        return texts(values)
    if all(isinstance(v, int | np.integer) for v in values):
        return x
    try:
        return np.array([np.nan if is_missing(v) else float(v) for v in values]).reshape(x.shape)
    except (TypeError, ValueError):
        raise TypeError("the server has no arrays of Python objects; it has numbers, bools and texts") from None


def texts(values: Iterable[Any]) -> list[str]:
    """Texts; what is missing becomes the empty one.

    Raises
    ------
    TypeError
        For a value that is no text.
    """
    return [_text(v) for v in values]


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.decode()
    if is_missing(value):
        return ""
    raise TypeError(f"{value!r} is no text; strings hold texts only")


def is_missing(value: Any) -> bool:
    """Whether it is None, nan, or pandas' NA or NaT."""
    return value is None or type(value).__name__ in ("NAType", "NaTType") or bool(value != value)
