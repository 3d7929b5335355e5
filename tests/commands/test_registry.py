"""The decorator reads annotations; a mistake in a command is an error at import."""

from __future__ import annotations

import json

import pytest

from arkserver.commands import catalogue, registry
from arkserver.commands.arguments import _INJECTED, _decoder
from arkserver.commands.registry import COMMANDS, command, find, parse_name
from arkserver.errors import UnknownCommandError


def test_a_duplicate_name_fails() -> None:
    with pytest.raises(ValueError, match="noop is defined twice"):

        @command("noop")
        def again() -> str:
            return ""


@pytest.mark.parametrize("name", sorted(COMMANDS))
def test_every_parameter_has_a_decoder_and_every_command_a_first_sentence(name: str) -> None:
    found = COMMANDS[name]
    assert found.doc.endswith("."), f"{name}: {found.doc!r}"
    for parameter in found.parameters.values():
        if parameter.name not in found.fields and parameter.annotation not in _INJECTED:
            assert callable(_decoder(parameter.annotation))
    for field in found.fields:
        bound, dot, what = field.partition(".")
        if dot:
            assert bound in found.parameters, f"{name}: {field} names no parameter"
            assert registry.is_rank(field) or what in ("dtype", "layout")
    assert found.distributed in ("blocks", "server") or found.distributed.startswith("gathers: "), name


@pytest.mark.parametrize(
    ("full", "parts"),
    [
        ("noop", ("noop", ())),
        ("sin<int64,1>", ("sin", ("int64", "1"))),
        ("[int]<float64,2>", ("[int]", ("float64", "2"))),
        ("[pdarray]=val<int64,int64,1>", ("[pdarray]=val", ("int64", "int64", "1"))),
        ("x<", ("x", ("",))),
    ],
)
def test_names_are_split_at_the_bracket(full: str, parts: tuple[str, tuple[str, ...]]) -> None:
    assert parse_name(full) == parts


@pytest.mark.parametrize("full", ["", "nonsense", "nonsense<int64,1>"])
def test_unknown_names(full: str) -> None:
    with pytest.raises(UnknownCommandError):
        find(full)


def test_combinations_that_are_not_there() -> None:
    found, _ = find("tondarray<int64,1>")
    assert found.binding(("int64", "3")) == {"array.dtype": "int64", "array.nd": "3"}
    for words in [("int64",), ("int64", "4"), ("bigint", "1"), ("1", "int64"), ()]:
        with pytest.raises(UnknownCommandError, match="Unrecognized command: tondarray"):
            found.binding(words)


def test_the_table_names_every_command_of_either_side_once() -> None:
    table = catalogue.rows()
    names = [(r.command, r.dtypes) for r in table]  # a few names exist with and without dtypes
    assert len(names) == len(set(names))
    assert {r.command for r in table if r.upstream != "missing"} == {c.name for c in COMMANDS.values()}
    assert len(catalogue.upstream_commands()) == 331


@pytest.mark.parametrize("style", catalogue.FORMATS)
def test_the_table_in_every_format(style: str) -> None:
    text = catalogue.FORMATS[style](catalogue.rows())
    assert "tondarray" in text
    if style == "json":
        assert {"command", "reply", "distributed"} <= json.loads(text)[0].keys()
