"""Real servers: checkpoints by signal, clock and at the end, restored by the next start; crashes and full disks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from arkserver.client import connect
from arkserver.client.errors import ServerError
from tests.support.ports import free_port
from tests.support.server import Raw, envelope, running_server, start_process, symbol


def saved(folder: Path) -> list[Path]:
    return sorted(p for p in folder.glob("checkpoint-*") if (p / "SHA256SUMS").exists())


def eventually(condition: Callable[[], Any], seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def upload(raw: Raw, x: Any) -> str:
    return symbol(raw.text(f"array<{x.dtype},1>", x.tobytes(), shape=[len(x)]))


def download(raw: Raw, name: str, dtype: str) -> Any:
    return np.frombuffer(raw.send(f"tondarray<{dtype},1>", array=name), dtype)


def test_the_end_is_kept_and_the_next_start_begins_with_it(tmp_path: Path) -> None:
    flags = ("--checkpoint-folder", str(tmp_path / "c"), "--restore")
    x = np.random.default_rng(0).standard_normal(100_000)
    with running_server(*flags) as server, Raw(server.address) as raw:
        name = upload(raw, x)
        raw.text("register", name="mine", objType="pdarray", array=name)
        server.process.terminate()
        assert server.wait() == 0
    with running_server(*flags) as server, connect(server.address) as session, Raw(server.address) as raw:
        assert (download(raw, name, "float64") == x).all()
        assert (session.attach("mine").to_numpy() == x).all()
        assert session.status()["checkpoint"]["saved"] == 0
        fresh = upload(raw, x)
        assert fresh.rsplit("_", 1)[0] != name.rsplit("_", 1)[0], "names of a start are its own"
    assert len(saved(tmp_path / "c")) == 2


def test_nothing_is_written_when_nothing_has_changed(tmp_path: Path) -> None:
    with running_server("--checkpoint-folder", str(tmp_path)) as server:
        server.process.terminate()
        assert server.wait() == 0
    assert saved(tmp_path) == []


def test_running_commands_end_before_the_last_checkpoint(tmp_path: Path) -> None:
    with running_server("--checkpoint-folder", str(tmp_path)) as server, Raw(server.address) as raw:
        upload(raw, np.zeros(10))
        raw.socket.send(json.dumps(envelope("sleep", {"seconds": 1.0})).encode())
        with connect(server.address) as session:
            eventually(lambda: session.status()["running"])
        server.process.terminate()
        assert b"slept" in raw.socket.recv()
        assert server.wait() == 0
    assert len(saved(tmp_path)) == 1


def test_at_the_limit_commands_are_cancelled_and_the_state_is_kept_and_withdrawn(tmp_path: Path) -> None:
    entry = tmp_path / "registration.json"
    announce = ("--channel-type", "FILE", "--integration-file", str(entry), "--addresses", "10.1.2.3")
    flags = ("--checkpoint-folder", str(tmp_path / "c"), "--drain-seconds", "0.5", *announce)
    with running_server(*flags) as server, Raw(server.address) as raw, connect(server.address) as session:
        upload(raw, np.zeros(10))
        eventually(entry.exists)
        raw.socket.send(json.dumps(envelope("sleep", {"seconds": 60.0})).encode())
        eventually(lambda: session.status()["running"])
        server.process.terminate()
        assert b"cancelled" in raw.socket.recv()
        assert server.wait() == 1
    assert len(saved(tmp_path / "c")) == 1
    assert not entry.exists()


def test_a_signal_a_command_and_the_command_line_write_one_each(tmp_path: Path) -> None:
    folder = tmp_path / "own"
    flags = ("--checkpoint-folder", str(folder), "--checkpoint-keep", "2")
    with running_server(*flags) as server, connect(server.address) as session:
        x = session.asarray([1, 2, 3])
        server.process.send_signal(signal.SIGUSR1)
        eventually(lambda: len(saved(folder)) == 1)
        assert session.checkpoint()["nbytes"] == 24
        command = [sys.executable, "-m", "arkserver.cli", "checkpoint", "--url", server.address]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert str(saved(folder)[-1]) in done.stdout
        assert len(saved(folder)) == 2, "the newest two are kept"
        elsewhere = [*command, "--path", str(tmp_path), "--name", "named"]
        subprocess.run(elsewhere, capture_output=True, timeout=60, check=True)
        x += 10
        session.load_checkpoint(tmp_path, "named")
        assert x.to_numpy().tolist() == [1, 2, 3]
        with pytest.raises(ServerError, match="already exists"):
            session.save_checkpoint(tmp_path, "named")
        assert session.status()["checkpoint"]["saved"] == 3


def test_the_signal_without_a_folder_ends_nothing() -> None:
    with running_server() as server, Raw(server.address) as raw:
        server.process.send_signal(signal.SIGUSR1)
        assert raw.text("noop") == "noop"
        assert "--checkpoint-folder" in raw.error("checkpoint")


@pytest.mark.parametrize("flag", ["--checkpoint-seconds", "--checkpoint-idle-seconds"])
def test_by_the_clock_and_only_when_something_has_changed(tmp_path: Path, flag: str) -> None:
    with running_server("--checkpoint-folder", str(tmp_path), flag, "0.2") as server, Raw(server.address) as raw:
        upload(raw, np.zeros(10))
        eventually(lambda: len(saved(tmp_path)) == 1)
        time.sleep(0.8)
        assert len(saved(tmp_path)) == 1
        upload(raw, np.zeros(10))
        eventually(lambda: len(saved(tmp_path)) == 2)
        assert raw.text("wait_for_async_activity") == "completed"


# --- workers ---------------------------------------------------------------------------------------------------------


def test_one_worker_restores_what_two_held(tmp_path: Path) -> None:
    flags = ("--checkpoint-folder", str(tmp_path), "--restore", "--scheduler", "true", "--distribute-from", "100KB")
    x = np.random.default_rng(0).standard_normal(1 << 20)
    with running_server(*flags, "--workers", "2") as server, Raw(server.address) as raw:
        name = upload(raw, x)
        for process in psutil.Process(server.process.pid).children(recursive=True):
            process.send_signal(signal.SIGUSR1)  # as Slurm does with the signal of a job
        server.process.send_signal(signal.SIGUSR1)
        eventually(lambda: len(saved(tmp_path)) == 1)
        assert (download(raw, name, "float64") == x).all()
        assert len(json.loads(raw.text("getconfig"))["LocaleConfigs"]) == 2
    with running_server(*flags, "--workers", "1") as server, Raw(server.address) as raw:
        assert (download(raw, name, "float64") == x).all()


def test_a_restore_waits_for_the_workers_whose_memory_it_needs(tmp_path: Path) -> None:
    folder = ("--checkpoint-folder", str(tmp_path), "--checkpoint-at-end", "false")
    with running_server(*folder) as server, Raw(server.address) as raw:
        name = upload(raw, np.arange(100_000))
        raw.text("checkpoint")
    port = free_port()
    join = ["worker", f"tcp://127.0.0.1:{port}", "--memory-limit", "2GB"]
    worker = subprocess.Popen([sys.executable, "-m", "arkserver.cli", *join], cwd=tmp_path)
    try:
        small = ("--restore", "--memory-limit", "500KB", "--scheduler", "true", "--scheduler-port", str(port))
        with running_server(*folder, *small) as server, Raw(server.address) as raw:
            assert (download(raw, name, "int64") == np.arange(100_000)).all()
    finally:
        worker.terminate()
        worker.wait(60)


# --- faults ----------------------------------------------------------------------------------------------------------


def test_killed_while_it_writes(tmp_path: Path) -> None:
    """The half-written one is never restored, and is gone after the next start."""
    flags = ("--checkpoint-folder", str(tmp_path))
    with running_server(*flags) as server, Raw(server.address) as raw:
        names = [upload(raw, np.full(1 << 20, float(i))) for i in range(12)]
        raw.text("checkpoint")
        raw.text("delete", name=names[0])
        server.process.send_signal(signal.SIGUSR1)
        eventually(lambda: any(p.stat().st_size for p in tmp_path.glob(".*.partial/*.parquet")))
        server.process.kill()
        server.wait()
    assert list(tmp_path.glob(".*.partial"))
    assert len(saved(tmp_path)) == 1
    with running_server(*flags, "--restore") as server, Raw(server.address) as raw:
        assert list(tmp_path.glob(".*.partial")) == []
        for i, name in enumerate(names):
            assert (download(raw, name, "float64") == i).all()


def test_a_damaged_one_is_passed_over_and_only_damaged_ones_stop_the_start(tmp_path: Path) -> None:
    flags = ("--checkpoint-folder", str(tmp_path), "--restore")
    with running_server(*flags) as server, Raw(server.address) as raw:
        name = upload(raw, np.zeros(1000))
        raw.text("checkpoint")
        raw.text("delete", name=name)
        raw.text("checkpoint")
    older, newer = saved(tmp_path)
    with (newer / "manifest.json").open("r+b") as f:
        f.write(b"!")
    with running_server(*flags) as server, Raw(server.address) as raw:
        assert (download(raw, name, "float64") == 0).all()
        assert "manifest.json is damaged" in server.log.read_text()
    block = next(older.glob("*.parquet"))
    block.write_bytes(block.read_bytes()[:-1])
    process = start_process(*flags, "--scheduler", "false", folder=tmp_path)
    assert process.wait(60) == 2
    last = (tmp_path / "server.log").read_text().splitlines()[-1]
    assert last.startswith("arkserver: --restore: no checkpoint in")


def test_restore_needs_a_folder_and_room(tmp_path: Path) -> None:
    process = start_process("--restore", "--scheduler", "false", folder=tmp_path)
    assert process.wait(60) == 2
    assert "--checkpoint-folder is not set" in (tmp_path / "server.log").read_text()
    folder = ("--checkpoint-folder", str(tmp_path / "c"))
    with running_server(*folder) as server, Raw(server.address) as raw:
        upload(raw, np.zeros(100_000))
    small = ("--restore", "--memory-limit", "100KB", "--join-seconds", "0.1", "--scheduler", "false")
    process = start_process(*folder, *small, folder=tmp_path)
    assert process.wait(60) == 1
    assert "needs 800000 bytes" in (tmp_path / "server.log").read_text()


@pytest.mark.parametrize(("place", "status"), [("new/folder", 0), ("file/below", 1)])
def test_the_doctor_looks_at_the_folder(tmp_path: Path, place: str, status: int) -> None:
    (tmp_path / "file").touch()
    free = [f for name in ("port", "metrics-port", "scheduler-port", "dashboard-port") for f in (f"--{name}", "0")]
    command = [sys.executable, "-m", "arkserver.cli", "doctor", *free, "--checkpoint-folder", str(tmp_path / place)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (line,) = [line for line in done.stdout.splitlines() if "--checkpoint-folder" in line]
    assert line.startswith("FAIL" if status else "ok")
    assert done.returncode == status


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", str(folder)]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("only root may mount a file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def test_a_full_disk_is_said_and_the_server_goes_on(small_disk: Path) -> None:
    noise = np.random.default_rng(0).standard_normal(1 << 20)
    with running_server("--checkpoint-folder", str(small_disk)) as server, Raw(server.address) as raw:
        small = upload(raw, noise[:1000])
        raw.text("checkpoint")
        large = upload(raw, noise)
        assert "No space left on device" in raw.error("checkpoint")
        assert len(saved(small_disk)) == 1
        assert list(small_disk.glob(".*")) == [], "what was half-written is gone"
        assert (download(raw, large, "float64") == noise).all()
        raw.text("delete", name=large)
        raw.text("checkpoint")
        assert len(saved(small_disk)) == 2
        upload(raw, noise)
        server.process.terminate()
        assert server.wait() == 1, "the last checkpoint failed"
    with running_server("--checkpoint-folder", str(small_disk), "--restore") as server, Raw(server.address) as raw:
        assert (download(raw, small, "float64") == noise[:1000]).all()
