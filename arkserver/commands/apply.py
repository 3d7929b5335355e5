"""Users' own Python functions, where the server was started with ``--allow-apply``."""

from __future__ import annotations

import base64
import binascii
import platform

from arkserver.commands.context import Context
from arkserver.commands.registry import FIXED, command
from arkserver.engine.algorithms import applying
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.errors import ArgumentError, UnsupportedError

# A list of Python numbers and the result: about five words an element.
_WORDS = 5


@command("isVersionSupported", inline=True, distributed="server")
def is_version_supported(version_string: str) -> bool:
    """Whether pickled functions of a client with this version of Python can be loaded."""
    return version_string == ".".join(platform.python_version_tuple()[:2])


@command("initPythonInterpreters", inline=True, distributed="server")
def init_interpreters() -> None:
    """Do nothing: the server is a Python interpreter."""


def _list_bytes(x: Array) -> int:
    return 8 * _WORDS * x.size


@command("applyStr<x.dtype,x.nd>", dtypes=FIXED, project=_list_bytes)
def apply_text(ex: Executor, context: Context, x: Array, func_str: str) -> Array:
    """Apply the text of a lambda to each element."""
    _check_allowed(context)
    return applying.apply_text(ex, x, func_str)


@command("applyPickle<x.dtype,x.nd,to>", dtypes=FIXED, project=_list_bytes)
def apply_pickle(ex: Executor, context: Context, to: DType, x: Array, pickle_data: str) -> Array:
    """Apply a pickled function to each element."""
    _check_allowed(context)
    try:
        pickled = base64.b64decode(pickle_data, validate=True)
    except binascii.Error as e:
        raise ArgumentError(f"the pickled function is not base64: {e}") from None
    return applying.apply_pickled(ex, x, pickled, to)


def _check_allowed(context: Context) -> None:
    if not context.server.allow_apply:
        raise UnsupportedError("this server runs no code of clients; it has to be started with --allow-apply")
