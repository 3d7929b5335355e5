"""Every request gets exactly one reply, whatever it is; a bad one costs nothing."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
import pytest
import zmq

from tests.support.server import Raw, RunningServer, envelope, symbol


def upload(raw: Raw, x: np.ndarray) -> str:
    shape = list(x.shape)
    return symbol(raw.text(f"array<{x.dtype},{x.ndim}>", x.tobytes(), shape=shape, dtype=str(x.dtype)))


def download(raw: Raw, name: str, like: np.ndarray) -> np.ndarray:
    data = raw.send(f"tondarray<{like.dtype},{like.ndim}>", array=name)
    return np.frombuffer(data, like.dtype).reshape(like.shape)


def test_the_connect_sequence(raw: Raw, server: RunningServer) -> None:
    assert raw.text("connect").startswith("connected to arkouda server tcp://*:")
    config = json.loads(raw.text("getconfig"))
    assert config["ServerPort"] == server.port
    assert config["numLocales"] >= config["numNodes"] >= 1
    assert {"arkoudaVersion", "regexMaxCaptures", "byteorder", "LocaleConfigs"} <= config.keys()
    ranks = json.loads(raw.text("getRegistrationConfig"))["parameter_classes"]["array"]["nd"]
    assert ranks == [1, 2, 3]
    assert raw.text("disconnect").startswith("disconnected")


@pytest.mark.parametrize("cmd", ["noop", "ruok"])
def test_small_talk(raw: Raw, cmd: str) -> None:
    assert raw.text(cmd) == {"noop": "noop", "ruok": "imok"}[cmd]


def test_the_command_map_names_what_is_answered(raw: Raw) -> None:
    names = json.loads(raw.text("getCmdMap"))
    assert {"tondarray<int64,1>", "tondarray<bool,3>", "info", "getconfig"} <= names.keys()
    assert "tondarray<bigint,1>" not in names


@pytest.mark.parametrize("dtype", ["int64", "uint64", "uint8", "float64", "bool"])
@pytest.mark.parametrize("shape", [(0,), (1,), (5,), (3, 4), (2, 0, 3), (2, 3, 4)])
def test_arrays_come_back_as_they_went(raw: Raw, dtype: str, shape: tuple[int, ...]) -> None:
    x = np.random.default_rng(1).integers(0, 2, shape).astype(dtype)
    name = upload(raw, x)
    np.testing.assert_array_equal(download(raw, name, x), x)
    assert raw.text("delete", name=name) == f"deleted {name}"


MALFORMED = {
    "no json": b"\xff\xfe nonsense",
    "empty": b"",
    "a list": b"[]",
    "no command": b'{"user": "x"}',
    "a number for a command": b'{"cmd": 3}',
    "args are no json": b'{"cmd": "info", "args": "{{{"}',
    "args are no list": b'{"cmd": "info", "args": "{}"}',
    "a parameter is no json": b'{"cmd": "info", "args": "[\\"x\\"]"}',
    "a parameter without a value": b'{"cmd": "info", "args": "[\\"{\\\\\\"key\\\\\\": 1}\\"]"}',
    "a missing parameter": b'{"cmd": "info", "args": "[]"}',
    "an empty command": b'{"cmd": ""}',
    "an unknown command": b'{"cmd": "frobnicate"}',
    "an unknown dtype": b'{"cmd": "array<int7,1>"}',
    "no bracket": b'{"cmd": "array<int64"}',
    "a lone surrogate": b'{"cmd": "\\ud800"}',
    "deep nesting": b'{"cmd": "info", "args": ' + b"[" * 5000 + b"]" * 5000 + b"}",
}


@pytest.mark.parametrize("frame", MALFORMED.values(), ids=MALFORMED)
def test_malformed_requests_are_answered_with_an_error(raw: Raw, frame: bytes) -> None:
    assert json.loads(raw.frames(frame))["msgType"] == "ERROR"
    assert raw.text("noop") == "noop"


def test_too_many_frames_are_answered(raw: Raw) -> None:
    assert "two frames" in json.loads(raw.frames(b"{}", b"", b"x"))["msg"]


def test_a_client_without_the_empty_frame_is_answered(server: RunningServer) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as dealer:
        dealer.setsockopt(zmq.RCVTIMEO, 10_000)
        dealer.connect(server.address)
        dealer.send(json.dumps(envelope("noop", {})).encode())
        assert json.loads(dealer.recv_multipart()[-1])["msg"] == "noop"


def test_errors_name_the_command_and_what_was_wrong(raw: Raw) -> None:
    assert "unknown symbol: nobody" in raw.error("delete", name="nobody")
    assert raw.error("array<int7,1>", shape=[1]) == "Unrecognized command: array<int7,1>"
    assert "expected 80" in raw.error("array<int64,1>", b"short", shape=[10])
    assert "JSON argument key Not Found: array" in raw.send("tondarray<int64,1>").decode()


def test_a_failing_download_answers_with_raw_text(raw: Raw) -> None:
    assert raw.send("tondarray<int64,1>", array="nobody").startswith(b"Error:")


def test_a_name_that_lies_about_the_dtype_is_refused(raw: Raw) -> None:
    name = upload(raw, np.arange(3))
    assert b"Unrecognized command" in raw.send("tondarray<float64,1>", array=name)
    assert b"Unrecognized command" in raw.send("tondarray<int64,2>", array=name)
    raw.text("delete", name=name)


def test_what_exceeds_the_memory_limit_is_refused_with_the_figures(raw: Raw) -> None:
    before = int(raw.text("getmemused", factor=1, as_percent=False))
    text = raw.error("array<int64,1>", b"", shape=[10**12])
    assert "8000000000000 bytes of memory exceeds 1000000000 limit" in text
    assert int(raw.text("getmemused", factor=1, as_percent=False)) == before


def test_memory_is_counted_exactly(raw: Raw) -> None:
    before = int(raw.text("getmemused", factor=1, as_percent=False))
    names = [upload(raw, np.zeros(n)) for n in (0, 1, 1000)]
    assert int(raw.text("getmemused", factor=1, as_percent=False)) == before + 8 * 1001
    for name in names:
        raw.text("delete", name=name)
    assert int(raw.text("getmemused", factor=1, as_percent=False)) == before
    used, left = (int(raw.text(c, factor=1, as_percent=True)) for c in ("getmemused", "getavailmem"))
    assert used + left == 100


def test_small_commands_answer_while_another_sleeps(server: RunningServer) -> None:
    with Raw(server.address) as sleeper, Raw(server.address) as other:
        done = threading.Event()

        def sleep() -> None:
            assert sleeper.text("sleep", seconds=1.5) == "slept"
            done.set()

        thread = threading.Thread(target=sleep)
        thread.start()
        while not (running := json.loads(other.text("status"))["running"]):
            continue
        assert running[0]["command"] == "sleep"
        assert other.text("noop") == "noop"
        assert not done.is_set()
        thread.join()


def test_a_client_that_vanishes_harms_nobody(server: RunningServer) -> None:
    with Raw(server.address) as gone:
        gone.socket.send(json.dumps(envelope("sleep", {"seconds": 0.2})).encode())
    with Raw(server.address) as raw:
        assert raw.text("sleep", seconds=0.4) == "slept"


def test_display(raw: Raw) -> None:
    x = upload(raw, np.arange(6.0).reshape(2, 3))
    assert raw.text("str", array=x, printThresh=100) == "[[0.0 1.0 2.0] [3.0 4.0 5.0]]"
    zeros = "0" * 17
    first = " ".join(f"{i}.{zeros}" for i in range(3))
    assert raw.text("repr", array=x, printThresh=100).startswith(f"array([array([{first}])")
    long = upload(raw, np.arange(1, 201))
    assert raw.text("str", array=long, printThresh=100) == "[1 2 3 ... 198 199 200]"
    raw.text("delete", name=x)
    raw.text("delete", name=long)


def test_info_describes_symbols(raw: Raw) -> None:
    name = upload(raw, np.zeros((2, 3), np.uint8))
    (about,) = json.loads(raw.text("info", names=json.dumps([name])))
    assert about == {
        "name": name,
        "dtype": "uint8",
        "size": 6,
        "ndim": 2,
        "shape": [2, 3],
        "itemsize": 1,
        "registered": False,
    }
    assert name in [s["name"] for s in json.loads(raw.text("info", names="__AllSymbols__"))]
    raw.text("delete", name=name)


def _logged(server: RunningServer, command: str, seconds: float = 20) -> dict[str, Any]:
    """The last line of a command; it is written after the reply went out."""
    end = time.monotonic() + seconds
    while True:
        lines = [json.loads(t) for t in server.log.read_text().splitlines() if t.startswith("{") and t.endswith("}")]
        found: list[dict[str, Any]] = [e for e in lines if e.get("command") == command]
        if found:
            return found[-1]
        assert time.monotonic() < end, f"{command} is not in the log"
        time.sleep(0.02)


def test_logs_are_json_lines_with_user_command_seconds_and_bytes(raw: Raw, server: RunningServer) -> None:
    raw.text("ruok")
    last = _logged(server, "ruok")
    assert last["user"] == "tester"
    assert last["seconds"] >= 0
    assert last["received"] > 0
    assert last["sent"] > 0
