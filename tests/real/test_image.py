"""The image: the steps of the Containerfile are run, and a server answers from what they make."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from arkserver.client import connect
from tests.real.site import ROOT
from tests.support import image
from tests.support.image import Image, Mount
from tests.support.ports import free_port
from tests.support.servers.process import Process

# The first time everything is built; later the steps whose input has changed.
pytestmark = [pytest.mark.real, pytest.mark.xdist_group("chart"), pytest.mark.timeout(1800)]

INSTALLED = "from importlib.metadata import distributions as d; print(*(f'{x.name}=={x.version}' for x in d()))"


@pytest.fixture(scope="module")
def built() -> Image:
    return image.build()


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The only folder that can be written to: ``/tmp``."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    return folder


def command(built: Image, scratch: Path, *words: str, user: str = "") -> list[str]:
    environment = [f"{key}={value}" for key, value in built.environment.items()]
    given = ["-i", *environment, *words]
    return image.command(built, scratch.parent / "mounts", [Mount(scratch, "/tmp")], given, user=user or built.user)


def run(built: Image, scratch: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(built, scratch, *words), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("user", ["10001:10001", "1000680000:0"], ids=["own", "any"])
def test_a_server_answers_from_a_read_only_root(built: Image, scratch: Path, user: str) -> None:
    port, connection = free_port(), scratch / "connection"
    flags = ["--host", "127.0.0.1", "--port", str(port), "--connection-file", "/tmp/connection"]
    free = [f for name in ("metrics-port", "scheduler-port", "dashboard-port") for f in (f"--{name}", "0")]
    words = command(built, scratch, "arkserver", "start", *flags, *free, user=user)
    server = Process(words, scratch.parent / "log")
    try:
        server.until(connection.exists, "arkserver")
        status = Path(f"/proc/{server.pid}/status").read_text()
        assert set(re.findall(r"^(?:Uid|Gid):\t(\d+)", status, re.MULTILINE)) == set(user.split(":"))
        assert re.findall(r"^Cap(?:Eff|Bnd):\t(\w+)", status, re.MULTILINE) == ["0" * 16] * 2
        with connect(f"tcp://127.0.0.1:{port}") as session:
            assert int(session.arange(1000).sum()) == 499_500
            assert session.array([3, 1, 2]).sorted().to_numpy().tolist() == [1, 2, 3]
        assert [path.name for path in scratch.rglob("*.nbc")] == []  # its kernels came with the image
    finally:
        server.stop()
    assert server.wait() == 0


def test_nobody_is_root_and_nothing_is_written(built: Image, scratch: Path) -> None:
    assert built.user == "10001:10001"
    done = run(built, scratch, "touch", "/opt/arkserver/x")
    assert "Read-only file system" in done.stderr


def test_what_is_installed_is_pinned(built: Image, scratch: Path) -> None:
    text = (ROOT / "constraints.txt").read_text()
    pins = {pin.lower().replace("_", "-") for pin in re.findall(r"^[\w.-]+==[\w.]+", text, re.MULTILINE)}
    done = run(built, scratch, "python", "-c", INSTALLED)
    installed = {re.sub(r"[_.](?=[^=]*==)", "-", one.lower()) for one in done.stdout.split()}
    ours = {one for one in installed if one.startswith("arkserver-eda==")}
    assert len(installed) > 20, done.stderr
    assert installed - ours <= pins
