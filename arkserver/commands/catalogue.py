"""The table of commands: what there is, how it is called, how it runs on workers, and what upstream has beyond it."""

from __future__ import annotations

import json
import types
import typing
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

from arkserver.commands.registry import COMMANDS, Command, is_rank

HEADERS = ("family", "command", "dtypes", "ranks", "reply", "distributed", "upstream", "what it does")


@dataclass(frozen=True, slots=True)
class Row:
    """One command, as text."""

    family: str
    command: str
    dtypes: str
    ranks: str
    reply: str
    distributed: str
    upstream: str
    """yes: both have it; own: only arkserver; missing: only upstream"""
    doc: str

    def cells(self) -> tuple[str, ...]:
        """In the order of `HEADERS`."""
        return (
            self.family,
            self.command,
            self.dtypes,
            self.ranks,
            self.reply,
            self.distributed,
            self.upstream,
            self.doc,
        )


def upstream_commands() -> dict[str, str]:
    """The commands that Arkouda's client can send, with their family."""
    text = resources.files("arkserver.commands").joinpath("upstream.json").read_text()
    return {name: family for family, names in json.loads(text).items() for name in names}


def rows() -> list[Row]:
    """All commands of arkserver and of upstream, by family and name."""
    upstream = upstream_commands()
    ours = [_row(c, upstream) for c in COMMANDS.values()]
    have = {r.command for r in ours}
    lacking = [
        Row(family, name, "", "", "", "", "missing", "") for name, family in upstream.items() if name not in have
    ]
    return sorted([*ours, *lacking], key=lambda r: (r.family, r.command))


def _row(c: Command, upstream: dict[str, str]) -> Row:
    dtypes = [_short(d) for f, d in zip(c.fields, c.choices, strict=True) if not is_rank(f)]
    ranks = [_short(d) for f, d in zip(c.fields, c.choices, strict=True) if is_rank(f)]
    return Row(
        family=upstream.get(c.name, c.family),
        command=c.name,
        dtypes=" x ".join(dtypes),
        ranks=" x ".join(ranks),
        reply=reply_name(c.returns),
        distributed=c.distributed,
        upstream="yes" if c.name in upstream else "own",
        doc=c.doc,
    )


def _short(words: Sequence[str]) -> str:
    return " ".join(words)


def reply_name(annotation: Any) -> str:
    """What a return annotation means on the wire, in the words of the protocol page."""
    if annotation is None or annotation is type(None):
        return "empty"
    if isinstance(annotation, types.UnionType):
        return " or ".join(dict.fromkeys(reply_name(a) for a in annotation.__args__))
    origin = typing.get_origin(annotation)
    if origin in (tuple, list):
        inner = " + ".join(dict.fromkeys(reply_name(a) for a in annotation.__args__ if a is not Ellipsis))
        return inner if origin is tuple else f"list of {inner}"
    return _REPLIES.get(getattr(annotation, "__name__", str(annotation)), "scalar")


_REPLIES = {
    "Array": "array",
    "Strings": "strings",
    "SparseMatrix": "sparse matrix",
    "ReadAll": "columns",
    "str": "text",
    "Json": "JSON",
    "Binary": "binary",
    "Item": "string",
    "Warned": "text",
    "Named": "object",
}


def as_text(table: Iterable[Row]) -> str:
    """Columns padded with blanks."""
    lines = [HEADERS, *(r.cells() for r in table)]
    widths = [min(44, max(len(line[i]) for line in lines)) for i in range(len(HEADERS))]
    return "\n".join("  ".join(cell.ljust(w) for cell, w in zip(line, widths, strict=True)).rstrip() for line in lines)


def as_markdown(table: Iterable[Row]) -> str:
    """A table for the documentation."""
    lines = [HEADERS, tuple("---" for _ in HEADERS), *(r.cells() for r in table)]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


def as_json(table: Iterable[Row]) -> str:
    """A list of objects."""
    return json.dumps([dict(zip(HEADERS, r.cells(), strict=True)) for r in table], indent=1)


FORMATS = {"text": as_text, "markdown": as_markdown, "json": as_json}
