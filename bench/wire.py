"""What the wire costs: round trips beside a bare ROUTER echo, transfers beside a bare ZeroMQ transfer, waiting times.

Each figure and the one that it is compared with are measured in turn, in the same run: the machine's speed drifts.
"""

from __future__ import annotations

import json
import statistics
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from bench.bare import GET, bare
from tests.support.server import Raw, envelope, running_server, symbol

ROUNDS = 5
REQUESTS = 2_000
MB = 800


@dataclass(frozen=True, slots=True)
class Figure:
    """One comparison."""

    what: str
    ours: float
    """seconds"""
    theirs: float
    """seconds"""
    target: str

    @property
    def ratio(self) -> float:
        """Ours over theirs."""
        return self.ours / self.theirs

    def line(self) -> str:
        """For the terminal."""
        return (
            f"{self.what:46} {_shown(self.ours)} {_shown(self.theirs)}  ratio {self.ratio:6.2f}   target {self.target}"
        )


def _shown(seconds: float) -> str:
    return f"{seconds * 1e6:9.0f} us" if seconds < 0.1 else f"{seconds:9.3f} s "


def _median_trip(raw: Raw, frame: bytes, requests: int = REQUESTS) -> float:
    seconds = []
    for _ in range(requests):
        start = time.perf_counter()
        raw.socket.send(frame)
        raw.socket.recv()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def _in_turn(ours: Callable[[], float], theirs: Callable[[], float]) -> tuple[float, float]:
    pairs = [(ours(), theirs()) for _ in range(ROUNDS)]
    return statistics.median(p[0] for p in pairs), statistics.median(p[1] for p in pairs)


def round_trips(server: str) -> list[Figure]:
    """A ``noop`` and a sum of two small arrays beside an echo of the same message."""
    theirs = bare().raw
    with Raw(server) as ours:
        noop = json.dumps(envelope("noop", {})).encode()
        figures = _in_turn(lambda: _median_trip(ours, noop), lambda: _median_trip(theirs, noop))
        out = [Figure("noop / bare echo of the same message", *figures, "<= 2")]
        x = np.arange(1000)
        a, b = (symbol(ours.text("array<int64,1>", x.tobytes(), shape=[1000])) for _ in range(2))
        add = json.dumps(envelope("binopvv<int64,int64,1>", {"op": "+", "a": a, "b": b})).encode()
        figures = _in_turn(lambda: _median_trip(ours, add, 500), lambda: _median_trip(theirs, noop, 500))
        return [*out, Figure("a + b, 1,000 elements / bare echo", *figures, "<= 6")]


def transfers(server: str) -> list[Figure]:
    """Upload and download of 800 MB beside a bare transfer over ZeroMQ."""
    x = np.random.default_rng(0).random(MB * 10**6 // 8)
    parameters = {"shape": [x.size], "dtype": "float64"}
    first = json.dumps(envelope("array<float64,1>", parameters, binary=True)).encode() + b"BINARY_PAYLOAD"
    theirs = bare()
    with Raw(server) as ours:
        names: list[str] = []

        def upload() -> float:
            start = time.perf_counter()
            ours.socket.send_multipart([first, x.data.cast("B")], copy=False)
            names.append(symbol(json.loads(ours.socket.recv())["msg"]))
            seconds = time.perf_counter() - start
            if len(names) > 1:
                ours.text("delete", name=names.pop(0))
            return seconds

        def bare_upload() -> float:
            start = time.perf_counter()
            theirs.upload(x)
            return time.perf_counter() - start

        up = _in_turn(upload, bare_upload)
        ask = json.dumps(envelope("tondarray<float64,1>", {"array": names[0]})).encode()
        down = _in_turn(lambda: _received(ours, ask, x), lambda: _received(theirs.raw, GET, x))
    return [
        Figure(f"upload of {MB} MB / bare transfer", *up, "<= 1.43 (70 %)"),
        Figure(f"download of {MB} MB / bare transfer", *down, "<= 1.43 (70 %)"),
    ]


def _received(raw: Raw, ask: bytes, expected: np.ndarray) -> float:
    start = time.perf_counter()
    raw.socket.send(ask)
    frame = raw.socket.recv(copy=False)
    seconds = time.perf_counter() - start
    assert len(frame) == expected.nbytes
    return seconds


def waiting(server: str, n: int) -> Figure:
    """The 99th percentile of a ``noop`` while another client sorts, beside the median of an idle server."""
    noop = json.dumps(envelope("noop", {})).encode()
    with Raw(server) as sorter, Raw(server) as other:
        idle = _median_trip(other, noop)
        made = sorter.text("randint<int64,1>", shape=[n], low=-(2**62), high=2**62, seed=1)
        done = threading.Event()

        def work() -> None:
            sorter.text("argsort<int64,1>", name=symbol(made), algoName="RadixSortLSD", axis=0)
            done.set()

        thread = threading.Thread(target=work)
        thread.start()
        seconds = []
        while not done.is_set():
            start = time.perf_counter()
            other.socket.send(noop)
            other.socket.recv()
            seconds.append(time.perf_counter() - start)
        thread.join()
    p99 = float(np.quantile(seconds, 0.99))
    return Figure(f"noop p99 while {n:.0e} are sorted / idle median", p99, idle, "<= 20")


def main() -> None:
    """Measure everything and print it."""
    print(f"{'what':46} {'ours':>12} {'theirs':>12}")
    with running_server("--log-level", "WARN") as server:
        for figure in (*round_trips(server.address), *transfers(server.address), waiting(server.address, 10**8)):
            print(figure.line(), flush=True)


if __name__ == "__main__":
    main()
