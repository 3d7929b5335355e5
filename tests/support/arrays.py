"""Arrays for tests: every dtype with its extremes, ranks 1 to 3 and 0-d, and cuts that no algorithm may rely on."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.executor import Executor
from arkserver.engine.values import BIGINT, DTYPES, Array, dtype_name

LOW, HIGH = -(2**63), 2**63 - 1

EXTREMES: dict[str, list[Any]] = {
    "int64": [LOW, LOW + 1, -64, -3, -1, 0, 1, 2, 7, 63, 64, HIGH],
    "uint64": [0, 1, 2, 7, 63, 64, 2**63, 2**64 - 1],
    "uint8": [0, 1, 2, 7, 8, 255],
    "float64": [np.nan, np.inf, -np.inf, 0.0, -0.0, 1.0, -2.5, 7.0, 5e-324, 1.7e308],
    "bool": [False, True],
    "bigint": [-(2**200), -1, 0, 1, 2**64 - 1, 2**64],
}

ELEMENTS: dict[str, st.SearchStrategy[Any]] = {
    "int64": st.sampled_from(EXTREMES["int64"]) | st.integers(-70, 70) | st.integers(LOW, HIGH),
    "uint64": st.sampled_from(EXTREMES["uint64"]) | st.integers(0, 70) | st.integers(0, 2**64 - 1),
    "uint8": st.sampled_from(EXTREMES["uint8"]) | st.integers(0, 255),
    "float64": st.sampled_from(EXTREMES["float64"]) | st.floats(-1e3, 1e3) | st.floats(),
    "bool": st.booleans(),
    "bigint": st.sampled_from(EXTREMES["bigint"]) | st.integers(-(2**130), 2**130),
}

SHAPES = st.sampled_from([(), (0,), (1,), (5,), (9,), (0, 3), (4, 3), (5, 1, 2)])


def filled(dtype: str, shape: tuple[int, ...]) -> st.SearchStrategy[NDArray[Any]]:
    """Arrays of a dtype and a shape."""
    size = int(np.prod(shape))
    elements = st.lists(ELEMENTS[dtype], min_size=size, max_size=size)
    return elements.map(lambda values: _array(values, DTYPES[dtype]).reshape(shape))


def _array(values: list[Any], dtype: np.dtype[Any]) -> NDArray[Any]:
    out = np.empty(len(values), dtype)
    out[:] = values
    return out


def pairs(a: str, b: str) -> st.SearchStrategy[tuple[NDArray[Any], NDArray[Any]]]:
    """Two arrays of one shape."""
    return SHAPES.flatmap(lambda shape: st.tuples(filled(a, shape), filled(b, shape)))


def crossed(a: str, b: str) -> tuple[NDArray[Any], NDArray[Any]]:
    """Two arrays of one length: each of the extremes of `a` beside each of those of `b`."""
    x, y = _array(EXTREMES[a], DTYPES[a]), _array(EXTREMES[b], DTYPES[b])
    return np.repeat(x, len(y)), np.tile(y, len(x))


def scalars(dtype: str) -> st.SearchStrategy[Any]:
    """NumPy scalars; Python integers for bigint."""
    if dtype == "bigint":
        return ELEMENTS["bigint"]
    return ELEMENTS[dtype].map(lambda v: np.array(v, DTYPES[dtype])[()])


def here(ex: Executor, x: Array) -> NDArray[Any]:
    """The contents of `x`, after a check that its blocks are what it says they are."""
    blocks = ex.fetch(x.blocks)
    assert [b.dtype for b in blocks] == [x.dtype] * len(blocks)
    if x.shape:
        assert tuple(len(b) for b in blocks) == x.rows
    return layout.to_numpy(ex, x)


def cut_otherwise(ex: Executor, x: Array, at: int) -> Array:
    """`x` in two blocks, one of them possibly empty."""
    if not x.shape:
        return x
    at %= x.shape[0] + 1
    return layout.relayout(ex, x, (at, x.shape[0] - at))


FIXED: tuple[Any, ...] = (np.int64, np.uint64, np.uint8, np.float64, np.bool_)
NUMERIC: tuple[Any, ...] = (np.int64, np.uint64, np.float64, np.bool_)
ALL: tuple[Any, ...] = (*FIXED, BIGINT)


def elements(dtype: Any) -> st.SearchStrategy[Any]:
    """Values of a dtype, its extremes among them."""
    return ELEMENTS[dtype_name(np.dtype(dtype))]


def shapes(min_dims: int = 1, max_dims: int = 3, max_side: int = 9) -> st.SearchStrategy[tuple[int, ...]]:
    """Shapes, empty axes among them."""
    return hnp.array_shapes(min_dims=min_dims, max_dims=max_dims, min_side=0, max_side=max_side)


@st.composite
def arrays(
    draw: st.DrawFn, dtypes: Sequence[Any] = ALL, shape: Any = None, values: st.SearchStrategy[Any] | None = None
) -> NDArray[Any]:
    """NumPy arrays of one of `dtypes`; of `shape` (a shape or a strategy) or of any."""
    dtype = np.dtype(draw(st.sampled_from(list(dtypes))))
    wanted = shapes() if shape is None else shape
    wanted = draw(wanted) if isinstance(wanted, st.SearchStrategy) else wanted
    size = int(np.prod(wanted))
    drawn = draw(st.lists(elements(dtype) if values is None else values, min_size=size, max_size=size))
    return _array(drawn, dtype).reshape(wanted)


@st.composite
def cuts(draw: st.DrawFn, n: int, blocks: int) -> tuple[int, ...]:
    """Lengths of `blocks` blocks that hold `n` rows; some may be empty."""
    edges = sorted(draw(st.lists(st.integers(0, n), min_size=blocks - 1, max_size=blocks - 1)))
    return tuple(b - a for a, b in zip([0, *edges], [*edges, n], strict=True))


def place(data: st.DataObject, ex: Executor, x: NDArray[Any]) -> Array:
    """`x` in blocks: the executor's own cut, or with several blocks any other as well."""
    placed = layout.from_numpy(ex, x.copy())
    if ex.width == 1 or x.ndim == 0 or data.draw(st.booleans(), label="even"):
        return placed
    return layout.relayout(ex, placed, data.draw(cuts(len(x), ex.width), label="rows"))


def assert_same(ex: Executor, got: Array, expected: NDArray[Any]) -> None:
    """The same dtype, shape and contents, and a cut that fits."""
    assert got.dtype == expected.dtype
    assert got.shape == expected.shape
    np.testing.assert_array_equal(here(ex, got), expected)
