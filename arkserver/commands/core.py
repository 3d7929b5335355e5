"""Session, information and display: what every client asks first."""

from __future__ import annotations

import functools
import platform
import socket
import sys
import time
from typing import Any

import numpy as np
import psutil
import zmq

from arkserver.commands import projection
from arkserver.commands.arguments import SymbolName
from arkserver.commands.context import Context, Locale
from arkserver.commands.registry import ALL, COMMANDS, RANKS, command
from arkserver.commands.results import Json
from arkserver.engine import progress, threads
from arkserver.engine.algorithms.indexing import row_at, rows_at
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, SparseMatrix, Strings, dtype_name, itemsize
from arkserver.errors import ArgumentError
from arkserver.wire import display
from arkserver.wire.parameters import parse_strings

# The names of the element types in the protocol's description of what a server was built for.
_CONFIG_NAMES = {
    "int64": "int",
    "uint64": "uint",
    "uint8": "uint(8)",
    "float64": "real",
    "bool": "bool",
    "bigint": "bigint",
}


@command("connect", inline=True, distributed="server")
def connect(context: Context) -> str:
    """Greet a client."""
    who = f" as user {context.user} with token {context.token}" if context.server.authenticate else ""
    return f"connected to arkouda server tcp://*:{context.server.port}{who}"


@command("disconnect", inline=True, distributed="server")
def disconnect(context: Context) -> str:
    """Take leave of a client; symbols stay, unless the server was told to stop with its client."""
    if context.server.auto_shutdown:
        return shutdown(context)
    return f"disconnected from arkouda server tcp://*:{context.server.port}"


@command("shutdown", inline=True, distributed="server")
def shutdown(context: Context) -> str:
    """End the server, after this answer and after the running commands."""
    context.server.stop()
    return f"shutdown server ({context.server.requests() + 1} req)"


@command("noop", inline=True, distributed="server")
def noop() -> str:
    """Do nothing."""
    return "noop"


@command("ruok", inline=True, distributed="server")
def ruok() -> str:
    """Say that the server is well."""
    return "imok"


@command("note", inline=True, distributed="server")
def note(context: Context, message: str = "") -> str:
    """Write a client's message to the log."""
    _log().info("note", user=context.user, message=message)
    return "noted"


@command("clientlog", inline=True, distributed="server")
def clientlog(context: Context, log_msg: str = "", log_lvl: str = "INFO", tag: str = "ClientGeneratedLog") -> str:
    """Write a client's message to the log at the level that it asks for."""
    level = {"WARN": "warning"}.get(log_lvl.upper(), log_lvl.lower())
    if level not in ("debug", "info", "warning", "error", "critical"):
        raise ArgumentError(f"{log_lvl} is no log level; known are DEBUG, INFO, WARN, ERROR, CRITICAL")
    getattr(_log(), level)(log_msg, user=context.user, tag=tag)
    return "Log Message Written Successfully."


def _log() -> Any:
    import structlog

    return structlog.get_logger("client")


@command("sleep", project=projection.nothing, distributed="server")
def sleep(seconds: float) -> str:
    """Sleep; other clients are served meanwhile."""
    if not 0 <= seconds <= 86_400:
        raise ArgumentError(f"cannot sleep {seconds} seconds; ask for 0 to 86400")
    token, start = progress.current(), time.monotonic()
    if token is not None and seconds:
        token.follow(1, lambda: (time.monotonic() - start) / seconds)
    progress.pause(seconds)
    return "slept"


@command("getconfig", inline=True, distributed="server")
def getconfig(context: Context) -> Json:
    """Describe the server: version, ports, cores, memory."""
    server = context.server
    host = socket.gethostname()
    here = Locale(host, threads.threads().count, psutil.virtual_memory().total)
    locales = server.workers() or [here]
    return Json(
        {
            "arkoudaVersion": server.version,
            "regexMaxCaptures": 20,
            "byteorder": sys.byteorder,
            "serverHostname": host,
            "ServerPort": server.port,
            "numLocales": len(locales),
            "numNodes": len(locales),
            "numPUs": locales[0].cores,
            "maxTaskPar": locales[0].cores,
            "physicalMemory": locales[0].memory,
            "logLevel": server.log_level,
            "logChannel": "CONSOLE",
            "pythonVersion": ".".join(platform.python_version_tuple()[:2]),
            "chplVersion": "none",
            "ZMQVersion": zmq.zmq_version(),
            "HDF5Version": "none",
            "ARROW_VERSION": _arrow_version(),
            "distributionType": "blocks along the first axis",
            "LocaleConfigs": [_locale_config(i, found) for i, found in enumerate(locales)],
            "authenticate": server.authenticate,
            "autoShutdown": server.auto_shutdown,
            "serverInfoNoSplash": False,
        }
    )


