"""Sorting: permutations that sort, sorted copies, searches in sorted arrays, the k least or greatest."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import NUMERIC, REAL, command
from arkserver.engine import layout
from arkserver.engine.algorithms import sorting
from arkserver.engine.algorithms.groupkeys import hashed
from arkserver.engine.algorithms.searching import searchsorted
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Column, Strings, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import normalise_axis

ALGORITHMS = ("RadixSortLSD", "TwoArrayRadixSort", "")
"""What clients may ask for; there is one sort, whatever they name."""


def check_algorithm(name: str) -> None:
    """Refuse the name of a sort that the protocol does not have."""
    if name not in ALGORITHMS:
        raise ArgumentError(f"Unrecognized sorting algorithm: {name}")


@command("argsort<name.dtype,name.nd>", dtypes=NUMERIC, project=projection.times(3, "name"))
def argsort(ex: Executor, name: Array, algo_name: str, axis: int = 0) -> Array:
    """The stable permutation that sorts along an axis."""
    check_algorithm(algo_name)
    return sorting.argsort(ex, name, normalise_axis(axis, max(1, name.ndim)))


def _sort_bytes(arr_names: list[Column]) -> int:
    """The permutation, as much for sorting (of several keys more, where rows tie), and two words for each string."""
    rows = max((c.size for c in arr_names), default=0)
    sorting_words = 3 if len(arr_names) == 1 else 6
    return projection.WORD * rows * (sorting_words + 2 * sum(isinstance(c, Strings) for c in arr_names))


def _strings_bytes(name: Strings) -> int:
    """Hashes, numbers and a table of them, or words of the strings, and the permutation."""
    return max(3 * name.nbytes, 8 * projection.WORD * name.size)


@command("argsortStrings", project=_strings_bytes)
def argsort_strings(ex: Executor, name: Strings, algo_name: str) -> Array:
    """The stable permutation that sorts strings bytewise, a prefix before what it begins."""
    check_algorithm(algo_name)
    return sorting.coargsort(ex, [name])


@command("coargsort", project=_sort_bytes)
def coargsort(ex: Executor, algo_name: str, arr_names: list[Column], bytewise: bool = False) -> Array:
    """The stable permutation that sorts by several keys, the first most significant; strings by hash unless bytewise.

    Arkouda sorts strings by their hashes here, so that equal ones come together. A client that wants them in order says
    so with ``bytewise``, which is arkserver's own.
    """
    check_algorithm(algo_name)
    keys: list[Column] = same_length(arr_names)
    if not bytewise:
        keys = [c for k in keys for c in (hashed(ex, [k]) if isinstance(k, Strings) else [k])]
    return sorting.coargsort(ex, keys)


def same_length(columns: list[Column], what: str = "keys") -> list[Column]:
    """The columns, when there is one and all have the same number of rows."""
    if not columns:
        raise ArgumentError(f"no {what} were given; at least one is needed")
    sizes = {c.size for c in columns}
    if len(sizes) > 1:
        raise ArgumentError(f"the {what} must have the same length; they have {sorted(sizes)}")
    if any(c.ndim != 1 for c in columns):
        raise ArgumentError(f"the {what} must have one dimension; they have {[c.ndim for c in columns]}")
    return columns


@command("sort<array.dtype,array.nd>", dtypes=REAL, project=projection.times(2.5, "array"))
def sort(ex: Executor, alg: str, array: Array, axis: int = 0) -> Array:
    """A sorted copy along an axis."""
    check_algorithm(alg)
    return sorting.sort(ex, array, normalise_axis(axis, max(1, array.ndim)))


_SEARCHED = ("int64", "uint64", "uint8", "float64", "bigint")


def _vector(_: str, nd1: str, nd2: str) -> bool:  # noqa: ARG001 - the words of a template
    return nd1 == "1"


@command("searchSorted<x1.dtype,x1.nd,x2.nd>", dtypes=_SEARCHED, where=_vector, project=projection.times(1, "x2"))
def search_sorted(ex: Executor, x1: Array, x2: Array, side: str) -> Array:
    """Where each element of an array belongs in a sorted one, before its equals (left) or behind them (right)."""
    if side not in ("left", "right"):
        raise ArgumentError("searchSorted side must be a string with value 'left' or 'right'.")
    if x1.dtype != x2.dtype:
        raise UnsupportedError(f"searchSorted needs arrays of one dtype; they are {x1.dtype} and {x2.dtype}")
    return searchsorted(ex, x1, x2, side)


@command("mink", project=projection.times(2, "array"))
def mink(ex: Executor, array: Array, k: int, rtn_ind: bool = False) -> Array:
    """The k least elements, ascending, or their positions."""
    return _top(ex, "mink", array, k, largest=False, positions=rtn_ind)


@command("maxk", project=projection.times(2, "array"))
def maxk(ex: Executor, array: Array, k: int, rtn_ind: bool = False) -> Array:
    """The k greatest elements, ascending, or their positions."""
    return _top(ex, "maxk", array, k, largest=True, positions=rtn_ind)


def _top(ex: Executor, name: str, x: Array, k: int, *, largest: bool, positions: bool) -> Array:
    if dtype_name(x.dtype) not in REAL or x.ndim != 1:
        raise UnsupportedError(f"Error: {name}: {dtype_name(x.dtype)} not implemented")
    if k < 1:
        raise ArgumentError(f"k is {k}; it must be at least 1")
    places, values = sorting.argtop(ex, x, k, largest=largest)
    return layout.from_numpy(ex, places if positions else values)
