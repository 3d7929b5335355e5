"""Reductions, with the keyword arguments of the Python array API standard.

Without `axis` the result is a NumPy scalar, as NumPy's own; along axes it is an array.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from numpy.typing import DTypeLike

from arkserver.client.dtypes import DTYPES
from arkserver.client.operators import rank

if TYPE_CHECKING:
    from arkserver.client.arrays import Array

Axis = int | tuple[int, ...] | None


def normalise_axis(axis: int, ndim: int) -> int:
    """An axis counted from the front.

    Raises
    ------
    IndexError
        (``numpy.exceptions.AxisError`` is one.)
    """
    if not -ndim <= axis < ndim:
        raise IndexError(f"axis {axis} is out of bounds for an array of {ndim} axes")
    return axis % ndim


def normalise_axes(axis: Axis, ndim: int) -> tuple[int, ...]:
    """All axes that are reduced, counted from the front."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, tuple) else (axis,)
    found = tuple(normalise_axis(a, ndim) for a in axes)
    if len(set(found)) < len(found):
        raise ValueError(f"axis {axis} names an axis twice")
    return found


def kept(shape: tuple[int, ...], axes: tuple[int, ...], *, keepdims: bool) -> tuple[int, ...]:
    """The shape of the result."""
    if keepdims:
        return tuple(1 if i in axes else n for i, n in enumerate(shape))
    return tuple(n for i, n in enumerate(shape) if i not in axes)


def reduce(command: str, x: Array, axis: Axis, *, keepdims: bool, along: str = "", **parameters: Any) -> Any:
    """Run a reduction; `along` is the command's name along axes where it differs."""
    axes = normalise_axes(axis, x.ndim)
    name = f"{x.dtype_name},{rank(x)}"
    if len(axes) == x.ndim:
        value = x.session.scalar(f"{command}All<{name}>", x=x, **parameters)
        return x.session.full((1,) * x.ndim, value) if keepdims else value
    if not axes:
        return x.copy()
    result = x.session.create(f"{along or command}<{name}>", x=x, axis=list(axes), **parameters)
    return result.reshape(kept(x.shape, axes, keepdims=keepdims))


def _countable(x: Array) -> Array:
    """The protocol reduces no 8-bit numbers; they are widened."""
    return x.astype("uint64") if x.dtype_name == "uint8" else x


def sum(  # noqa: A001 - the standard's name
    x: Array, /, *, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False
) -> Any:
    """Sum; of bools their count, as int64. Integers wrap."""
    x = _countable(x if dtype is None else x.astype(dtype))
    return reduce("sum", x, axis, keepdims=keepdims, skipNan=False)


def prod(x: Array, /, *, axis: Axis = None, dtype: DTypeLike | None = None, keepdims: bool = False) -> Any:
    """Product. Along axes it is accumulated in float64."""
    x = _countable(x if dtype is None else x.astype(dtype))
    return reduce("prod", x, axis, keepdims=keepdims, skipNan=False)


def max(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Maximum; nan if there is one.

    Raises
    ------
    ValueError
        If there is nothing to compare.
    """
    return _extreme("max", x, axis, keepdims=keepdims)


def min(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Minimum; nan if there is one.

    Raises
    ------
    ValueError
        If there is nothing to compare.
    """
    return _extreme("min", x, axis, keepdims=keepdims)


def _extreme(command: str, x: Array, axis: Axis, *, keepdims: bool) -> Any:
    _refuse_empty(command, x)
    result = reduce(command, _countable(x), axis, keepdims=keepdims, skipNan=False)
    return result.astype(x.dtype) if result.dtype != x.dtype else result


def _refuse_empty(what: str, x: Array) -> None:
    if not x.size:
        raise ValueError(f"{what} of an empty array has no value")


def mean(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Arithmetic mean, float64."""
    return reduce("mean", x, axis, keepdims=keepdims, skipNan=False)


def var(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Variance with divisor ``n - correction``."""
    along = "varReduce"
    return reduce("var", x, axis, keepdims=keepdims, along=along, ddof=float(correction), skipNan=False)


def std(x: Array, /, *, axis: Axis = None, correction: float = 0.0, keepdims: bool = False) -> Any:
    """Standard deviation with divisor ``n - correction``."""
    along = "stdReduce"
    return reduce("std", x, axis, keepdims=keepdims, along=along, ddof=float(correction), skipNan=False)


def any(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Whether any element is non-zero."""
    return reduce("any", x, axis, keepdims=keepdims, skipNan=False)


def all(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:  # noqa: A001
    """Whether all elements are non-zero."""
    return reduce("all", x, axis, keepdims=keepdims, skipNan=False)


def count_nonzero(x: Array, /, *, axis: Axis = None, keepdims: bool = False) -> Any:
    """Number of non-zero elements."""
    return sum(x != 0, axis=axis, keepdims=keepdims)


def argmax(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the first maximum; without `axis` in C order of the flattened array."""
    return _position("argmax", x, axis, keepdims=keepdims)


def argmin(x: Array, /, *, axis: int | None = None, keepdims: bool = False) -> Any:
    """Position of the first minimum; without `axis` in C order of the flattened array."""
    return _position("argmin", x, axis, keepdims=keepdims)


def _position(command: str, x: Array, axis: int | None, *, keepdims: bool) -> Any:
    _refuse_empty(command, x)
    name = f"{x.dtype_name},{rank(x)}"
    if axis is None or x.ndim == 1:
        value = x.session.scalar(f"{command}All<{name}>", x=x)
        return x.session.full((1,) * x.ndim, value) if keepdims else value
    at = normalise_axis(axis, x.ndim)
    result = x.session.create(f"{command}<{name}>", x=x, axis=at)
    return result.reshape(kept(x.shape, (at,), keepdims=keepdims))


# --- running ---------------------------------------------------------------------------------------------------------


def cumulative_sum(
    x: Array, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: bool = False
) -> Array:
    """Running sum along an axis, which may be left out for one axis."""
    return _running("cumSum", x, axis, dtype, include_initial=include_initial)


def cumulative_prod(
    x: Array, /, *, axis: int | None = None, dtype: DTypeLike | None = None, include_initial: bool = False
) -> Array:
    """Running product along an axis, which may be left out for one axis."""
    return _running("cumProd", x, axis, dtype, include_initial=include_initial)


def _running(command: str, x: Array, axis: int | None, dtype: DTypeLike | None, *, include_initial: bool) -> Array:
    if axis is None and x.ndim != 1:
        raise ValueError(f"an array of {x.ndim} axes needs to be told which; give axis=")
    x = x if dtype is None else x.astype(dtype)
    x = x.astype(DTYPES["int64"]) if x.dtype_name == "bool" else _countable(x)
    at = normalise_axis(axis or 0, x.ndim)
    return x.session.create(f"{command}<{x.dtype_name},{rank(x)}>", x=x, axis=at, includeInitial=include_initial)


def diff(
    x: Array, /, *, axis: int = -1, n: int = 1, prepend: Array | None = None, append: Array | None = None
) -> Array:
    """The `n`-th difference of neighbours along an axis."""
    at = normalise_axis(axis, x.ndim)
    parts = [p for p in (prepend, x, append) if p is not None]
    x = x.session.xp.concat(parts, axis=at) if len(parts) > 1 else x
    if not n:
        return x.copy()
    return x.session.create(f"diff<{x.dtype_name},{rank(x)}>", x=x, n=n, axis=at)
