"""What runs in a worker: one function around each step function."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from distributed import Reschedule

from arkserver.cluster import underway
from arkserver.engine.blocks import moving


def run(fn: Callable[..., Any], command: str, *args: Any) -> Any:
    """``fn(*args)`` as the server would run it; an error carries the name of the command that it belongs to."""
    try:
        with underway.task(command), np.errstate(all="ignore"):
            return owned(fn(*args))
    except Reschedule:
        raise
    except Exception as e:
        e.__dict__.setdefault("command", command)
        raise


def run_merge(merge: Callable[..., Any], command: str, pieces: int, *args: Any) -> Any:
    """`run` for the second half of an exchange: the first `pieces` arguments are one, as a list."""
    return run(merge, command, list(args[:pieces]), *args[pieces:])


def run_update(fn: Callable[..., None], command: str, block: Any, *args: Any) -> Any:
    """`run` for a function that writes into its first argument: it gets a copy, which is the result."""
    changed = moving.copy(block)
    run(fn, command, changed, *args)
    return changed


def part(results: Sequence[Any], i: int) -> Any:
    """One of several results of a step."""
    return owned(results[i])


def piece(pieces: Sequence[Any], j: int) -> Any:
    """A piece of an exchange: it lives for a moment only, and so does what it is a part of."""
    return pieces[j]


def same(value: Any) -> Any:
    """The value: a task that brings a large argument to the workers."""
    return value


def owned(result: Any) -> Any:
    """A result that is a small part of another array is copied, so that it does not keep all of it in memory."""
    if (
        isinstance(result, np.ndarray)
        and isinstance(result.base, np.ndarray)
        and 2 * result.nbytes < result.base.nbytes
    ):
        return moving.copy(result)
    return result
