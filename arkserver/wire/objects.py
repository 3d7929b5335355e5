"""Objects as text: how a client describes one to register, to save or to send it, and what it gets to make it again.

Chapters 6.9, 8 and 14 of the protocol.
"""

from __future__ import annotations

from collections.abc import Callable

from arkserver.engine.composites import ARRAYS
from arkserver.engine.registry import RegisteredObject
from arkserver.errors import RegistrationError, UnsupportedError
from arkserver.wire.envelope import Parameters, json_text
from arkserver.wire.parameters import parse_bool, parse_fields, parse_strings

SEPARATOR = "+|+"

KEYS = ("PDARRAY", "STRINGS", "CATEGORICAL")
"""what can be a key, a level of an index or the values of a series"""
COLUMNS = (*ARRAYS, "CATEGORICAL", "SEGARRAY", "BITVECTOR")
"""what can be a column of a table"""

REPLIES = {
    "SEGARRAY": "SegArray",
    "DATAFRAME": "DataFrame",
    "GROUPBY": "GroupBy",
    "CATEGORICAL": "Categorical",
    "INDEX": "Index",
    "MULTIINDEX": "Index",
    "SERIES": "Series",
    "BITVECTOR": "BitVector",
}
"""how the answer to a registration calls a kind that is not an array"""


def create_text(item: RegisteredObject, line: Callable[[str], str]) -> str:
    """What a client makes an object from; ``line(symbol)`` announces a symbol."""
    tagged = {name: f"{part.kind}{SEPARATOR}{create_text(part, line)}" for name, part in item.parts.items()}
    if item.kind in ARRAYS:
        return line(item.symbols["array"])
    if item.kind in ("INDEX", "MULTIINDEX"):
        return json_text(list(tagged.values()))
    if item.kind == "SERIES":
        return json_text({"index": create_text(item.parts["index"], line), "value": tagged["value"]})
    return json_text({role: line(symbol) for role, symbol in item.symbols.items()} | dict(item.texts) | tagged)


def described(kind: str, parameters: Parameters) -> RegisteredObject:
    """The object that the parameters of a registration describe.

    Raises
    ------
    RegistrationError
        For a kind that cannot be registered.
    RequestError
        If a parameter is missing.
    """

    def get(key: str) -> str:
        return parameters[key].val if key in parameters else ""

    match kind:
        case "DATAFRAME":
            columns = _parts(parameters, "columns", "col_objTypes", COLUMNS)
            named = dict(zip(parse_strings(get("column_names")), columns, strict=True))
            return RegisteredObject(kind, {}, parts=named, hidden=(get("idx"),))
        case "GROUPBY":
            symbols = {role: parameters[role].val for role in ("segments", "permutation", "uki")}
            keys = _parts(parameters, "keys", "key_objTypes", KEYS)
            return RegisteredObject(kind, symbols, parts={f"KEY_{i}": key for i, key in enumerate(keys)})
        case "INDEX" | "MULTIINDEX":
            return _index(kind, parameters)
        case "SERIES":
            value = _part(get("val_type"), get("values"), KEYS)
            return RegisteredObject(kind, {}, parts={"index": _index("INDEX", parameters), "value": value})
    return _simple(kind, get)


def saved(parameters: Parameters) -> RegisteredObject:
    """The object that the parameters of a command that saves or sends one describe.

    Raises
    ------
    UnsupportedError
        For a kind that cannot be saved.
    RequestError
        If a parameter is missing.
    """
    kind = parameters["objType"].val.upper()
    match kind:
        case "DATAFRAME":
            columns = _parts(parameters, "columns", "column_objTypes", COLUMNS)
            index = {"Index": RegisteredObject("PDARRAY", {"array": parameters["index"].val})}
            names = parse_strings(parameters["column_names"].val)
            return RegisteredObject(kind, {}, parts=index | dict(zip(names, columns, strict=True)))
        case "GROUPBY":
            roles = {"segments": "segments", "permutation": "permutation", "uki": "unique_key_idx"}
            symbols = {role: parameters[key].val for role, key in roles.items()}
            keys = _parts(parameters, "key_names", "key_objTypes", KEYS)
            return RegisteredObject(kind, symbols, parts={f"KEY_{i}": key for i, key in enumerate(keys)})
        case "INDEX" | "MULTIINDEX":
            levels = _parts(parameters, "idx", "idx_objTypes", KEYS)
            return RegisteredObject(kind, {}, parts={f"IDX_{i}": level for i, level in enumerate(levels)})
    if kind in ARRAYS:
        return RegisteredObject(kind, {"array": parameters["arg1" if "arg1" in parameters else "values"].val})
    if kind not in ("SEGARRAY", "CATEGORICAL"):
        raise UnsupportedError(f"Unable to write object type {kind}")
    return _simple(kind, lambda key: parameters[key].val if key in parameters else "")


def _index(kind: str, parameters: Parameters) -> RegisteredObject:
    levels = _parts(parameters, "idx_names", "idx_types", KEYS)
    return RegisteredObject(kind, {}, parts={str(i): level for i, level in enumerate(levels)})


def _simple(kind: str, get: Callable[[str], str]) -> RegisteredObject:
    """An object that has no parts."""
    if kind in ARRAYS:
        return RegisteredObject(kind, {"array": get("array")})
    match kind:
        case "SEGARRAY":
            return RegisteredObject(kind, _given(get, segments="segments", values="values", lengths="lengths"))
        case "BITVECTOR":
            texts = {"width": get("width"), "reverse": "true" if parse_bool(get("reverse")) else "false"}
            return RegisteredObject(kind, {"values": get("values") or get("name")}, texts)
        case "CATEGORICAL":
            missing = "_akNAcode" if get("_akNAcode") else "NA_codes"
            symbols = _given(get, codes="codes", categories="categories", _akNAcode=missing)
            return RegisteredObject(kind, symbols | _given(get, permutation="permutation", segments="segments"))
    raise RegistrationError(f"objects of type {kind or 'unknown'} cannot be registered")


def _given(get: Callable[[str], str], **keys: str) -> dict[str, str]:
    return {role: get(key) for role, key in keys.items() if get(key)}


def _parts(parameters: Parameters, names: str, kinds: str, allowed: tuple[str, ...]) -> list[RegisteredObject]:
    """The parts that two parallel lists describe."""
    texts, types = parse_strings(parameters[names].val), parse_strings(parameters[kinds].val)
    if len(texts) != len(types):
        raise RegistrationError(f"{len(texts)} {names} and {len(types)} {kinds} were sent")
    return [_part(kind, text, allowed) for kind, text in zip(types, texts, strict=True)]


def _part(kind: str, text: str, allowed: tuple[str, ...]) -> RegisteredObject:
    """A part by the name of its symbol, or by JSON text with the names of several."""
    kind = kind.upper()
    if kind not in allowed:
        raise RegistrationError(f"a part of type {kind} cannot be registered; known are {', '.join(allowed)}")
    if kind in ARRAYS:
        return RegisteredObject(kind, {"array": text})
    fields = parse_fields(text)
    return _simple(kind, lambda key: str(fields.get(key, "")))
