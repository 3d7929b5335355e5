"""From the parameters of a request to the arguments of a command's function, as its annotations ask."""

from __future__ import annotations

import functools
import inspect
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, NewType

from arkserver.commands.context import Context
from arkserver.commands.registry import Command, word_value
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.composites import Composite, single
from arkserver.engine.executor import Executor
from arkserver.engine.registry import RegisteredObject
from arkserver.engine.state import Engine
from arkserver.engine.values import Array, Column, SparseMatrix, Strings, dtype_name
from arkserver.errors import ArgumentError, UnknownCommandError, UnsupportedError
from arkserver.wire import objects
from arkserver.wire import parameters as wire
from arkserver.wire.envelope import Parameter, Parameters, plain_key
from arkserver.wire.parameters import Scalar

SymbolName = NewType("SymbolName", str)
"""The name of a symbol, not looked up."""

SymbolTexts = NewType("SymbolTexts", list[str])
"""Texts with the names of symbols between plus signs; the symbols are locked, not looked up."""

Payload = NewType("Payload", memoryview)
"""The bytes that came beside the request."""

IN_PLACE = "in place"
Target = Annotated[Array, IN_PLACE]
"""An array that the command changes: it has the symbol alone, and what it returns takes the symbol's place."""

SparseTarget = Annotated[SparseMatrix, IN_PLACE]
"""A sparse matrix that the command changes."""


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
Injector = Callable[[Context, Parameters, memoryview | None], Any]


@dataclass(frozen=True, slots=True)
class Slot:
    """How one parameter of a command's function is filled; worked out once for each command."""

    name: str
    key: str
    """its name on the wire, in the form that is compared"""
    required: bool
    inject: Injector | None
    """gives the value that is handed in; None for one that the request carries"""
    decode: Decoder
    locks: str
    """``read`` or ``write`` when the text names a symbol, ``reads`` when it lists some, ``object`` when several
    parameters describe an object, else empty"""


@functools.cache
def _slots(command: Command) -> tuple[Slot, ...]:
    found = [p for name, p in command.parameters.items() if name not in command.fields]
    return tuple(_slot(p) for p in found)


def _slot(parameter: inspect.Parameter) -> Slot:
    wanted = parameter.annotation
    inject = _INJECTED.get(wanted)
    return Slot(
        parameter.name,
        plain_key(parameter.name),
        required=parameter.default is parameter.empty,
        inject=inject,
        decode=_decoder(wanted) if inject is None else _nothing,
        locks=_lock_kind(wanted),
    )


def _nothing(_: _Decoding, __: Parameter) -> None:
    return None


def _lock_kind(annotation: Any) -> str:
    if annotation in (Target, SparseTarget):
        return "write"
    if annotation is SymbolTexts:
        return "reads"
    if annotation is Composite:
        return "object"
    if not _mentions_values(annotation):
        return ""
    return "reads" if typing.get_origin(annotation) is list else "read"


def symbol_names(command: Command, parameters: Parameters) -> tuple[list[str], list[str]]:
    """The symbols that a request reads and those that it changes, by its text alone: what has to be locked first."""
    reads: list[str] = []
    writes: list[str] = []
    for slot in _slots(command):
        if slot.locks == "object":
            reads += objects.saved(parameters).components
            continue
        sent = parameters.find(slot.key) if slot.locks else None
        if sent is None:
            continue
        if slot.locks == "reads":
            reads += [name.strip() for text in wire.parse_strings(sent.val) for name in text.split("+")]
        else:
            (writes if slot.locks == "write" else reads).append(sent.val)
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
    values = state.found.values
    for slot in _slots(command):
        if slot.inject is not None:
            values[slot.name] = slot.inject(context, parameters, payload)
        elif (sent := parameters.find(slot.key)) is not None or slot.required:
            sent = sent or parameters[slot.name]  # which says that it is missing
            values[slot.name] = slot.decode(state, sent)
            if slot.locks == "write":
                state.found.target = sent.val
    values |= {f: word_value(f, w) for f, w in binding.items() if f in command.parameters}
    _check_binding(command, binding, values)
    return state.found