def _locale_config(number: int, locale: Locale) -> dict[str, Any]:
    return {
        "id": number,
        "name": locale.name,
        "numPUs": locale.cores,
        "numColocales": 0,
        "maxTaskPar": locale.cores,
        "physicalMemory": locale.memory,
    }


@functools.cache
def _arrow_version() -> str:
    import pyarrow as pa

    return str(pa.__version__)


@command("getRegistrationConfig", inline=True, distributed="server")
def registration_config() -> Json:
    """Say for which dtypes and ranks there are commands."""
    names = [_CONFIG_NAMES[d] for d in ALL]
    return Json(
        {
            "parameter_classes": {
                "array": {"nd": list(RANKS), "dtype": ["int", "uint", "uint(8)", "real", "bool", "bigint"]},
                "binop": {"dtype": ["int", "uint", "real", "bool", "bigint"]},
                "scalar": {"dtype": sorted(names, key=["int", "uint", "uint(8)", "real", "bool", "bigint"].index)},
                "SparseSymEntry": {
                    "etype": ["int"],
                    "dimensions": [2],
                    "matLayout": {"__enum__": "SparseMatrix.Layout", "__variants__": ["CSR", "CSC"]},
                },
            }
        }
    )


@command("getCmdMap", inline=True, distributed="server")
def command_map() -> Json:
    """Every name that the server answers to."""
    return Json(_command_map())


@functools.cache
def _command_map() -> dict[str, str]:
    return {name: c.family for c in COMMANDS.values() for name in c.names()}


# --- symbols ---------------------------------------------------------------------------------------------------------


@command("delete", inline=True, distributed="server")
def delete(context: Context, name: SymbolName) -> str:
    """Forget a symbol, unless a registered object needs it."""
    if context.engine.symbols.delete(name):
        return f"deleted {name}"
    return f"registered symbol, {name}, not deleted"


@command("clear", inline=True, distributed="server")
def clear(context: Context) -> str:
    """Forget every symbol that no registered object needs."""
    context.engine.symbols.clear()
    return "success"


ALL_SYMBOLS, REGISTERED_SYMBOLS = "__AllSymbols__", "__RegisteredSymbols__"


@command("info", inline=True, distributed="server")
def info(context: Context, names: str) -> Json:
    """Describe symbols: dtype, shape, whether a registered object needs them."""
    symbols = context.engine.symbols
    wanted = _names_of(context, names)
    return Json([_describe(name, symbols.get(name), registered=symbols.is_pinned(name)) for name in wanted])


def _names_of(context: Context, names: str) -> list[str]:
    symbols = context.engine.symbols
    if names == ALL_SYMBOLS:
        return symbols.names()
    if names == REGISTERED_SYMBOLS:
        return list(dict.fromkeys(symbols.pinned()))
    return parse_strings(names)


def _describe(name: str, value: Any, *, registered: bool) -> dict[str, Any]:
    about: dict[str, Any] = {"dtype": "undef", "size": 0, "ndim": 0, "shape": [0], "itemsize": 0}
    if isinstance(value, Array | SparseMatrix):
        about = {
            "dtype": dtype_name(value.dtype),
            "size": value.size,
            "ndim": max(1, value.ndim),
            "shape": list(value.shape),
            "itemsize": itemsize(value.dtype),
        }
    elif isinstance(value, Strings):
        about = {"dtype": "str", "size": value.size, "ndim": 1, "shape": [value.size], "itemsize": 1}
    return {"name": name, **about, "registered": registered}


# --- memory ----------------------------------------------------------------------------------------------------------

_FACTORS = {"b": 1, "kb": 10**3, "mb": 10**6, "gb": 10**9, "tb": 10**12, "pb": 10**15}


