"""The registry of commands: one annotated function each, and the decorator that reads the annotations.

``@command("cumSum<x.dtype,x.nd>")`` on ``def cumsum(ex: Executor, x: Array, axis: int, include_initial: bool) ->
Array`` is all that a command needs. The annotations say how a parameter is decoded (`arguments.py` has the table), the
return annotation how the reply is written (`results.py`), and the template which names the protocol gives the command:

* ``x.dtype`` and ``x.nd``: the dtype and the rank of the array parameter ``x``, ``x.layout``: the layout of a sparse
  matrix; a request that names others is refused;
* any other word, such as ``to``: a dtype (or, starting with ``nd``, a rank) that the function takes as a parameter.
"""

from __future__ import annotations

import inspect
import itertools
import typing
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from arkserver.engine.values import DTYPES
from arkserver.errors import UnknownCommandError

MAX_RANK = 3
RANKS = tuple(range(1, MAX_RANK + 1))

INTEGRAL = ("int64", "uint64")
REAL = (*INTEGRAL, "float64")
NUMERIC = (*REAL, "bool")
FIXED = (*NUMERIC, "uint8")
ALL = (*FIXED, "bigint")

Function = Callable[..., Any]
F = TypeVar("F", bound=Function)
Projection = Callable[..., int]


@dataclass(frozen=True, slots=True, eq=False)
class Command:
    """What the registry knows of a command."""

    name: str
    """the part before ``<``"""
    fields: tuple[str, ...]
    """the words of the template"""
    choices: tuple[tuple[str, ...], ...]
    """per field, what a request may say there"""
    where: Callable[..., bool] | None
    """further restricts the combinations of choices"""
    function: Function
    parameters: Mapping[str, inspect.Parameter]
    """by name, annotations resolved"""
    returns: Any
    """the resolved return annotation"""
    family: str
    """the module that it stands in"""
    project: Projection | None
    """bytes that it may allocate at its peak, from the decoded parameters; None for the default"""
    inline: bool
    """cheap enough for the event loop; answers while everything else is busy"""
    distributed: str
    """how it runs on workers: blocks, gathers (with the reason), or server"""

    @property
    def doc(self) -> str:
        """The first line of the docstring."""
        return (inspect.getdoc(self.function) or "").partition("\n")[0]

    def binding(self, words: tuple[str, ...]) -> dict[str, str]:
        """The template's fields with what a request says for them.

        Raises
        ------
        UnknownCommandError
            For a combination that this command does not have.
        """
        known = len(words) == len(self.fields) and all(w in c for w, c in zip(words, self.choices, strict=True))
        if not known or not (self.where is None or self.where(*words)):
            raise UnknownCommandError(f"Unrecognized command: {self.full_name(words)}")
        return dict(zip(self.fields, words, strict=True))

    def full_name(self, words: Iterable[str]) -> str:
        """The name on the wire."""
        inner = ",".join(words)
        return f"{self.name}<{inner}>" if inner else self.name

    def names(self) -> Iterator[str]:
        """Every name that the command answers to."""
        for words in itertools.product(*self.choices):
            if self.where is None or self.where(*words):
                yield self.full_name(words)


COMMANDS: dict[str, Command] = {}
"""All commands by their name, up to and including the ``<`` of those that have one (the protocol has both ``[pdarray]``
and ``[pdarray]<...>``); filled when `arkserver.commands` is imported."""


def command(
    template: str,
    *,
    dtypes: Iterable[str] | Mapping[str, Iterable[str]] = ALL,
    ranks: Iterable[int] = RANKS,
    where: Callable[..., bool] | None = None,
    project: Projection | None = None,
    inline: bool = False,
    distributed: str = "blocks",
) -> Callable[[F], F]:
    """Register the function below as a command.

    Parameters
    ----------
    template : str
        Name and fields, such as ``"cast<x.dtype,to,x.nd>"``.
    dtypes : iterable of str, or mapping of field to iterable of str
        The dtypes that the fields may name.
    ranks : iterable of int
        The ranks that a rank field may name.
    where : callable, optional
        Called with the words of a request; False refuses the combination.
    project : callable, optional
        Called with the parameters (by name, those that it wants); gives the peak bytes beyond the operands.
    inline : bool
        Run on the event loop; for commands that take microseconds and wait for nothing.
    distributed : str
        ``blocks``, ``server`` (touches no array), or ``gathers: reason``.

    Raises
    ------
    ValueError
        At import, for a name that is taken.
    """
    name, _, inner = template.partition("<")
    fields = tuple(inner.rstrip(">").split(",")) if inner else ()

    def register(function: F) -> F:
        key = template[: len(name) + bool(fields)]
        if key in COMMANDS:
            raise ValueError(f"the command {name} is defined twice: {COMMANDS[key].function} and {function}")
        signature = inspect.signature(function)
        hints = typing.get_type_hints(function, include_extras=True)
        COMMANDS[key] = Command(
            name=name,
            fields=fields,
            choices=tuple(_choices(f, dtypes, ranks) for f in fields),
            where=where,
            function=function,
            parameters={n: p.replace(annotation=hints[n]) for n, p in signature.parameters.items()},
            returns=hints["return"],
            family=function.__module__.rpartition(".")[2],
            project=project,
            inline=inline,
            distributed=distributed,
        )
        return function

    return register


def is_rank(field: str) -> bool:
    """Whether a field of a template names a rank (otherwise a dtype or a variant)."""
    return field.rpartition(".")[2].startswith("nd")


def _choices(field: str, dtypes: Iterable[str] | Mapping[str, Iterable[str]], ranks: Iterable[int]) -> tuple[str, ...]:
    if is_rank(field):
        return tuple(map(str, ranks))
    return tuple(dtypes[field] if isinstance(dtypes, Mapping) else dtypes)


def parse_name(full: str) -> tuple[str, tuple[str, ...]]:
    """Split the name on the wire into the command's name and the words between the angle brackets.

    A name may itself begin with a bracket, as ``[int]`` does; only ``<`` separates.
    """
    name, bracket, inner = full.partition("<")
    return name, tuple(inner.removesuffix(">").split(",")) if bracket else ()


def find(full: str) -> tuple[Command, tuple[str, ...]]:
    """The command that a request names, and the words of its template.

    Raises
    ------
    UnknownCommandError
    """
    if not full:
        raise UnknownCommandError("Server received an empty command")
    name, words = parse_name(full)
    found = COMMANDS.get(f"{name}<" if words else name)
    if found is None:
        raise UnknownCommandError(f"Unrecognized command: {full}")
    return found, words


def word_value(field: str, word: str) -> Any:
    """What a function gets for a free field of its template: a rank, a dtype, or the word itself."""
    if is_rank(field):
        return int(word)
    return DTYPES.get(word, word)


def dtype_of(word: str) -> np.dtype[Any]:
    """The dtype that a word of a template names."""
    return DTYPES[word]
