"""Sorting, searching, sets and statistics; names and arguments of the array API standard, then NumPy's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from arkserver.client import indexing, operators
from arkserver.client.operators import is_scalar, rank
from arkserver.client.reductions import Axis, kept, normalise_axes, normalise_axis

if TYPE_CHECKING:
    from arkserver.client.arrays import Array
    from arkserver.client.strings import Strings

ALGORITHM = "RadixSortLSD"
"""the name that the protocol wants to hear"""

# --- order -----------------------------------------------------------------------------------------------------------


def sort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:  # noqa: ARG001
    """A sorted copy; nan comes last."""
    at = normalise_axis(axis, x.ndim)
    if x.dtype_name in ("bool", "uint8"):
        return sort(x.astype("int64"), axis=at, descending=descending).astype(x.dtype)
    result = x.session.create(f"sort<{x.dtype_name},{rank(x)}>", alg=ALGORITHM, array=x, axis=at)
    return x.session.xp.flip(result, axis=at) if descending else result


def argsort(x: Array, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Array:  # noqa: ARG001
    """The stable permutation that sorts."""
    at = normalise_axis(axis, x.ndim)
    if descending:
        # Sorting the reversed array and counting from its end keeps equal elements in their order.
        xp = x.session.xp
        reverse = argsort(xp.flip(x, axis=at), axis=at)
        return (x.shape[at] - 1) - xp.flip(reverse, axis=at)
    x = x.astype("int64") if x.dtype_name == "uint8" else x
    command = f"argsort<{x.dtype_name},{rank(x)}>"
    return x.session.create(command, name=x, algoName=ALGORITHM, objType="pdarray", axis=at)


def lexsort(keys: Sequence[Array | Strings]) -> Array:
    """The stable permutation that sorts by several keys, the first the most significant; strings by bytes."""
    if len(keys) == 1 and keys[0].dtype_name in ("str", "int64", "uint64", "float64", "bool"):
        return keys[0].argsort()
    numbers = [text_ranks(k) if k.dtype_name == "str" else k for k in keys]  # type: ignore[arg-type]
    types = ["pdarray"] * len(keys)
    session = keys[0].session
    return session.create("coargsort", algoName=ALGORITHM, nstr=len(keys), arr_names=numbers, arr_types=types)


def text_ranks(texts: Strings) -> Array:
    """For each text the number of different ones that come before it, by bytes."""
    order = texts.argsort()
    ordered = texts[order]
    ranks = texts.session.zeros(texts.size, dtype="int64")
    if texts.size > 1:
        changes = (ordered[1:] != ordered[:-1]).astype("int64")
        ranks[order] = changes.session.xp.cumulative_sum(changes, include_initial=True)
    return ranks


def searchsorted(x1: Array, x2: Array, /, *, side: str = "left", sorter: Array | None = None) -> Array:
    """Where elements of `x2` would be inserted into the sorted `x1`."""
    x1 = x1 if sorter is None else x1[sorter]
    dtype = np.result_type(x1.dtype, x2.dtype)
    x1, x2 = x1.astype(dtype), x2.astype(dtype)
    command = f"searchSorted<{x1.dtype_name},{rank(x1)},{rank(x2)}>"
    return x1.session.create(command, x1=x1, x2=x2, side=side, x2Sorted=False)


def nonzero(x: Array, /) -> tuple[Array, ...]:
    """Positions of the non-zero elements, one array an axis."""
    command = f"nonzero<{x.dtype_name},{rank(x)}>"
    return (x.session.create(command, x=x),) if x.ndim == 1 else tuple(x.session.create_many(command, x=x))


def take(x: Array, indices: Array, /, *, axis: int | None = None) -> Array:
    """Rows of `x` along an axis, which may be left out for one axis."""
    if axis is None and x.ndim != 1:
        raise ValueError(f"an array of {x.ndim} axes needs to be told which; give axis=")
    at = normalise_axis(axis or 0, x.ndim)
    return x[(slice(None),) * at + (indices,)]


def take_along_axis(x: Array, indices: Array, /, *, axis: int = -1) -> Array:
    """For each position the element of `x` that `indices` names along the axis."""
    at = normalise_axis(axis, x.ndim)
    shape = list(np.broadcast_shapes(*[(*a.shape[:at], 1, *a.shape[at + 1 :]) for a in (x, indices)]))
    xp = x.session.xp
    entries = []
    for i, extent in enumerate(x.shape):
        if i == at:
            shape[i] = indices.shape[i]
            entries.append(indices)
        else:
            entries.append(x.session.arange(extent).reshape(tuple(-1 if j == i else 1 for j in range(x.ndim))))
    entries = [operators.broadcast_to(e, (*shape[:at], indices.shape[at], *shape[at + 1 :])) for e in entries]
    flat = indexing.flat_positions(x, tuple(entries))
    return xp.take(x.flatten(), flat.flatten()).reshape(flat.shape)


# --- sets ------------------------------------------------------------------------------------------------------------


class UniqueAll(NamedTuple):
    """What `unique_all` returns."""

    values: Array
    indices: Array
    inverse_indices: Array
    counts: Array


class UniqueCounts(NamedTuple):
    """What `unique_counts` returns."""

    values: Array
    counts: Array


class UniqueInverse(NamedTuple):
    """What `unique_inverse` returns."""

    values: Array
    inverse_indices: Array


def unique_all(x: Array, /) -> UniqueAll:
    """Sorted different values, where each comes first, which of them each element is, and how often each occurs."""
    return UniqueAll(*x.session.create_many(f"uniqueAll<{x.dtype_name},{rank(x)}>", name=x))


def unique_counts(x: Array, /) -> UniqueCounts:
    """Sorted different values and how often each occurs."""
    return UniqueCounts(*x.session.create_many(f"uniqueCounts<{x.dtype_name},{rank(x)}>", name=x))


def unique_inverse(x: Array, /) -> UniqueInverse:
    """Sorted different values and which of them each element is."""
    return UniqueInverse(*x.session.create_many(f"uniqueInverse<{x.dtype_name},{rank(x)}>", name=x))


def unique_values(x: Array, /) -> Array:
    """Sorted different values."""
    return x.session.create(f"uniqueValues<{x.dtype_name},{rank(x)}>", name=x)


def isin(x: Array, test: Any, /, *, invert: bool = False) -> Array:
    """Which elements of `x` are among `test`."""
    other = x.session.asarray([test] if is_scalar(test) else test).flatten()
    dtype = np.result_type(x.dtype, other.dtype)
    flat, other = x.flatten().astype(dtype), other.astype(dtype)
    return x.session.create("in1d", pda1=flat, pda2=other, invert=invert).reshape(x.shape)


def _set_operation(command: str, a: Array, b: Array, **parameters: Any) -> Array:
    dtype = np.result_type(a.dtype, b.dtype)
    return a.session.create(command, arg1=a.astype(dtype), arg2=b.astype(dtype), **parameters)


def intersect1d(a: Array, b: Array, /) -> Array:
    """Sorted different values that are in both; integers."""
    return _set_operation("intersect1d", a, b, assume_unique=False)


def union1d(a: Array, b: Array, /) -> Array:
    """Sorted different values that are in either; integers."""
    return _set_operation("union1d", a, b)


def setdiff1d(a: Array, b: Array, /) -> Array:
    """Sorted different values of `a` that are not in `b`; integers."""
    return _set_operation("setdiff1d", a, b, assume_unique=False)


def setxor1d(a: Array, b: Array, /) -> Array:
    """Sorted different values that are in exactly one; integers."""
    return _set_operation("setxor1d", a, b, assume_unique=False)


# --- statistics ------------------------------------------------------------------------------------------------------


def quantile(x: Array, q: Any, /, *, axis: Axis = None, keepdims: bool = False, method: str = "linear") -> Any:
    """Quantiles `q` (one number, or several, which then are the first axis of the result)."""
    axes = normalise_axes(axis, x.ndim)
    whole = len(axes) == x.ndim
    where = "no_axis" if whole else "with_axis"
    parameters: dict[str, Any] = {"a": x, "method": method} | ({} if whole else {"axis": list(axes)})
    name = f"{x.dtype_name},{rank(x)}"
    if is_scalar(q):
        command = f"quantile_scalar_{where}<{name}>"
        if whole:
            return x.session.scalar(command, q=float(q), **parameters)
        return x.session.create(command, q=float(q), **parameters).reshape(kept(x.shape, axes, keepdims=keepdims))
    several = x.session.asarray(q).astype("float64")
    result = x.session.create(f"quantile_array_{where}<{name},{rank(several)}>", q=several, **parameters)
    return result.reshape((*several.shape, *kept(x.shape, axes, keepdims=keepdims)))


def percentile(x: Array, q: Any, /, *, axis: Axis = None, method: str = "linear") -> Any:
    """`quantile` of hundredths."""
    return quantile(x, q / 100 if is_scalar(q) else np.asarray(q) / 100, axis=axis, method=method)


def median(x: Array, /, *, axis: Axis = None) -> Any:
    """The middle value."""
    return quantile(x, 0.5, axis=axis)


def histogram(x: Array, bins: int = 10, *, range: tuple[float, float] | None = None) -> tuple[Array, Array]:  # noqa: A002
    """Counts in equal bins, and the edges of the bins; nan and what is outside is not counted."""
    low, high = range or (float(x.min()), float(x.max()))
    low, high = (low - 0.5, high + 0.5) if low == high else (low, high)
    counts = x.session.create("histogram", array=x, bins=bins, minVal=float(low), maxVal=float(high))
    return counts, x.session.linspace(low, high, bins + 1)


def topk(x: Array, k: int, /, *, largest: bool = True) -> Array:
    """The `k` largest (or smallest) elements, ascending."""
    return x.session.create("maxk" if largest else "mink", array=x, k=k, rtnInd=False)


# --- products --------------------------------------------------------------------------------------------------------


def matmul(x1: Array, x2: Array, /) -> Any:
    """The matrix product; of two vectors their scalar product."""
    if x1.ndim == 1 and x2.ndim == 1:
        return vecdot(x1, x2)
    a = x1.reshape((1, -1)) if x1.ndim == 1 else x1
    b = x2.reshape((-1, 1)) if x2.ndim == 1 else x2
    if a.shape[-1] != b.shape[-2]:
        raise ValueError(f"shapes {x1.shape} and {x2.shape} do not fit for a matrix product")
    product = _matrix_product(a, b)
    shape = product.shape[: -1 if x2.ndim == 1 else None]
    return product.reshape((*shape[:-2], shape[-1]) if x1.ndim == 1 else shape)


def _matrix_product(a: Array, b: Array) -> Array:
    if a.ndim == b.ndim == 2:
        return a.session.create(f"matmul<{a.dtype_name},{b.dtype_name},2>", x1=a, x2=b)
    stacked = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    a = operators.broadcast_to(a, (*stacked, *a.shape[-2:]))
    b = operators.broadcast_to(b, (*stacked, *b.shape[-2:]))
    return a.session.create(f"multidimmatmul<{a.dtype_name},{a.ndim},{b.dtype_name},{b.ndim}>", a=a, b=b)


def vecdot(x1: Array, x2: Array, /, *, axis: int = -1) -> Any:
    """Scalar products along an axis."""
    a, b = operators.broadcast(x1, x2)
    return (a * b).sum(axis=normalise_axis(axis, a.ndim))


def tensordot(x1: Array, x2: Array, /, *, axes: int | tuple[Sequence[int], Sequence[int]] = 2) -> Any:
    """Products summed over axes of both: the last `axes` of `x1` with the first of `x2`, or those that are named."""
    if isinstance(axes, int):
        left, right = tuple(range(x1.ndim - axes, x1.ndim)), tuple(range(axes))
    else:
        left, right = normalise_axes(tuple(axes[0]), x1.ndim), normalise_axes(tuple(axes[1]), x2.ndim)
    free1 = [i for i in range(x1.ndim) if i not in left]
    free2 = [i for i in range(x2.ndim) if i not in right]
    xp = x1.session.xp
    summed = int(np.prod([x1.shape[i] for i in left], dtype=np.int64))
    a = xp.permute_dims(x1, (*free1, *left)).reshape((-1, summed))
    b = xp.permute_dims(x2, (*right, *free2)).reshape((summed, -1))
    shape = (*[x1.shape[i] for i in free1], *[x2.shape[i] for i in free2])
    product = matmul(a, b)
    return product.reshape(shape) if shape else product.item_scalar()
