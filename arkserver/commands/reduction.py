"""Reductions: of whole arrays to a scalar (``...All``), and along axes, which stay with length 1."""

from __future__ import annotations

from typing import Any

from arkserver.commands import projection
from arkserver.commands.projection import bytes_like
from arkserver.commands.registry import ALL, FIXED, NUMERIC, command
from arkserver.engine.algorithms import reducing
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array
from arkserver.errors import ArgumentError
from arkserver.wire.parameters import normalise_axis

Axes = tuple[int, ...]


def _axes(x: Array, axis: Axes, what: str = "slicing") -> Axes:
    """The axes that a request names, counted from the front, each once; all of them when it names none."""
    ndim = max(1, x.ndim)
    if not all(-ndim <= a < ndim for a in axis):
        raise ArgumentError(f"Invalid axis value(s) '{list(axis)}' in {what} reduction")
    return tuple(sorted({a % ndim for a in axis})) or tuple(range(ndim))


def _result(x: Array, axis: Axes) -> int:
    """The result of a reduction, which may be larger than an operand without elements."""
    return projection.array_of_shape(tuple(n for a, n in enumerate(x.shape) if not {a, a - x.ndim} & set(axis)))


def _reduced(x: Array, axis: Axes) -> int:
    """Partial results and the result, and a flag for each element."""
    return 3 * _result(x, axis) + 2 * x.size


def _spread_out(x: Array, axis: Axes) -> int:
    """Count, mean and squares of every place, of the result and of its parts."""
    return 10 * _result(x, axis) + bytes_like(x) // 4


def _widened(x: Array) -> int:
    """A copy of narrow or object elements as numbers of 8 bytes."""
    return 0 if x.dtype.kind in "iuf" and x.dtype.itemsize == projection.WORD else bytes_like(x)


def _placed(x: Array, axis: int) -> int:
    """Values and positions, of the result and of its parts; NumPy turns what it searches along an outer axis."""
    return 6 * _result(x, (axis,)) + bytes_like(x)


def _fold(op: str, dtypes: tuple[str, ...], result: str) -> None:
    """Register a reduction in its two forms."""

    def along(ex: Executor, x: Array, axis: Axes, skip_nan: bool = False) -> Array:
        return reducing.fold(ex, x, op, _axes(x, axis), skip_nan=skip_nan)

    def whole(ex: Executor, x: Array, skip_nan: bool = False) -> Any:
        return reducing.fold_all(ex, x, op, skip_nan=skip_nan)

    along.__doc__, whole.__doc__ = f"{result} along axes.", f"{result} of a whole array."
    command(f"{op}<x.dtype,x.nd>", dtypes=dtypes, project=_reduced)(along)
    command(f"{op}All<x.dtype,x.nd>", dtypes=dtypes, project=projection.nothing)(whole)


_fold("sum", NUMERIC, "The sum, 64 bits wide,")
_fold("prod", NUMERIC, "The product, 64 bits wide,")
_fold("min", NUMERIC, "The least element")
_fold("max", NUMERIC, "The greatest element")
_fold("any", ALL, "Whether an element is not zero")
_fold("all", ALL, "Whether no element is zero")


# --- mean, var, std --------------------------------------------------------------------------------------------------


@command("mean<x.dtype,x.nd>", project=_spread_out)
def mean(ex: Executor, x: Array, axis: Axes, skip_nan: bool = False) -> Array:
    """The mean along axes."""
    return reducing.mean(ex, x, _axes(x, axis, "mean"), skip_nan=skip_nan)


@command("meanAll<x.dtype,x.nd>", project=projection.nothing)
def mean_all(ex: Executor, x: Array, skip_nan: bool = False) -> Any:
    """The mean of a whole array."""
    return reducing.mean_all(ex, x, skip_nan=skip_nan)