def size_executor(found: Arguments, nbytes: int) -> None:
    """Let the executor know how large the values of the command are: operands, and `nbytes` beyond them."""
    for name, value in found.values.items():
        if isinstance(value, Executor):
            largest = max((v.nbytes for v in _columns(found)), default=0)
            found.values[name] = value.sized(max(nbytes, largest))


def _columns(found: Arguments) -> Iterator[Column]:
    for value in found.values.values():
        if isinstance(value, Composite):
            yield from value.columns
        elif isinstance(value, SparseMatrix):
            yield from value.parts
        elif isinstance(value, Array | Strings):
            yield value


def _payload(_: Context, __: Parameters, payload: memoryview | None) -> memoryview:
    if payload is None:
        raise ArgumentError("the request has no binary payload")
    return payload


def _object(context: Context, item: RegisteredObject) -> Composite:
    """An object by the symbols that it is made of."""
    values = {role: _column(context, name) for role, name in item.symbols.items()}
    if "array" in values and isinstance(values["array"], Strings):
        return single(values["array"])
    return Composite(item.kind, values, {name: _object(context, part) for name, part in item.parts.items()})


def _column(context: Context, name: str) -> Column:
    value = context.engine.value(name)
    if not isinstance(value, Array | Strings):
        raise UnsupportedError(f"{name} is {type(value).__name__}; expected Array or Strings")
    return value


_INJECTED: dict[Any, Injector] = {
    Composite: lambda context, parameters, _: _object(context, objects.saved(parameters)),
    Executor: lambda context, _, __: context.engine.executor,
    Context: lambda context, _, __: context,
    Parameters: lambda _, parameters, __: parameters,
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
    SparseMatrix: lambda s, p: s.symbol(p.val, (SparseMatrix,)),
    SparseTarget: lambda s, p: s.symbol(p.val, (SparseMatrix,)),
    Array | SparseMatrix: lambda s, p: s.symbol(p.val, (Array, SparseMatrix)),
    Generator: lambda s, p: s.symbol(p.val, (Generator,)),
    Array | str: lambda s, p: _array(s, p) if p.val in s.engine.symbols else p.val,
    tuple[int, ...]: lambda _, p: wire.parse_ints(p.val),
    list[str]: lambda _, p: wire.parse_strings(p.val),
    SymbolTexts: lambda _, p: wire.parse_strings(p.val),
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
    return lambda state, p: None if p.val in ("", "None", "none") else decoder(state, p)


_VALUE_TYPES: tuple[Any, ...] = (Array, Target, Strings, SparseMatrix, Column, list[Array], list[Strings], list[Column])


def _mentions_values(annotation: Any) -> bool:
    if annotation in _VALUE_TYPES:
        return True
    return isinstance(annotation, types.UnionType) and any(a in _VALUE_TYPES for a in annotation.__args__)


def _check_binding(command: Command, binding: Mapping[str, str], values: Mapping[str, Any]) -> None:
    """What the name says of a parameter must be so: the table of allowed dtypes holds for the value itself."""
    for name, word in binding.items():
        parameter, dot, property_ = name.partition(".")
        value = values.get(parameter)
        if not dot or not isinstance(value, Array | Strings | SparseMatrix | Scalar):
            continue
        actual = _property(value, property_)
        if actual != word:
            full = command.full_name(binding.values())
            raise UnknownCommandError(f"Unrecognized command: {full}: {parameter} has {property_} {actual}")


def _property(value: Array | Strings | SparseMatrix | Scalar, name: str) -> str:
    if isinstance(value, Scalar):
        return value.dtype_name
    if isinstance(value, SparseMatrix) and name == "layout":
        return value.layout
    if name == "nd":
        return str(max(1, value.ndim))
    return "str" if isinstance(value, Strings) else dtype_name(value.dtype)
