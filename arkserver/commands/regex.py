"""Patterns in strings: search, locations, matches, splitting, substitution, peeling. Regular expressions are RE2's."""

from __future__ import annotations

from arkserver.commands import projection
from arkserver.commands.registry import command
from arkserver.engine.algorithms.text import matching
from arkserver.engine.algorithms.text.matching import Peel
from arkserver.engine.blocks.patterns import Pattern
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, Strings
from arkserver.errors import ArgumentError


@command("segmentedSearch", project=projection.times(2, "obj"))
def search(ex: Executor, obj: Strings, val: str) -> Array:
    """Which strings match a pattern somewhere."""
    return matching.search(ex, obj, val)


@command("segmentedFindLoc", project=projection.times(6, "parent_name"))
def find_locations(ex: Executor, parent_name: Strings, pattern: str, group_num: int) -> dict[str, Array]:
    """Where a pattern, or a group of it, is found in each string."""
    found = matching.find(ex, parent_name, pattern, group_num)
    return {
        "NumMatches": found.counts,
        "Starts": found.starts,
        "Lens": found.lengths,
        "Indices": found.indices,
        "SearchBool": found.search,
        "SearchInd": matching.before(ex, found.search),
        "MatchBool": found.match,
        "MatchInd": matching.before(ex, found.match),
        "FullMatchBool": found.full_match,
        "FullMatchInd": matching.before(ex, found.full_match),
    }


@command("segmentedFindAll", project=projection.times(3, "parent_name", "starts", "lengths"))
def find_all(
    ex: Executor, parent_name: Strings, num_matches: Array, starts: Array, lengths: Array, rtn_origins: bool
) -> Strings | tuple[Strings, Array]:
    """The matches at given locations, and, if asked for, the number of the string that each is from."""
    found, origins = matching.all_matches(ex, parent_name, num_matches, starts, lengths)
    return (found, origins) if rtn_origins else found


@command("segmentedSplit", project=projection.times(6, "parent_name"))
def split(
    ex: Executor,
    parent_name: Strings,
    pattern: str,
    max_: int,
    return_segs: bool,
) -> Strings | tuple[Strings, Array]:
    """What lies between the matches of a pattern, and, if asked for, the first piece of each string."""
    pieces, segments = matching.split(ex, parent_name, Pattern(pattern), max_)
    return (pieces, segments) if return_segs else pieces


@command("segmentedFlatten", project=projection.times(6, "values"))
def flatten(
    ex: Executor, values: Strings, delim: str, regex: bool, return_segs: bool
) -> Strings | tuple[Strings, Array]:
    """What lies between the occurrences of a delimiter, and, if asked for, the first piece of each string."""
    if not delim:
        raise ArgumentError("Cannot flatten with empty delimiter")
    pieces, segments = matching.split(ex, values, Pattern(delim, literal=not regex))
    return (pieces, segments) if return_segs else pieces


@command("segmentedSub", project=projection.times(6, "obj"))
def substitute(
    ex: Executor, obj: Strings, pattern: str, repl: str, count: int, rtn_num_subs: bool
) -> Strings | tuple[Strings, Array]:
    """The strings with matches replaced by a text, and, if asked for, how many were in each."""
    changed, counts = matching.substituted(ex, obj, pattern, repl.encode(), count)
    return (changed, counts) if rtn_num_subs else changed


@command("segmentedPeel", project=projection.times(6, "obj"))
def peel(
    ex: Executor,
    obj: Strings,
    times: int,
    id_: bool,
    keep_partial: bool,
    l_str: bool,
    regex: bool,
    delim: str,
) -> tuple[Strings, Strings]:
    """The strings cut in two at an occurrence of a delimiter, from the left or from the right."""
    if times < 1:
        raise ArgumentError(f"cannot peel at occurrence {times} of {delim!r}; count from 1")
    how = Peel(Pattern(delim, literal=not regex), times, id_, keep_partial, from_left=l_str)
    return matching.peeled(ex, obj, how)
