"""From the parameters of a request to the arguments of a command's function, as its annotations ask."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NewType

from arkserver.commands.context import Context
from arkserver.commands.registry import Command, word_value
from arkserver.engine.executor import Executor
from arkserver.engine.state import Engine
from arkserver.engine.values import Array, Column, Strings, dtype_name
from arkserver.errors import ArgumentError, UnknownCommandError, UnsupportedError
from arkserver.wire import parameters as wire
from arkserver.wire.envelope import Parameter, Parameters
from arkserver.wire.parameters import Scalar

SymbolName = NewType("SymbolName", str)
"""The name of a symbol, not looked up."""

Payload = NewType("Payload", memoryview)
"""The bytes that came beside the request."""

IN_PLACE = "in place"
Target = Annotated[Array, IN_PLACE]
"""An array that the command changes: it has the symbol alone, and what it returns takes the symbol's place."""


@dataclass(slots=True)
class Arguments:
    """A request's arguments, ready for the function."""

    values: dict[str, Any] = field(default_factory=dict)
    reads: list[str] = field(default_factory=list)
    """symbols that are read"""
    target: str | None = None
    """the symbol that is changed in place"""


class _Decoding:
    """What the decoders of one request share."""

    __slots__ = ("engine", "found")

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.found = Arguments()

    def symbol(self, name: str, kinds: tuple[type, ...]) -> Any:
        value = self.engine.value(name)
        if not isinstance(value, kinds):
            wanted = " or ".join(k.__name__ for k in kinds)
            raise UnsupportedError(f"{name} is {type(value).__name__}; expected {wanted}")
        self.found.reads.append(name)
        return value


Decoder = Callable[[_Decoding, Parameter], Any]


def symbol_names(command: Command, parameters: Parameters) -> tuple[set[str], set[str]]:
    """The symbols that a request reads and those that it changes, by its text alone: what has to be locked first."""
    reads: set[str] = set()
    writes: set[str] = set()
    for name, parameter in command.parameters.items():
        wanted = parameter.annotation
        if name not in parameters or not _mentions_values(wanted):
            continue
        text = parameters[name].val
        names = wire.parse_strings(text) if typing.get_origin(wanted) is list else [text]
        (writes if wanted == Target else reads).update(names)
    return reads, writes


def decode(
    command: Command, words: tuple[str, ...], parameters: Parameters, context: Context, payload: memoryview | None
) -> Arguments:
    """The arguments for a command's function.

    Raises
    ------
    RequestError
        A parameter is missing or cannot be read.
    UnknownSymbolError
        A name is not in the symbol table.
    UnsupportedError, UnknownCommandError
        A value has another type, dtype or rank than the command's name says.
    """
    binding = command.binding(words)
    state = _Decoding(context.engine)
    for name, parameter in command.parameters.items():
        if name in binding:
            state.found.values[name] = word_value(name, binding[name])
            continue
        wanted = parameter.annotation
        if wanted in _INJECTED:
            state.found.values[name] = _INJECTED[wanted](context, payload)
        elif name in parameters or parameter.default is parameter.empty:
            sent = parameters[name]
            if wanted == Target:
                state.found.target = sent.val
            state.found.values[name] = _decoder(wanted)(state, sent)
    _check_binding(command, binding, state.found.values)
    return state.found


def size_executor(command: Command, found: Arguments, nbytes: int) -> None:
    """Let the executor know how large the values of the command are: operands, and `nbytes` beyond them."""
    for name, parameter in command.parameters.items():
        if parameter.annotation is Executor:
            largest = max((v.nbytes for v in found.values.values() if isinstance(v, Array | Strings)), default=0)
            found.values[name] = found.values[name].sized(max(nbytes, largest))


def _payload(_: Context, payload: memoryview | None) -> memoryview:
    if payload is None:
        raise ArgumentError("the request has no binary payload")
    return payload


_INJECTED: dict[Any, Callable[[Context, memoryview | None], Any]] = {
    Executor: lambda context, _: context.engine.executor,
    Context: lambda context, _: context,
    Payload: _payload,
}


def _array(state: _Decoding, p: Parameter) -> Any:
    return state.symbol(p.val, (Array,))


_DECODERS: dict[Any, Decoder] = {
    int: lambda _, p: wire.parse_int(p.val),
    float: lambda _, p: wire.parse_float(p.val),
    bool: lambda _, p: wire.parse_bool(p.val),
    str: lambda _, p: p.val,
    SymbolName: lambda _, p: p.val,
    Scalar: lambda _, p: wire.scalar_of(p),
    Array: _array,
    Target: _array,
    Strings: lambda s, p: s.symbol(p.val, (Strings,)),
    Column: lambda s, p: s.symbol(p.val, (Array, Strings)),
    Array | str: lambda s, p: _array(s, p) if p.val in s.engine.symbols else p.val,
    tuple[int, ...]: lambda _, p: wire.parse_ints(p.val),
    list[str]: lambda _, p: wire.parse_strings(p.val),
    list[float]: lambda _, p: [wire.parse_float(t) for t in wire.parse_list(p.val)],
    list[bool]: lambda _, p: [wire.parse_bool(t) for t in wire.parse_list(p.val)],
    list[Array]: lambda s, p: [s.symbol(n, (Array,)) for n in wire.parse_strings(p.val)],
    list[Strings]: lambda s, p: [s.symbol(n, (Strings,)) for n in wire.parse_strings(p.val)],
    list[Column]: lambda s, p: [s.symbol(n, (Array, Strings)) for n in wire.parse_strings(p.val)],
}


def _decoder(annotation: Any) -> Decoder:
    found = _DECODERS.get(annotation)
    if found is None and isinstance(annotation, types.UnionType) and type(None) in annotation.__args__:
        rest = [a for a in annotation.__args__ if a is not type(None)]
        return _optional(_decoder(rest[0] if len(rest) == 1 else Column))
    if found is None:
        raise TypeError(f"no decoder for {annotation}; arguments.py lists those that there are")
    return found


def _optional(decoder: Decoder) -> Decoder:
    return lambda state, p: None if p.val in ("", "None") else decoder(state, p)


_VALUE_TYPES: tuple[Any, ...] = (Array, Target, Strings, Column, list[Array], list[Strings], list[Column])


def _mentions_values(annotation: Any) -> bool:
    if annotation in _VALUE_TYPES:
        return True
    return isinstance(annotation, types.UnionType) and any(a in _VALUE_TYPES for a in annotation.__args__)


def _check_binding(command: Command, binding: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """What the name says of a parameter must be so: the table of allowed dtypes holds for the value itself."""
    for name, word in binding.items():
        parameter, dot, property_ = name.partition(".")
        value = values.get(parameter)
        if not dot or not isinstance(value, Array | Strings | Scalar):
            continue
        actual = _property(value, property_)
        if actual != word:
            full = command.full_name(binding.values())
            raise UnknownCommandError(f"Unrecognized command: {full}: {parameter} has {property_} {actual}")


def _property(value: Array | Strings | Scalar, name: str) -> str:
    if isinstance(value, Scalar):
        return value.dtype_name
    if name == "nd":
        return str(max(1, value.ndim))
    return dtype_name(value.dtype) if isinstance(value, Array) else "str"
