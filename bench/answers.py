"""Whether two libraries gave the same answer: everything becomes columns of NumPy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

TOLERANCE = 1e-9
"""of floats, beside the largest one: sums are added up in different orders"""


class WrongAnswerError(AssertionError):
    """Two libraries disagree; the timing means nothing."""


def columns(value: Any) -> list[NDArray[Any]]:
    """A result of any library as NumPy arrays."""
    if value is None:
        return []
    if isinstance(value, tuple | list):
        return [c for part in value for c in columns(part)]
    if isinstance(value, np.ndarray):
        return [value]
    if hasattr(value, "fetchnumpy"):  # a connection of DuckDB, which left a table
        return [np.ma.getdata(c) for c in value.execute("select * from result").fetchnumpy().values()]
    if hasattr(value, "columns"):
        return [_column(c if hasattr(c, "to_numpy") else value[c]) for c in value.columns]
    return [_column(value) if hasattr(value, "to_numpy") else np.atleast_1d(value)]


def _column(value: Any) -> NDArray[Any]:
    return np.asarray(value.to_numpy())


def check(ours: Sequence[NDArray[Any]], theirs: Sequence[NDArray[Any]], what: str) -> None:
    """See that two answers are the same.

    Raises
    ------
    WrongAnswerError
    """
    if len(ours) != len(theirs):
        raise WrongAnswerError(f"{what}: {len(ours)} columns, not {len(theirs)}")
    for i, (a, b) in enumerate(zip(ours, theirs, strict=True)):
        if a.shape != b.shape:
            raise WrongAnswerError(f"{what}: column {i} has shape {a.shape}, not {b.shape}")
        if not _same(a, b):
            raise WrongAnswerError(
                f"{what}: column {i} differs: {a[:5] if a.ndim else a}, not {b[:5] if b.ndim else b}"
            )


def _same(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.dtype.kind in "OSU" or b.dtype.kind in "OSU":
        return bool((a.astype(object) == b.astype(object)).all())
    if a.dtype.kind == "f" or b.dtype.kind == "f":
        largest = float(np.nanmax(np.abs(b), initial=0))
        return np.allclose(a, b, rtol=TOLERANCE, atol=TOLERANCE * largest, equal_nan=True)
    return np.array_equal(a, b)
