"""Grouping: groups of equal keys, reductions of groups, values of groups given back to their rows."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import command
from arkserver.commands.sorting import same_length
from arkserver.engine.algorithms import aggregates, groupcodes, grouping
from arkserver.engine.algorithms import segments as runs
from arkserver.engine.algorithms.indexing import check_bounds
from arkserver.engine.blocks.coded import OPERATIONS
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Column, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError

MOST_KEYS = 128

_ANY_NUMBER = ("sum", "var", "std", "mean", "median", "argmin", "argmax", "count")
_FLOAT = (*_ANY_NUMBER, "prod", "min", "max")
_INTEGER = (*_FLOAT, "or", "and", "xor", "nunique")
REDUCTIONS = {
    "int64": (*_INTEGER, "head", "tail"),
    "uint64": _INTEGER,
    "float64": _FLOAT,
    "bool": (*_ANY_NUMBER, "any", "all"),
    "bigint": ("sum", "min", "max", "or", "and", "count"),
}
"""Which reductions of groups there are (protocol reference 9.3)."""


def _groups_bytes(keynames: list[Column]) -> int:
    """Permutation, segments and first rows, and the words of several keys while the rows that tie are sorted.

    Strings are such words, or hashes and numbers.
    """
    numbers = all(isinstance(k, Array) for k in keynames)
    words = (4 if len(keynames) == 1 else 7) if numbers else 12
    return words * projection.WORD * max((k.size for k in keynames), default=0)


@command("unique", project=_groups_bytes)
def unique(
    ex: Executor, return_group_str: bool, assume_sorted_str: bool, keynames: list[Column]
) -> tuple[Array, ...] | Array:
    """Group keys: the permutation, the segments and the first row of each group, or these rows alone."""
    if len(keynames) > MOST_KEYS:
        raise ArgumentError(f"Cannot hash more than {MOST_KEYS} arrays")
    keys = same_length(keynames)
    groups = grouping.group_sorted(ex, keys) if assume_sorted_str else grouping.group(ex, keys)
    return tuple(groups) if return_group_str else groups.firsts


def _reduction_bytes(values: Array, segments: Array, op: str, n: int = 1) -> int:
    """A few words a group; those that sort take two words for each value, heads and tails their positions too."""
    rows = 2 * values.size if op in ("median", "nunique", "mode", "prod") else 0
    kept = 3 * min(values.size, max(n, 0) * segments.size) if op in ("head", "tail") else 0
    return projection.WORD * (8 * segments.size + rows + kept)


@command("segmentedReduction", project=_reduction_bytes)
def segmented_reduction(
    ex: Executor, values: Array, segments: Array, op: str, skip_nan: bool = True, ddof: int = 1, n: int = 1
) -> Array:
    """Reduce values in group order within segments; head and tail give the first or last n of each."""
    if op not in REDUCTIONS.get(dtype_name(values.dtype), ()) or values.ndim != 1:
        raise UnsupportedError(f"Error: segmentedReductionMsg: {op} {dtype_name(values.dtype)} not implemented")
    runs.check_segments(ex, segments, values.size)
    if op in ("head", "tail"):
        return runs.ends_of(ex, values, segments, n, last=op == "tail")
    if op == "prod":
        return aggregates.product_by_logs(ex, values, segments, skip_nan=skip_nan)
    # A count of floats leaves nan out, whether told so or not.
    return aggregates.aggregate_segments(ex, op, values, segments, skip_nan=skip_nan or op == "count", ddof=ddof)


@command("sizeReduction")
def size_reduction(ex: Executor, segments: Array, size: int) -> Array:
    """The number of rows of each group."""
    runs.check_segments(ex, segments, size)
    return runs.sizes(ex, segments, size)


def _broadcast_bytes(size: int, permute: bool) -> int:
    return projection.WORD * max(size, 0) * (2 if permute else 1)


@command("gbbroadcast", project=_broadcast_bytes)
def broadcast(
    ex: Executor, seg_name: Array, val_name: Array, size: int, permute: bool = False, perm_name: Array | str = "none"
) -> Array:
    """Repeat a value for each group over the group's rows, in group order or (permute) in the order of the rows."""
    if seg_name.size != val_name.size or val_name.ndim != 1:
        raise ArgumentError(f"{seg_name.size} segments need as many values; there are {val_name.shape}")
    runs.check_segments(ex, seg_name, size)
    if not permute:
        return runs.broadcast(ex, val_name, seg_name, size)
    if not isinstance(perm_name, Array):
        raise ArgumentError(f"permName is {perm_name}, which is no array; permute needs one")
    if perm_name.size != size:
        raise ArgumentError("Requested result size must match permutation array size")
    if dtype_name(perm_name.dtype) != "int64" or perm_name.ndim != 1:
        raise ArgumentError("Permutation array must have dtype int64")
    check_bounds(ex, perm_name, size, "gbbroadcast")
    return runs.broadcast_to_rows(ex, val_name, grouping.Groups(perm_name, seg_name, perm_name))


# --- arkserver's own -------------------------------------------------------------------------------------------------


def _codes_bytes(keys: list[Column], unique: bool = False) -> int:
    """Codes and first rows, words that compare as the keys do, and what sorting these takes; or the keys of groups."""
    words = 7 if all(isinstance(k, Array) for k in keys) else 14
    found = sum(projection.bytes_like(k) for k in keys) if unique else 0
    return words * projection.WORD * max((k.size for k in keys), default=0) + found


@command("groupCodes", project=_codes_bytes)
def group_codes(ex: Executor, keys: list[Column], unique: bool = False) -> tuple[Column, ...]:
    """Group keys by number: of each row the number of its group, in ascending order of the keys, and the first rows.

    With `unique` the keys of the groups follow, which saves their reader a request for each column.
    """
    if not keys:
        raise ArgumentError("there are no keys to group by; give at least one")
    found = groupcodes.number(ex, same_length(keys))
    return (*found, *groupcodes.keys_of(ex, keys, found)) if unique else found


def _coded_bytes(codes: Array, groups: int, values: list[Array]) -> int:
    """Rows in buckets of groups, beside what is reduced instead of them; states of groups, for each thread."""
    return projection.WORD * (4 * codes.size + max(0, groups) * (7 + len(values)))


@command("codedAggregate", project=_coded_bytes)
def coded_aggregate(
    ex: Executor,
    codes: Array,
    groups: int,
    values: list[Array],
    ops: list[str],
    skip_nan: bool = True,
    ddof: int = 1,
) -> tuple[Array, ...]:
    """Reduce columns by the numbers that groupCodes gives: one result for each of `values` and `ops`."""
    if not values or len(values) != len(ops):
        raise ArgumentError(f"there are {len(values)} columns and {len(ops)} reductions; there must be one for each")
    for column in values:
        if column.shape != codes.shape or codes.ndim != 1:
            raise ArgumentError(f"a column has the shape {column.shape}; the numbers of groups have {codes.shape}")
    if unknown := sorted({*ops} - {*OPERATIONS}):
        raise UnsupportedError(f"there is no reduction {', '.join(unknown)}; there are {', '.join(OPERATIONS)}")
    if dtype_name(codes.dtype) != "int64" or not 0 <= groups <= codes.size:
        raise ArgumentError(
            f"{codes.size} numbers ({codes.dtype}) cannot be of {groups} groups; give int64 of groupCodes"
        )
    check_bounds(ex, codes, groups, "codedAggregate")
    return tuple(
        groupcodes.reduce(ex, op, column, codes, groups, skip_nan=skip_nan, ddof=ddof)
        for column, op in zip(values, ops, strict=True)
    )