@command("getmemused", inline=True, distributed="server")
def memory_used(context: Context, factor: int = 1, as_percent: bool = False) -> str:
    """Bytes in use over `factor`, or percent of the limit, as text."""
    accounts = context.engine.accounts
    return str(_used_percent(context) if as_percent else round(accounts.live / _positive(factor)))


@command("getavailmem", inline=True, distributed="server")
def memory_available(context: Context, factor: int = 1, as_percent: bool = False) -> str:
    """Bytes left under the limit over `factor`, or percent of the limit, as text."""
    accounts = context.engine.accounts
    left = accounts.limit - accounts.live
    return str(100 - _used_percent(context) if as_percent else round(left / _positive(factor)))


def _used_percent(context: Context) -> int:
    accounts = context.engine.accounts
    return round(100 * accounts.live / max(1, accounts.limit))


def _positive(factor: int) -> int:
    if factor < 1:
        raise ArgumentError(f"the memory factor is {factor}; it must be at least 1")
    return factor


@command("getmemstatus", inline=True, distributed="server")
def memory_status(context: Context) -> Json:
    """Memory of the machine and of the server, a list with one entry a locale."""
    machine = psutil.virtual_memory()
    return Json(
        [
            {
                "total_mem": machine.total,
                "avail_mem": machine.available,
                "pct_avail_mem": round(100 * machine.available / machine.total),
                "arkouda_mem_alloc": context.engine.accounts.live,
                "mem_used": machine.total - machine.available,
                "locale_id": 0,
                "locale_hostname": socket.gethostname(),
            }
        ]
    )


# --- display ---------------------------------------------------------------------------------------------------------


@command("str", project=projection.nothing)
def text(ex: Executor, array: Array | SparseMatrix, print_thresh: int) -> str:
    """The array as ``str`` shows it."""
    if isinstance(array, SparseMatrix):
        return _entries_shown(ex, array, print_thresh)
    return _shown(ex, array, print_thresh, is_repr=False)


@command("repr", project=projection.nothing)
def representation(ex: Executor, array: Array, print_thresh: int) -> str:
    """The array as ``repr`` shows it."""
    return _shown(ex, array, print_thresh, is_repr=True)


def _shown(ex: Executor, x: Array, threshold: int, *, is_repr: bool) -> str:
    if x.ndim == 0:
        return display.array_text((), threshold, lambda _: row_at(ex, x, 0), is_repr=is_repr)
    shown = display.shown_rows(x.shape, threshold)
    rows = dict(zip(shown, rows_at(ex, x, np.asarray(shown, np.int64)), strict=True))
    return display.array_text(x.shape, threshold, rows.__getitem__, is_repr=is_repr)


def _entries_shown(ex: Executor, m: SparseMatrix, threshold: int) -> str:
    shown = display.shown_entries(m.entries, threshold)
    found = [rows_at(ex, part, np.asarray([i for i in shown if i is not None], np.int64)) for part in m.parts]
    return display.entries_text(shown, zip(*found, strict=True))


# --- arkserver's own -------------------------------------------------------------------------------------------------


@command("status", inline=True, distributed="server")
def status(context: Context) -> Json:
    """Facts about the running server: version, memory, symbols, addresses, running commands."""
    engine = context.engine
    return Json(
        {
            "version": context.server.version,
            "url": context.server.url,
            "requests": context.server.requests(),
            "symbols": len(engine.symbols),
            "memory": {
                "limit": engine.accounts.limit,
                "live": engine.accounts.live,
                "reserved": engine.accounts.reserved,
            },
            "running": context.server.running(),
            **context.server.extra(),
        }
    )


@command("cancel", inline=True, distributed="server")
def cancel(context: Context, number: int) -> str:
    """End a running command, of this or another client, by its number in ``status``."""
    if not context.server.cancel(number):
        raise ArgumentError(f"no command with the number {number} is running; status lists those that are")
    return f"cancelled {number}"


@command("scale", project=projection.nothing, distributed="server")
def scale(context: Context, workers: int) -> str:
    """Start or end workers; those that leave hand their arrays over first, with 0 to the server."""
    if context.server.scale is None:
        raise ArgumentError("this server was started with --scheduler false and has no workers")
    if workers < 0:
        raise ArgumentError(f"cannot have {workers} workers")
    context.server.scale(workers)
    return f"{workers} workers"
