"""The way of one request: find the command, lock, decode, check, reserve memory, run, name the results, answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import structlog

from arkserver.commands import arguments, results
from arkserver.commands.context import Context
from arkserver.commands.projection import projected_bytes
from arkserver.commands.registry import Command
from arkserver.commands.results import Reply
from arkserver.engine.progress import Progress, running
from arkserver.errors import ArkserverError
from arkserver.wire.envelope import Parameters, decode_parameters

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Call:
    """A request whose command is known."""

    command: Command
    words: tuple[str, ...]
    full_name: str
    args: str
    """JSON text of the parameters"""
    payload: memoryview | None


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a request."""

    reply: Reply
    error: BaseException | None = None


def run(call: Call, context: Context, progress: Progress) -> Outcome:
    """Answer one request, whatever happens.

    Errors that arkserver raises on purpose become the reply's text. So does any other exception, which is a defect and
    is logged with its trace; the server lives on and nothing was stored.
    """
    try:
        return Outcome(_run(call, context, progress))
    except Exception as e:  # whatever a command raises is an answer, not the end of the server
        if not isinstance(e, ArkserverError):
            log.exception("command failed unexpectedly", command=call.full_name)
        return Outcome(results.failure(e, call.command, call.full_name, context.user), e)


def _run(call: Call, context: Context, progress: Progress) -> Reply:
    if not call.command.parameters:
        return results.write(call.command.function(), context.engine.symbols, context.user)
    parameters = decode_parameters(call.args)
    reads, writes = arguments.symbol_names(call.command, parameters)
    if not reads and not writes:
        return _execute(call, context, progress, parameters)
    with context.engine.locks.hold(reads, writes):
        return _execute(call, context, progress, parameters)


def _execute(call: Call, context: Context, progress: Progress, parameters: Parameters) -> Reply:
    engine = context.engine
    found = arguments.decode(call.command, call.words, parameters, context, call.payload)
    nbytes = projected_bytes(call.command, found.values)
    arguments.size_executor(found, nbytes)
    with engine.accounts.reserve(call.full_name, nbytes), running(progress), np.errstate(all="ignore"):
        result = call.command.function(**found.values)
    if found.target is not None:
        engine.symbols.put(found.target, result)
        result = None
    if results.makes_values(result):
        progress.raise_if_cancelled()  # whoever cancelled a command does not know the names that it would give
    return results.write(result, engine.symbols, context.user)
