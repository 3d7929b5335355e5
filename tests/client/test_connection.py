"""The line to the server: addresses, end of objects, dead and silent servers, Ctrl-C."""

from __future__ import annotations

import gc
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from arkserver.client import (
    AddressError,
    ConnectionLostError,
    ServerError,
    ServerUnreachableError,
    Session,
    SessionClosedError,
    connect,
)
from arkserver.client.session import parse_url
from tests.support.ports import free_port
from tests.support.server import RunningServer, running_server


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("tcp://localhost:5000", ("tcp://localhost:5000", "")),
        ("localhost:5000", ("tcp://localhost:5000", "")),
        ("tcp://host", ("tcp://host:5555", "")),
        ("tcp://host:1?token=abc", ("tcp://host:1", "abc")),
        ("tcp://[::1]:7", ("tcp://[::1]:7", "")),
    ],
)
def test_urls(url: str, expected: tuple[str, str]) -> None:
    assert parse_url(url) == expected


@pytest.mark.parametrize("url", ["tcp://", "tcp://host:99999", "tcp://host:x"])
def test_urls_that_name_no_server(url: str) -> None:
    with pytest.raises(AddressError):
        parse_url(url)


def test_a_file_tells_where_the_server_is(server: RunningServer) -> None:
    announced = server.folder / "connection"
    with connect(f"file://{announced}") as session:
        assert session.text("ruok") == "imok"


def test_of_several_instances_one_that_answers_is_taken(server: RunningServer, tmp_path: Path) -> None:
    doors = [
        {"endpoint": "ARKOUDA_CLIENT", "addresses": ["127.0.0.1"], "port": port}
        for port in (free_port(), server.port, free_port())
    ]
    registration = tmp_path / "registration.json"
    registration.write_text(json.dumps({"endpoints": doors}))
    with connect(registration.as_uri(), timeout=1) as session:
        assert session.text("ruok") == "imok"


def test_no_server_is_a_clear_error() -> None:
    with pytest.raises(ServerUnreachableError, match="no server answers at tcp://127"):
        connect(f"tcp://127.0.0.1:{free_port()}", timeout=0.3)


def test_a_wrong_token_is_the_servers_answer() -> None:
    with running_server("--authenticate", "--token", "right") as server:
        with pytest.raises(ServerError, match="token wrong does not match"):
            connect(server.address, "wrong")
        with connect(server.url) as session:
            assert session.status()["requests"] > 0


# --- the end of objects ----------------------------------------------------------------------------------------------


def _names(session: Session) -> set[str]:
    return {s["name"] for s in session.symbols()}


def test_what_python_forgets_the_server_forgets_with_the_next_request(session: Session) -> None:
    x = session.arange(10)
    name = x.name
    before = session.status()["requests"]
    del x
    gc.collect()
    assert name not in _names(session)
    # One request for the names, one for the second status: none for the deletion.
    assert session.status()["requests"] == before + 2


def test_temporaries_do_not_pile_up(session: Session) -> None:
    x = session.arange(10)
    before = len(_names(session))
    for _ in range(20):
        x = (x + 1) * 2 - x
    assert len(_names(session)) <= before + 1


