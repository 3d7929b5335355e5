"""Strings: reading, comparing, joining, letters and substrings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from arkserver.commands import projection
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.results import Item
from arkserver.engine.algorithms import grouping
from arkserver.engine.algorithms.text import choosing, encoding, forms, hashing, letters
from arkserver.engine.algorithms.text.hashing import Hashes
from arkserver.engine.executor import Executor
from arkserver.engine.layout import stacked
from arkserver.engine.values import Array, Column, Strings, dtype_name
from arkserver.errors import ArgumentError, UnsupportedError
from arkserver.wire.parameters import parse_fields, parse_int, parse_ints


def shown(raw: bytes) -> str:
    """Bytes as text for a reply; what is no UTF-8 is shown as the replacement character."""
    return raw.decode(errors="replace")


def _index_bytes(obj: Strings, key: Any) -> int:
    mean = obj.nbytes / max(1, obj.size)
    return int(key.size * (3 * projection.WORD + mean)) if isinstance(key, Array) else 2 * obj.nbytes


@command("segmentedIndex", project=_index_bytes)
def index(ex: Executor, obj: Strings, subcmd: str, key: Array | str) -> Item | Strings:
    """One string, a slice, or the strings at positions or under a mask."""
    match subcmd, key:
        case "intIndex", str():
            return Item(shown(choosing.item(ex, obj, parse_int(key))))
        case "sliceIndex", str():
            return choosing.part(ex, obj, *_slice(key))
        case "pdarrayIndex", Array(ndim=1):
            return _chosen(ex, obj, key)
    raise ArgumentError(f"strings cannot be indexed by {subcmd} with {key}")


def _slice(text: str) -> tuple[int, int, int]:
    match parse_ints(text):
        case (start, stop, step) if step != 0:
            return start, stop, step
    raise ArgumentError(f"{text} is not a slice: start, stop and a step other than 0")


def _chosen(ex: Executor, s: Strings, key: Array) -> Strings:
    if key.dtype == np.bool_:
        return choosing.compress(ex, s, key)
    if key.dtype in (np.int64, np.uint64):
        choosing.check_bounds(ex, key, s)
        return choosing.gather(ex, s, key)
    raise UnsupportedError(f"an index of {key.dtype}; strings are indexed by int64, uint64 or bool")


@command("flipString", project=projection.times(3, "obj"))
def flip(ex: Executor, obj: Strings) -> Strings:
    """The strings in the opposite order."""
    return choosing.flipped(ex, obj)


@command("segmentLengths")
def lengths(ex: Executor, obj: Strings) -> Array:
    """Bytes of each string."""
    return forms.lengths(ex, obj)


@command("segmentedBinopvv", project=projection.times(3, "obj", "other"))
def compare_or_stick(
    ex: Executor, op: str, obj: Strings, other: Strings, left: bool = False, delim: str = ""
) -> Array | Strings:
    """Whether strings are equal (or unequal) one by one, or pairs of them stuck together."""
    if obj.size != other.size:
        raise ArgumentError(f"The String arrays must be the same size; these have {obj.size} and {other.size}")
    match op:
        case "==" | "!=":
            return choosing.equal(ex, obj, other, negate=op == "!=")
        case "stick":
            first, second = (other, obj) if left else (obj, other)
            return letters.stuck(ex, first, delim.encode(), second)
    raise ArgumentError(f"Unrecognized operator: {op}")


@command("segmentedBinopvs")
def compare_with_literal(ex: Executor, op: str, obj: Strings, other: str) -> Array:
    """Whether each string is equal (or unequal) to a literal."""
    if op not in ("==", "!="):
        raise ArgumentError(f"Unrecognized operator: {op}")
    return choosing.equal_to(ex, obj, other.encode(), negate=op == "!=")


def _where_bytes(seg_str: Strings, other: str, is_str_literal: bool) -> int:
    literal = len(other) if is_str_literal else 0
    return 3 * seg_str.nbytes + seg_str.size * 2 * (projection.WORD + literal)


@command("segmentedWhere", project=_where_bytes)
def where(
    ex: Executor, context: Context, seg_str: Strings, other: str, is_str_literal: bool, condition: Array
) -> Strings:
    """Strings where a condition is true, elsewhere those of another array or a literal."""
    alternative = other.encode() if is_str_literal else _strings(context, other)
    n = seg_str.size if isinstance(alternative, bytes) else alternative.size
    if condition.dtype != np.bool_ or not condition.size == n == seg_str.size:
        raise ArgumentError(f"a condition of {condition.size} for strings of {seg_str.size} and {n}")
    return choosing.where(ex, condition, seg_str, alternative)


def _strings(context: Context, name: str) -> Strings:
    value = context.engine.value(name)
    if not isinstance(value, Strings):
        raise UnsupportedError(f"{name} is no array of strings")
    return value


def _sum_bytes(names: Sequence[Strings]) -> int:
    return 2 * sum(s.nbytes for s in names)


@command("concatenateStr", project=_sum_bytes)
def concatenate(ex: Executor, names: list[Column]) -> Column:
    """Several arrays of strings, or of numbers of one dtype, end to end, in order."""
    if not names:
        raise ArgumentError("there is nothing to concatenate")
    texts = [n for n in names if isinstance(n, Strings)]
    if len(texts) == len(names):
        return choosing.concatenated(ex, texts)
    arrays = [n for n in names if isinstance(n, Array)]
    kinds = sorted({dtype_name(a.dtype) for a in arrays} | ({"str"} if texts else set()))
    if len(kinds) > 1 or any(a.ndim != 1 for a in arrays):
        raise UnsupportedError(f"only 1-D arrays of one dtype can be concatenated; these are {', '.join(kinds)}")
    return stacked(ex, *arrays)


@command("concatenateUniquely", project=lambda names: 4 * _sum_bytes(names))
def concatenate_uniquely(ex: Executor, names: list[Strings]) -> Strings:
    """The distinct strings of several arrays."""
    if not names:
        raise ArgumentError("there is nothing to concatenate")
    whole = choosing.concatenated(ex, names)
    return choosing.gather(ex, whole, grouping.group(ex, [whole]).firsts)


@command("segmentedGroup", project=projection.times(4, "obj"))
def group(ex: Executor, obj: Strings) -> Array:
    """A permutation that puts equal strings side by side."""
    return grouping.group(ex, [obj]).permutation


# --- letters and substrings ------------------------------------------------------------------------------------------


@command("caseChange", project=projection.times(3, "obj"))
def change_case(ex: Executor, subcmd: str, obj: Strings) -> Strings:
    """The strings in lower, upper or title case, or capitalized."""
    if subcmd not in letters.CASES:
        raise ArgumentError(f"{subcmd} is no case; known are {', '.join(letters.CASES)}")
    return letters.changed_case(ex, obj, subcmd)


@command("checkChars")
def check_characters(ex: Executor, subcmd: str, obj: Strings) -> Array:
    """Which strings consist of a class of characters."""
    if subcmd not in letters.PREDICATES:
        raise ArgumentError(f"{subcmd} is no class of characters; known are {', '.join(letters.PREDICATES)}")
    return letters.matches(ex, obj, subcmd)


@command("segmentedStrip", project=projection.times(3, "name"))
def strip(ex: Executor, name: Strings, chars: str) -> Strings:
    """The strings without the given characters (white space, if none are given) at both ends."""
    return letters.stripped(ex, name, chars)


@command("segmentedSubstring", project=projection.times(3, "name"))
def substring(
    ex: Executor, name: Strings, n_chars: int, kind: str, proper: bool, return_origins: bool
) -> Strings | tuple[Strings, Array]:
    """The first or last bytes of the strings that are long enough, and, if asked for, which those are."""
    if kind not in ("prefixes", "suffixes") or n_chars < 0:
        raise ArgumentError(f"cannot take {n_chars} bytes of {kind}; known are prefixes and suffixes")
    found, origins = letters.edges(ex, name, n_chars, suffixes=kind == "suffixes", proper=proper)
    return (found, origins) if return_origins else found


@command("encode", project=projection.times(4, "obj"))
def encode(ex: Executor, obj: Strings, to_encoding: str, from_encoding: str) -> Strings:
    """The strings in another encoding."""
    return encoding.encoded(ex, obj, from_encoding, to_encoding)


# --- hashes ----------------------------------------------------------------------------------------------------------


@command("segmentedHash", project=projection.times(6, "obj", "values"), distributed="gathers: starts of segments")
def hash_segments(
    ex: Executor,
    obj_type: str,
    obj: Strings | None = None,
    segments: Array | None = None,
    values: Column | None = None,
) -> Hashes:
    """128-bit hashes of strings, or of the segments of an array, as upper and lower words."""
    match obj_type.upper(), obj, segments, values:
        case "STRINGS", Strings(), _, _:
            return hashing.hashes(ex, obj)
        case "SEGARRAY", _, Array(), Array() | Strings():
            return hashing.of_segments(ex, segments, values)
    raise UnsupportedError(f"objects of type {obj_type} cannot be hashed")


@command("categoricalHash", project=projection.times(3, "categories", "codes"))
def hash_categories(ex: Executor, categories: Strings, codes: Array) -> dict[str, Array]:
    """128-bit hashes of the category that each code stands for."""
    return _announced(hashing.of_categories(ex, categories, codes))


def _announced(found: Hashes) -> dict[str, Array]:
    return {"upperHash": found.upper, "lowerHash": found.lower}


@command("hashList", project=lambda size: 6 * projection.array_of_shape((size,)))
def hash_rows(
    ex: Executor,
    context: Context,
    names_list: list[str],
    types_list: list[str],
    size: int,  # noqa: ARG001 (projected)
) -> dict[str, Array]:
    """One 128-bit hash for each row of several columns."""
    if not names_list or len(names_list) != len(types_list):
        raise ArgumentError(f"{len(names_list)} columns and {len(types_list)} types of columns were sent")
    parts = [_components(kind, text) for kind, text in zip(types_list, names_list, strict=True)]
    symbols = [symbol for part in parts for symbol in part.values()]
    with context.engine.locks.hold(symbols, []):
        columns = [_hashes(ex, {role: context.engine.value(symbol) for role, symbol in p.items()}) for p in parts]
    return _announced(hashing.combined(ex, columns))


def _components(kind: str, text: str) -> dict[str, str]:
    """The symbols of a column by what they are in it."""
    if kind.upper() in ("PDARRAY", "STRINGS"):
        return {"array": text.partition("+")[0]}
    return {role: symbol for role, symbol in parse_fields(text).items() if role != "valObjType"}


def _hashes(ex: Executor, column: dict[str, Any]) -> Hashes:
    match column:
        case {"array": Array() | Strings() as array}:
            return hashing.hashes(ex, array)
        case {"segments": Array() as segments, "values": Array() | Strings() as values}:
            return hashing.of_segments(ex, segments, values)
        case {"categories": Strings() as categories, "codes": Array() as codes}:
            return hashing.of_categories(ex, categories, codes)
    raise UnsupportedError(f"a column of {', '.join(column)} cannot be hashed")
