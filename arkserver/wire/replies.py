"""The text of replies (chapter 6 of the protocol)."""

from __future__ import annotations

from typing import Any

import numpy as np

from arkserver.engine.formats import float_text
from arkserver.engine.values import Array, Column, SparseMatrix, Strings, dtype_name, itemsize


def created_array(name: str, x: Array) -> str:
    """The line that announces an array: seven words."""
    ndim = max(1, x.ndim)  # a 0-d array is announced with one dimension and an empty shape
    return f"created {name} {dtype_name(x.dtype)} {x.size} {ndim} {shape_text(x.shape)} {itemsize(x.dtype)}"


def created_strings(name: str, s: Strings) -> str:
    """The two parts that announce strings."""
    return f"created {name} str {s.size} 1 [{s.size}] 1+created bytes.size {s.wire_bytes}"


def created_sparse(name: str, m: SparseMatrix) -> str:
    """The line that announces a sparse matrix."""
    about = f"{m.size} {m.entries} {m.ndim} {shape_text(m.shape)} {m.layout} {itemsize(m.dtype)}"
    return f"created {name} {dtype_name(m.dtype)} {about}"


def created(name: str, x: Column) -> str:
    """What announces an array or strings."""
    return created_array(name, x) if isinstance(x, Array) else created_strings(name, x)


def shape_text(shape: tuple[int, ...]) -> str:
    """``[2,3]``, without blanks."""
    return "[" + ",".join(map(str, shape)) + "]"


def scalar_text(value: Any) -> str:
    """A typed scalar: dtype, a blank, the value."""
    if isinstance(value, str):
        return f'str "{escaped(value)}"'
    if isinstance(value, bool | np.bool_):
        return f"bool {bool(value)}"
    if isinstance(value, float | np.floating):
        return f"float64 {float_text(float(value))}"
    if isinstance(value, np.integer):
        return f"{value.dtype.name} {int(value)}"
    return f"bigint {value}"


def escaped(text: str) -> str:
    """Only quotes and backslashes may be escaped: the client drops every backslash and keeps what follows it."""
    return text.replace("\\", "\\\\").replace('"', '\\"')
