"""What crosses the wire: an empty request, and arrays there and back, beside bare ZeroMQ."""

from __future__ import annotations

from typing import Any

import numpy as np

from bench.bare import bare
from bench.case import Case, Data, case, nothing
from bench.cases.arrays import floats

NOOPS = 1_000


def _none(n: int, _: np.random.Generator) -> Data:
    return {"count": n}


def _noops(session: Any, d: Any) -> None:
    for _ in range(d["count"]):
        session.do("noop")


def _bare_noops(d: Data) -> Any:
    peer = bare()
    message = b'{"user": "u", "token": "", "cmd": "noop", "format": "STRING", "args": "[]", "size": 0}'

    def work() -> None:
        for _ in range(d["count"]):
            peer.echo(message)

    return work


def _bare_upload(d: Data) -> Any:
    peer = bare()
    return lambda: peer.upload(d["a"])


def _bare_download(d: Data) -> Any:
    peer = bare()
    peer.upload(d["a"])
    return lambda: np.frombuffer(peer.download(), d["a"].dtype)


def _one(n: int, rng: np.random.Generator) -> Data:
    return {"a": floats(n, rng)["a"]}


case(
    Case(
        "noop, a thousand",
        "-",
        _none,
        _noops,
        {"zmq": _bare_noops},
        bytes_per_row=0,
        sizes=(NOOPS,),
        note="Beside a process that does nothing but send each message back.",
    )
)
case(
    Case(
        "array-transfer there",
        "float64",
        _one,
        lambda s, d: s.array(d["ready"]),
        {"zmq": _bare_upload},
        prepare=lambda s, d: d["a"].to_numpy().copy(),
        answer=nothing,
        note="Beside a process that does nothing but keep the message.",
    )
)
case(
    Case(
        "array-transfer back",
        "float64",
        _one,
        lambda s, d: d["a"].to_numpy(),
        {"zmq": _bare_download},
        note="Beside a process that does nothing but send the message again.",
    )
)