def _spread(name: str, root: bool, result: str) -> None:
    """Register the variance or the standard deviation in its two forms."""

    def along(ex: Executor, x: Array, ddof: float, axis: Axes, skip_nan: bool = False) -> Array:
        return reducing.spread(ex, x, _axes(x, axis, name), ddof=ddof, root=root, skip_nan=skip_nan)

    def whole(ex: Executor, x: Array, ddof: float, skip_nan: bool = False) -> Any:
        return reducing.spread_all(ex, x, ddof=ddof, root=root, skip_nan=skip_nan)

    along.__doc__, whole.__doc__ = f"{result} along axes.", f"{result} of a whole array."
    command(f"{name}Reduce<x.dtype,x.nd>", project=_spread_out)(along)
    command(f"{name}All<x.dtype,x.nd>", project=lambda x: bytes_like(x) if x.dtype.itemsize < projection.WORD else 0)(
        whole
    )


_spread("var", False, "The variance")
_spread("std", True, "The standard deviation")


# --- argmin, argmax --------------------------------------------------------------------------------------------------


def _arg_extreme(name: str, greatest: bool, result: str) -> None:
    """Register argmin or argmax in its two forms."""

    def along(ex: Executor, x: Array, axis: int) -> Array:
        return reducing.arg_extreme(ex, x, normalise_axis(axis, x.ndim), greatest=greatest)

    def whole(ex: Executor, x: Array) -> Any:
        return reducing.arg_extreme_all(ex, x, greatest=greatest)

    along.__doc__ = f"Where along an axis the {result} element is first."
    whole.__doc__ = f"The position, in C order, of the first {result} element."
    command(f"{name}<x.dtype,x.nd>", dtypes=FIXED, ranks=(2, 3), project=_placed)(along)
    command(f"{name}All<x.dtype,x.nd>", dtypes=FIXED, project=projection.nothing)(whole)


_arg_extreme("argmin", False, "least")
_arg_extreme("argmax", True, "greatest")


# --- order -----------------------------------------------------------------------------------------------------------


def _order(name: str, where: str) -> None:
    """Register a question for ascending order in its two forms."""

    def along(ex: Executor, x: Array, axis: Axes) -> Array:
        return reducing.ascends(ex, x, _axes(x, axis))

    def whole(ex: Executor, x: Array) -> Any:
        return reducing.ascends_all(ex, x)

    along.__doc__ = f"Whether the array ascends {where} along every one of the axes."
    whole.__doc__ = f"Whether the array ascends {where} along every axis."
    command(f"{name}<x.dtype,x.nd>", project=_reduced)(along)
    command(f"{name}All<x.dtype,x.nd>", project=lambda x: 2 * x.size)(whole)


_order("isSorted", "everywhere")
# Clients see one locale, whatever blocks there are, so this is the same.
_order("isSortedLocally", "within the locale")


# --- two arrays ------------------------------------------------------------------------------------------------------


@command(
    "allclose<a.dtype,a.nd,b.dtype,b.nd>",
    dtypes=FIXED,
    where=lambda _a, a_rank, _b, b_rank: a_rank == b_rank,
    project=projection.nothing,
)
def allclose(ex: Executor, a: Array, b: Array, rtol: float, atol: float, equal_nan: bool = False) -> Any:
    """Whether two arrays are equal up to tolerances."""
    if a.shape != b.shape:
        raise ArgumentError("a and b must have the same shape")
    return reducing.all_close(ex, a, b, rtol=rtol, atol=atol, equal_nan=equal_nan)


def _two(name: str, fn: Any, result: str) -> None:
    """Register a measure of two arrays of one shape."""

    def measure(ex: Executor, x: Array, y: Array) -> Any:
        if x.shape != y.shape:
            raise ArgumentError("x and y must have the same shape")
        return fn(ex, x, y)

    measure.__doc__ = result
    command(
        f"{name}<x.dtype,x.nd,y.dtype,y.nd>",
        where=lambda _x, x_rank, _y, y_rank: x_rank == y_rank,
        project=projection.nothing,
    )(measure)


_two("cov", reducing.covariance, "The sample covariance of two arrays.")
_two("corr", reducing.correlation, "Pearson's correlation of two arrays.")