def test_objects_may_end_in_other_threads(session: Session) -> None:
    before = _names(session)

    def work() -> None:
        for _ in range(30):
            y = session.arange(5) + 1
            assert int(y[4]) == 5

    threads = [threading.Thread(target=work) for _ in range(4)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    gc.collect()
    assert _names(session) == before


def test_closing_frees_and_nothing_is_sent_afterwards(server: RunningServer, session: Session) -> None:
    other = connect(server.address)
    x = other.arange(1000)
    name = x.name
    assert name in _names(session)
    other.close()
    other.close()
    assert name not in _names(session)
    with pytest.raises(SessionClosedError):
        x + 1
    del x


def test_a_forgotten_session_parts_by_itself(server: RunningServer, session: Session) -> None:
    other = connect(server.address)
    kept = other.arange(3)
    name = kept.name
    del kept, other
    gc.collect()
    assert name not in _names(session)


# --- a server that goes away -----------------------------------------------------------------------------------------


@pytest.fixture
def own_server() -> Iterator[RunningServer]:
    with running_server("--log-commands", "false") as found:
        yield found


def test_a_killed_server_is_noticed_at_once(own_server: RunningServer) -> None:
    with connect(own_server.address, timeout=60) as session:
        threading.Timer(0.3, own_server.process.kill).start()
        start = time.monotonic()
        with pytest.raises(ConnectionLostError, match="went away while it ran sleep"):
            session.text("sleep", seconds=100.0)
        assert time.monotonic() - start < 30


def test_a_silent_server_counts_as_gone_after_the_timeout(own_server: RunningServer) -> None:
    with connect(own_server.address, timeout=0.5) as session:
        os.kill(own_server.process.pid, signal.SIGSTOP)
        try:
            with pytest.raises(ConnectionLostError, match="no sign of life for"):
                session.text("noop")
        finally:
            os.kill(own_server.process.pid, signal.SIGCONT)
        assert session.text("noop") == "noop"


def test_a_long_command_of_a_server_that_is_alive_has_all_the_time_it_needs(session: Session) -> None:
    quick = connect(session.url, timeout=0.1)
    assert quick.text("sleep", seconds=1.6) == "slept"
    quick.close()


def test_after_shutdown_the_session_is_closed(own_server: RunningServer) -> None:
    session = connect(own_server.address)
    session.shutdown()
    assert own_server.wait() == 0
    with pytest.raises(SessionClosedError):
        session.status()


def test_reconnecting_keeps_the_arrays(session: Session) -> None:
    x = session.arange(4)
    session.reconnect()
    assert x.tolist() == [0, 1, 2, 3]


def test_cancel_from_another_session(server: RunningServer, session: Session) -> None:
    errors: list[BaseException] = []

    def work() -> None:
        with connect(server.address) as other:
            try:
                other.text("sleep", seconds=60.0)
            except ServerError as e:
                errors.append(e)

    thread = threading.Thread(target=work)
    thread.start()
    while not (running := session.status()["running"]):
        time.sleep(0.01)
    session.cancel(running[0]["number"])
    thread.join(20)
    assert "sleep was cancelled" in str(errors[0])


# --- Ctrl-C ----------------------------------------------------------------------------------------------------------

_INTERRUPTED = """
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
import sys, time
from arkserver.client import connect
session = connect(sys.argv[1])
print("ready", flush=True)
try:
    session.text("sleep", seconds=60.0)
except KeyboardInterrupt:
    print("interrupted", len(session.status()["running"]), session.arange(3).tolist(), flush=True)
session.close()
"""


def test_ctrl_c_cancels_the_command_on_the_server(server: RunningServer, session: Session) -> None:
    argv = [sys.executable, "-c", _INTERRUPTED, server.address]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        while not session.status()["running"]:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "interrupted 0 [0, 1, 2]\n"
        assert process.wait(20) == 0


_INTERRUPTED_TWICE = """
import sys
import signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
from arkserver.client import connect
session = connect(sys.argv[1], timeout=100_000)
print("ready", flush=True)
try:
    session.text("sleep", seconds=60.0)
except KeyboardInterrupt:
    print("left", flush=True)
sys.stdin.readline()
print(session.arange(3).tolist(), flush=True)
session.close()
"""


def test_a_second_ctrl_c_leaves_a_server_that_does_not_answer(own_server: RunningServer) -> None:
    argv = [sys.executable, "-c", _INTERRUPTED_TWICE, own_server.address]
    with (
        connect(own_server.address) as session,
        subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process,
    ):
        assert process.stdout is not None
        assert process.stdin is not None
        assert process.stdout.readline() == "ready\n"
        while not session.status()["running"]:
            time.sleep(0.01)
        os.kill(own_server.process.pid, signal.SIGSTOP)
        try:
            process.send_signal(signal.SIGINT)
            time.sleep(0.5)  # for the first to be taken; it waits for the server
            assert process.poll() is None
            process.send_signal(signal.SIGINT)
            assert process.stdout.readline() == "left\n"
        finally:
            os.kill(own_server.process.pid, signal.SIGCONT)
        process.stdin.write("go on\n")
        process.stdin.flush()
        assert process.stdout.readline() == "[0, 1, 2]\n"
        assert process.wait(20) == 0
        session.cancel(session.status()["running"][0]["number"])


# --- display of progress ---------------------------------------------------------------------------------------------


def test_long_commands_show_a_line_on_a_terminal(server: RunningServer) -> None:
    code = "import sys; from arkserver.client import connect; connect(sys.argv[1]).text('sleep', seconds=2.6)"
    master, slave = os.openpty()
    process = subprocess.Popen([sys.executable, "-c", code, server.address], stderr=slave)
    os.close(slave)
    assert process.wait(60) == 0
    shown = os.read(master, 10_000).decode()
    os.close(master)
    assert re.search(r"sleep \[#+\.+\]  \d\d% 2 s", shown)
    assert shown.endswith("\r\x1b[K")  # the line is gone at the end


# --- contents --------------------------------------------------------------------------------------------------------


def test_downloads_are_writable_and_not_copied(session: Session) -> None:
    x = np.arange(1_000_000)
    y = session.asarray(x).to_numpy()
    y[0] = 7
    assert y[1:].tolist() == x[1:].tolist()
