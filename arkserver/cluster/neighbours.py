"""Buffers straight from the memory of another process of the same machine.

Workers of one machine need not push large pieces through a socket: the sender says where they lie, and the receiver has
the kernel copy them (``process_vm_readv``, Linux), once and into memory that is used again. The kernel allows it for
processes of one user in one process namespace, unless it is hardened (Yama's ``ptrace_scope``) or forbidden in a
container; then, and from machine to machine, pieces take the socket.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine import buffers

Buffer = NDArray[np.uint8]

# The kernel copies at most 2^31 - 4096 bytes a call.
STRIDE = 1 << 30
_TOKEN = np.frombuffer(os.urandom(16), np.uint8)
"""what a reader finds here if it reads from the right process"""


class NotNearError(Exception):
    """The memory of the other process is out of reach."""


@dataclass(frozen=True, slots=True)
class Lent:
    """Where buffers of a process lie; they have to stay there until the answer that they were taken."""

    place: str
    process: int
    token: tuple[int, bytes]
    spans: tuple[tuple[int, int], ...]
    """address and bytes of each"""


def lend(frames: Sequence[Buffer]) -> Lent:
    """Say where buffers of this process lie.

    Raises
    ------
    NotNearError
        On a system where nobody can take them.
    """
    spans = tuple((f.ctypes.data, f.nbytes) for f in frames)
    return Lent(_place(), os.getpid(), (_TOKEN.ctypes.data, _TOKEN.tobytes()), spans)


def take(lent: Lent) -> list[Buffer]:
    """Copies of the buffers.

    Raises
    ------
    NotNearError
        When they lie on another machine, or the kernel refuses.
    """
    if lent.place != _place():
        raise NotNearError("another machine")
    address, token = lent.token
    found = np.empty(len(token), np.uint8)
    _read(lent.process, address, found)
    if found.tobytes() != token:
        raise NotNearError("another process has the number by now")
    taken = []
    for address, nbytes in lent.spans:
        taken.append(buffers.empty(nbytes, np.uint8))
        _read(lent.process, address, taken[-1])
    return taken


@cache
def _place() -> str:
    """The machine since its start, and the process namespace."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text() + str(Path("/proc/self/ns/pid").readlink())
    except OSError as e:
        raise NotNearError("not on Linux") from e


class _Span(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


@cache
def _kernel() -> Any:
    library = ctypes.CDLL(None, use_errno=True)
    library.process_vm_readv.restype = ctypes.c_ssize_t
    library.process_vm_readv.argtypes = (
        ctypes.c_int, ctypes.POINTER(_Span), ctypes.c_ulong, ctypes.POINTER(_Span), ctypes.c_ulong, ctypes.c_ulong,
    )  # fmt: skip
    return library.process_vm_readv


def _read(process: int, address: int, out: Buffer) -> None:
    done = 0
    while done < out.nbytes:
        length = min(STRIDE, out.nbytes - done)
        mine, theirs = _Span(out.ctypes.data + done, length), _Span(address + done, length)
        copied = _kernel()(process, mine, 1, theirs, 1, 0)
        if copied <= 0:
            raise NotNearError(os.strerror(ctypes.get_errno()))
        done += copied
