"""Sets: distinct elements, membership, operations on two sets."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import ALL, NUMERIC, REAL, command
from arkserver.engine.algorithms import aggregates, grouping, indexing, sets
from arkserver.engine.executor import Executor
from arkserver.engine.layout import stacked
from arkserver.engine.values import Array, Strings, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError

KINDS = (*REAL, "uint8")


def _in1d_bytes(pda1: Array, pda2: Array) -> int:
    """A byte for each element tested, and a table of the others."""
    return pda1.size + 4 * projection.WORD * pda2.size


@command("in1d", project=_in1d_bytes)
def in1d(ex: Executor, pda1: Array, pda2: Array, invert: bool = False) -> Array:
    """Whether each element of an array is (or, inverted, is not) in another one."""
    if pda1.dtype != pda2.dtype or dtype_name(pda1.dtype) not in KINDS:
        names = f"{dtype_name(pda1.dtype)} in {dtype_name(pda2.dtype)}"
        raise UnsupportedError(f"Error: in1dMsg: {names} not implemented")
    return sets.in1d(ex, pda1, pda2, invert=invert)


def _texts_in_bytes(obj: Strings, other: Strings) -> int:
    """Hashes where blocks exchange them; a table of the others, which takes up to nine words for each."""
    return 4 * (obj.nbytes + other.nbytes) + 5 * projection.WORD * other.size


@command("segmentedIn1d", project=_texts_in_bytes)
def segmented_in1d(ex: Executor, obj: Strings, other: Strings, invert: bool = False) -> Array:
    """Whether each string is (or, inverted, is not) among others."""
    return sets.strings_in(ex, obj, other, invert=invert)


# Both are sorted, if their range is too wide for a bitmap, and merged.
_two_sets = projection.times(3, "arg1", "arg2")


def _combined(ex: Executor, name: str, operation: str, a: Array, b: Array) -> Array:
    if a.dtype != b.dtype or dtype_name(a.dtype) not in KINDS:
        raise UnsupportedError(f"Error: {name}: {dtype_name(a.dtype)} not implemented")
    return sets.combine(ex, operation, a, b)


@command("intersect1d", project=_two_sets)
def intersect1d(ex: Executor, arg1: Array, arg2: Array) -> Array:
    """The distinct elements that both arrays have, ascending."""
    return _combined(ex, "intersect1d", "intersect", arg1, arg2)


@command("union1d", project=_two_sets)
def union1d(ex: Executor, arg1: Array, arg2: Array) -> Array:
    """The distinct elements of both arrays, ascending."""
    return _combined(ex, "newUnion1d", "union", arg1, arg2)


@command("setdiff1d", project=_two_sets)
def setdiff1d(ex: Executor, arg1: Array, arg2: Array) -> Array:
    """The distinct elements that the first array has and the second has not, ascending."""
    return _combined(ex, "setdiff1d", "difference", arg1, arg2)


@command("setxor1d", project=_two_sets)
def setxor1d(ex: Executor, arg1: Array, arg2: Array) -> Array:
    """The distinct elements that one of two arrays has, ascending."""
    return _combined(ex, "setxor1d", "symmetric_difference", arg1, arg2)


@command("uniqueValues<name.dtype,name.nd>", dtypes=NUMERIC, project=projection.times(3, "name"))
def unique_values(ex: Executor, name: Array) -> Array:
    """The distinct elements, ascending."""
    return sets.unique(ex, name)


_BUILT_AS = {"bigint": "bigint", "uint8": "uint(8)"}


def _check_unique(function: str, x: Array) -> None:
    refused = _BUILT_AS.get(dtype_name(x.dtype))
    if refused is not None:
        raise UnsupportedError(f"{function} does not support the {refused} dtype")


@command("uniqueCounts<name.dtype,name.nd>", dtypes=ALL, project=projection.times(6, "name"))
def unique_counts(ex: Executor, name: Array) -> list[Array]:
    """The distinct elements, ascending, and how often each occurs."""
    _check_unique("unique_counts", name)
    return list(sets.unique_counts(ex, name))


@command("uniqueInverse<name.dtype,name.nd>", dtypes=ALL, project=projection.times(6, "name"))
def unique_inverse(ex: Executor, name: Array) -> list[Array]:
    """The distinct elements, ascending, and the number of each element among them."""
    _check_unique("unique_inverse", name)
    return list(sets.unique_inverse(ex, name))


@command("uniqueAll<name.dtype,name.nd>", dtypes=ALL, project=projection.times(8, "name"))
def unique_all(ex: Executor, name: Array) -> list[Array]:
    """The distinct elements, ascending, where each occurs first, each element's number among them, and counts."""
    _check_unique("unique_all", name)
    return list(sets.unique_all(ex, name))


@command("sparseSumHelp", project=projection.times(6, "idx1", "idx2"))
def sparse_sum(ex: Executor, idx1: Array, idx2: Array, val1: Array, val2: Array) -> tuple[Array, Array]:
    """Add two sparse vectors of positions and values: the positions of both, ascending, and the sums there."""
    if {idx1.dtype.name, idx2.dtype.name} != {"int64"} or val1.dtype != val2.dtype or val1.dtype.kind not in "iuf":
        raise UnsupportedError(f"Error: sparseSumHelper: {dtype_name(idx1.dtype)} not implemented")
    if (idx1.size, idx2.size) != (val1.size, val2.size):
        raise ArgumentError(f"{idx1.size} and {idx2.size} positions have {val1.size} and {val2.size} values")
    positions, values = stacked(ex, idx1, idx2), stacked(ex, val1, val2)
    groups = grouping.group(ex, [positions])
    return indexing.gather(ex, positions, groups.firsts), aggregates.aggregate_groups(ex, "sum", values, groups)
