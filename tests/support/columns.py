"""Columns of all dtypes for property tests: duplicates, extremes, nan of both signs, zeros of both signs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

DTYPES = [np.dtype(t) for t in (np.int64, np.uint64, np.float64, np.uint8, np.bool_)]

_NANS = np.array([0x7FF8 << 48, 0xFFF8 << 48], np.uint64).view(np.float64).tolist()
_SPECIAL: dict[str, list[Any]] = {
    "i": [-(2**63), 2**63 - 1, -1, 0, 1, 2, 3],
    "u": [2**64 - 1, 2**63, 0, 1, 2, 3],
    "f": [*_NANS, 0.0, -0.0, np.inf, -np.inf, 1.5, -2.25, 5e-324, 1.7e308],
    "b": [False, True],
}


def elements(dtype: np.dtype[Any]) -> st.SearchStrategy[Any]:
    """Elements of a dtype, often the same few."""
    if dtype == np.uint8:
        return st.integers(0, 255) | st.integers(0, 3)
    general = {
        "i": st.integers(-(2**63), 2**63 - 1),
        "u": st.integers(0, 2**64 - 1),
        "f": st.floats(),
        "b": st.booleans(),
    }
    return st.sampled_from(_SPECIAL[dtype.kind]) | general[dtype.kind]


@st.composite
def columns(
    draw: st.DrawFn,
    sizes: st.SearchStrategy[int] | None = None,
    dtypes: Sequence[np.dtype[Any]] = DTYPES,
) -> NDArray[Any]:
    """A one-dimensional array of one of `dtypes`."""
    dtype = draw(st.sampled_from(dtypes))
    n = draw(st.integers(0, 60) if sizes is None else sizes)
    return np.array(draw(st.lists(elements(dtype), min_size=n, max_size=n)), dtype)


def sort_codes(x: NDArray[Any]) -> NDArray[Any]:
    """Integers in the order in which the elements sort; equal only for equal bits."""
    if x.dtype.kind != "f":
        return x
    bits = x.view(np.int64)
    return np.where(bits < 0, bits ^ np.int64(2**63 - 1), bits)


def expected_order(keys: Sequence[NDArray[Any]]) -> NDArray[np.int64]:
    """The stable permutation by several keys, the first most significant."""
    return np.lexsort([sort_codes(k) for k in reversed(keys)])
