"""Objects to and from other servers."""

from __future__ import annotations

import functools

from arkserver.commands import projection
from arkserver.commands.arguments import SymbolTexts
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.results import ReadAll
from arkserver.engine.composites import Composite
from arkserver.engine.executor import Executor
from arkserver.engine.transfer import links, receiving, sending
from arkserver.engine.transfer.links import Rules
from arkserver.engine.transfer.sending import PIECE_BYTES
from arkserver.engine.values import Array, Strings
from arkserver.errors import ArgumentError, UnsupportedError

ROLES = {"Categorical": ("codes", "categories", "_akNAcode"), "SegArray": ("segments", "values")}
"""what the symbols of a column are that has several"""

KINDS = {"pdarray": "PDARRAY", "Strings": "STRINGS", "IPv4": "IPV4", "Datetime": "DATETIME", "Timedelta": "TIMEDELTA"}
KINDS |= {"Fields": "PDARRAY", "BitVector": "PDARRAY", "Categorical": "CATEGORICAL", "SegArray": "SEGARRAY"}
"""what the types of columns are on the other side"""


def _rules(context: Context) -> Rules:
    if context.server.transfer is None:
        raise ArgumentError("this server exchanges nothing with others; start it with --transfer-ports 6000-6009")
    return context.server.transfer


def _bytes_sent(item: Composite) -> int:
    """Pieces, and the words of bigint."""
    bigint = sum(2 * x.nbytes for x in item.columns if isinstance(x, Array) and x.dtype.hasobject)
    return 2 * PIECE_BYTES + bigint


@command("sendArray", project=_bytes_sent)
def send_array(ex: Executor, context: Context, item: Composite, hostname: str, port: str) -> str:
    """Wait for another server and hand it an object."""
    if item.parts:
        raise UnsupportedError(f"Unable to transfer object type {item.kind}.")
    rules = _rules(context)
    sending.send(ex, rules, links.host_of(hostname), rules.port(port), {"": item})
    return "Array sent"


@command("sendDataframe", project=lambda columns: 2 * PIECE_BYTES * max(1, len(columns)))
def send_frame(ex: Executor, context: Context, columns: SymbolTexts, hostname: str, port: str) -> str:
    """Wait for another server and hand it the columns of a table, ``type+name+symbol`` with one symbol or several."""
    rules = _rules(context)
    found = dict(_column(context, described) for described in columns)
    sending.send(ex, rules, links.host_of(hostname), rules.port(port), found)
    return "DataFrame sent"


def _column(context: Context, described: str) -> tuple[str, Composite]:
    kind, _, rest = described.partition("+")
    if kind not in KINDS:
        raise UnsupportedError(f"Error: sendDataFrameMsg: {kind} not implemented")
    roles = ROLES.get(kind, ("array",))
    name, *symbols = rest.rsplit("+", len(roles))
    values = [context.engine.value(symbol.strip()) for symbol in symbols]
    if len(values) != len(roles) or not all(isinstance(v, Array | Strings) for v in values):
        raise UnsupportedError(f"{described} is no column of type {kind}")
    return name, Composite(KINDS[kind], dict(zip(roles, values, strict=True)))


def _received(ex: Executor, context: Context, command_name: str, hostname: str, port: str) -> ReadAll:
    rules = _rules(context)
    reserve = functools.partial(context.engine.accounts.reserve, command_name)
    return ReadAll(receiving.receive(ex, rules, links.host_of(hostname), rules.port(port), reserve))


@command("receiveArray", project=projection.nothing)
def receive_array(ex: Executor, context: Context, hostname: str, port: str) -> ReadAll:
    """Take an object from a server that sends it."""
    return _received(ex, context, "receiveArray", hostname, port)


@command("receiveDataframe", project=projection.nothing)
def receive_frame(ex: Executor, context: Context, hostname: str, port: str) -> ReadAll:
    """Take the columns of a table from a server that sends them."""
    return _received(ex, context, "receiveDataframe", hostname, port)
