"""Contents to the server and back, without a copy on the way where the memory allows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from arkserver.client import dtypes
from arkserver.client.dtypes import dtype_name
from arkserver.client.operators import rank

if TYPE_CHECKING:
    from arkserver.client.arrays import Array
    from arkserver.client.session import Session
    from arkserver.client.strings import Strings

# A small frame lies inside ZeroMQ's message, not aligned; it is copied.
SMALL_FRAME = 1 << 14


def upload(session: Session, x: NDArray[Any]) -> Array:
    """`x` as an array on the server."""
    x = dtypes.storable(x)
    if x.dtype == dtypes.BIGINT:
        return _upload_bigint(session, x)
    name = dtype_name(x.dtype)
    parameters = {"dtype": name, "shape": x.shape, "seg_string": False}
    payload = x.reshape(-1).view(np.uint8).data
    return session.create(f"array<{name},{max(1, x.ndim)}>", payload, **parameters)


def download(x: Array) -> NDArray[Any]:
    """The contents of `x`: writable, C order."""
    if x.dtype == dtypes.BIGINT:
        return _download_bigint(x)
    command = f"tondarray<{x.dtype_name},{rank(x)}>"
    return from_frame(x.session.data(command, x.nbytes, array=x), x.dtype).reshape(x.shape)


def from_frame(data: memoryview, dtype: np.dtype[Any]) -> NDArray[Any]:
    """The bytes of a reply as an array."""
    if data.nbytes < SMALL_FRAME:
        return np.frombuffer(bytearray(data), dtype)
    x = np.frombuffer(data, dtype)
    return x if x.flags.aligned and x.flags.writeable else x.copy()


# --- strings ---------------------------------------------------------------------------------------------------------


def upload_strings(session: Session, texts: list[str]) -> Strings:
    """Texts as strings on the server.

    Raises
    ------
    ValueError
        For a text with a NUL, which ends a string in the protocol.
    """
    payload = "\0".join([*texts, ""]).encode()
    if payload.count(0) != len(texts):
        raise ValueError("a text with a NUL character cannot be sent; the protocol ends strings with it")
    return session.create_strings("arraySegString<uint8>", payload, size=len(payload))


def download_strings(s: Strings) -> list[str]:
    """The texts of `s`."""
    if not s.size:
        return []
    data = s.session.data("segStr-tondarray", s.nbytes, obj=s, comp="values")
    return bytes(data)[:-1].decode("utf-8", "replace").split("\0")


# --- bigint ----------------------------------------------------------------------------------------------------------


def _upload_bigint(session: Session, x: NDArray[Any]) -> Array:
    """Python integers as limbs of 64 bits in two's complement, the least significant first."""
    flat = [int(v) for v in x.reshape(-1)]
    bits = max((v.bit_length() for v in flat), default=0) + 1
    limbs = [
        upload(session, np.array([(v >> (64 * i)) & (2**64 - 1) for v in flat], np.uint64))
        for i in range(-(-bits // 64))
    ]
    parameters = {"arrays": limbs, "num_arrays": len(limbs), "signed": True, "shape": (x.size,), "max_bits": -1}
    return session.create("big_int_creation_multi_limb<uint64,1>", **parameters).reshape(x.shape)


def _download_bigint(x: Array) -> NDArray[Any]:
    limbs = x.session.create_many(f"bigint_to_uint_list<bigint,{rank(x)}>", array=x)
    values = (x < 0).to_numpy().reshape(-1).astype(object) * -(1 << (64 * len(limbs)))
    for i, limb in enumerate(limbs):
        values = values + (limb.to_numpy().reshape(-1).astype(object) << (64 * i))
    out = np.empty(x.shape, object)
    out.reshape(-1)[:] = values
    return out
