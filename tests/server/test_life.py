"""Start, end, and settings that cannot work."""

from __future__ import annotations

import json
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tests.support.server import Raw, envelope, running_server, start_process


def arkserver(*argv: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "arkserver.cli", *argv]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, cwd=cwd, check=False)


def test_a_client_can_end_the_server() -> None:
    with running_server() as server, Raw(server.address) as raw:
        assert raw.text("shutdown").startswith("shutdown server (1 req)")
        assert server.wait() == 0
        assert not (server.folder / "connection").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_server_after_running_commands(number: signal.Signals) -> None:
    with running_server() as server, Raw(server.address) as raw:
        answers: list[str] = []
        thread = threading.Thread(target=lambda: answers.append(raw.text("sleep", seconds=1.0)))
        thread.start()
        time.sleep(0.3)
        server.process.send_signal(number)
        thread.join()
        assert answers == ["slept"]
        assert server.wait() == 0


def test_no_new_command_is_taken_while_draining() -> None:
    with running_server() as server, Raw(server.address) as sleeper, Raw(server.address) as other:
        thread = threading.Thread(target=lambda: sleeper.text("sleep", seconds=1.5))
        thread.start()
        time.sleep(0.3)
        server.process.terminate()
        time.sleep(0.3)
        assert "shutting down" in other.error("sleep", seconds=1.0)
        assert other.text("noop") == "noop"
        thread.join()


def test_a_second_signal_forces_the_end() -> None:
    with running_server() as server, Raw(server.address) as raw:
        raw.socket.send(json.dumps(envelope("sleep", {"seconds": 60.0})).encode())
        time.sleep(0.3)
        server.process.terminate()
        time.sleep(0.3)
        assert server.process.poll() is None
        server.process.terminate()
        assert server.wait(5) == 128 + signal.SIGTERM
        assert not (server.folder / "connection").exists()


def test_auto_shutdown_ends_with_the_client() -> None:
    with running_server("--auto-shutdown") as server, Raw(server.address) as raw:
        assert raw.text("disconnect").startswith("shutdown server")
        assert server.wait() == 0


def test_the_scheduler_and_its_dashboard_are_hosted() -> None:
    with running_server("--scheduler", "true") as server:
        assert server.address_of("scheduler").startswith("tcp://")
        assert server.address_of("dashboard").startswith("http://")


def test_the_server_answers_before_the_scheduler_is_there() -> None:
    with running_server("--scheduler", "true") as server, Raw(server.address) as raw:
        assert raw.text("noop") == "noop"
        assert raw.text("scale", workers=0) == "0 workers"  # waits for it
        assert '"scheduler":"tcp://' in raw.text("status")


def test_a_scheduler_that_does_not_start_ends_the_server(tmp_path: Path) -> None:
    process = start_process("--tls-folder", str(tmp_path / "nowhere"), folder=tmp_path)
    assert process.wait(60) == 2
    text = (tmp_path / "server.log").read_text()
    assert "nowhere" in text.splitlines()[-1]


def test_a_server_that_ends_at_once_ends_well() -> None:
    with running_server("--scheduler", "true") as server:
        server.process.terminate()
        assert server.wait() == 0
        assert "Traceback" not in server.log.read_text()


def test_a_taken_port_gives_one_line_and_status_2(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        for flag in ("--port", "--metrics-port", "--scheduler-port", "--dashboard-port"):
            process = start_process(flag, port, folder=tmp_path)
            assert process.wait(60) == 2, (flag, (tmp_path / "server.log").read_text())
            text = (tmp_path / "server.log").read_text()
            lines = [line for line in text.splitlines() if line.startswith("arkserver: ")]
            assert len(lines) == 1, text
            assert flag in lines[0]
            assert port in lines[0]


@pytest.mark.parametrize(
    ("argv", "named"),
    [
        (["--port", "99999"], "--port"),
        (["--port", "x"], "--port"),
        (["--memory-limit", "lots"], "--memory-limit"),
        (["--log-level", "LOUD"], "--log-level"),
        (["--config", "/nowhere.toml"], "/nowhere.toml"),
        (["--authenticate=perhaps"], "--authenticate"),
        (["--nonsense"], "--nonsense"),
        (["--authenticate", "--user-tokens", "/nowhere"], "/nowhere"),
    ],
)
def test_bad_settings_give_one_line_and_status_2(argv: list[str], named: str, tmp_path: Path) -> None:
    done = arkserver("start", "--port", "0", "--scheduler", "false", "--metrics-port", "0", *argv, cwd=tmp_path)
    assert done.returncode == 2
    assert named in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


def test_settings_come_from_flag_environment_and_file(tmp_path: Path) -> None:
    config = tmp_path / "arkserver.toml"
    config.write_text('memory_limit = "3GB"\nlog_level = "ERROR"\nthreads = 1\n')
    env = {"ARKSERVER_MEMORY_LIMIT": "2GB", "ARKSERVER_LOG_LEVEL": "WARN"}
    with running_server("--config", str(config), "--log-level", "INFO", env=env) as server, Raw(server.address) as raw:
        config_text = raw.text("getconfig")
        status = raw.text("status")
    assert '"logLevel":"INFO"' in config_text
    assert '"limit":2000000000' in status
    assert '"numPUs":1' in config_text


def test_a_bad_file_is_named(tmp_path: Path) -> None:
    config = tmp_path / "arkserver.toml"
    config.write_text("port = [")
    assert "arkserver.toml" in arkserver("start", "--config", str(config)).stderr
    config.write_text("colour = 3")
    done = arkserver("start", "--config", str(config))
    assert done.returncode == 2
    assert "--colour: there is no such setting" in done.stderr


def test_status_and_stop_from_the_command_line() -> None:
    with running_server() as server:
        status = arkserver("status", "--url", server.address)
        assert "memory limit" in status.stdout, status.stderr
        assert arkserver("stop", "--connection-file", str(server.folder / "connection")).returncode == 0
        assert server.wait() == 0
        gone = arkserver("status", "--url", server.address, "--timeout", "1")
        assert gone.returncode == 1
        assert server.address in gone.stderr


def test_version_commands_and_doctor() -> None:
    assert arkserver("version").stdout.startswith("arkserver 0.")
    table = arkserver("commands").stdout
    assert "tondarray" in table
    assert " tondarray " not in arkserver("commands", "--missing").stdout
    free = ["--port", "0", "--metrics-port", "0", "--scheduler-port", "0", "--dashboard-port", "0"]
    assert arkserver("doctor", *free).returncode == 0
    with socket.socket() as taken:
        taken.bind(("0.0.0.0", 0))
        taken.listen()
        done = arkserver("doctor", *free[2:], "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "FAIL  --port" in done.stdout


# --- authentication --------------------------------------------------------------------------------------------------


def test_a_wrong_token_is_answered_and_the_server_lives(tmp_path: Path) -> None:
    users = tmp_path / "users"
    users.write_text("ann,annstoken\n")
    flags = ("--authenticate", "--user-tokens", str(users))
    with running_server(*flags, env={"ARKSERVER_TOKEN": "shared"}) as server:
        assert server.url.endswith("?token=shared")
        assert "shared" not in server.log.read_text()
        for user, token, welcome in [
            ("bob", "shared", True),
            ("bob", "annstoken", False),
            ("bob", "", False),
            ("ann", "annstoken", True),
            ("ann", "shared", False),
        ]:
            with Raw(server.address, user=user, token=token) as raw:
                reply = raw.reply("noop")
                assert (reply["msgType"] == "NORMAL") is welcome, (user, token, reply)
        with Raw(server.address, user="bob", token="shared") as raw:
            assert raw.text("connect").endswith("as user bob with token shared")


def test_a_drawn_token_is_kept_for_the_next_start() -> None:
    with running_server("--authenticate") as server:
        path = server.folder / ".arkouda" / "tokens.txt"
        token = path.read_text().split()[-1]
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert server.url.endswith(f"?token={token}")
        assert f"server listening on {server.url}\n" in server.log.read_text()
        with Raw(server.address, token=token) as raw:
            assert raw.text("noop") == "noop"
