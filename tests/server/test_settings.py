"""Settings that depend on the machine, or are written in a way of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import psutil
import pytest

from arkserver import settings
from arkserver.settings import available_memory, parse_bytes

TOTAL = psutil.virtual_memory().total
UNLIMITED = "9223372036854771712"  # what version 1 says for none


@pytest.mark.parametrize(
    ("group", "files", "expected"),
    [
        ("0::/job/step", {"job/step/memory.max": "max", "job/memory.max": "4096"}, 4096),
        ("0::/job", {"job/memory.max": "4096", "memory.max": "2048"}, 2048),
        ("0::/of/the/host", {"memory.max": "4096"}, 4096),
        ("0::/", {}, TOTAL),
        ("3:cpu:/a\n4:memory:/a\n0::/", {"memory/a/memory.limit_in_bytes": "4096", "cpu/a/memory.max": "1"}, 4096),
        ("4:memory:/a", {"memory/a/memory.limit_in_bytes": UNLIMITED}, TOTAL),
    ],
)
def test_a_control_group_limits_the_memory(group: str, files: dict[str, str], expected: int, tmp_path: Path) -> None:
    for name, text in files.items():
        path = tmp_path / "groups" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"{text}\n")
    (tmp_path / "group").write_text(f"{group}\n")
    assert available_memory(tmp_path / "group", tmp_path / "groups") == expected


def test_without_control_groups_there_is_the_machine(tmp_path: Path) -> None:
    assert available_memory(tmp_path / "none") == TOTAL
    assert parse_bytes("50%") <= TOTAL // 2


@pytest.mark.parametrize(("text", "expected"), [("6000-6009", (6000, 6009)), ("6000", (6000, 6000)), ("", None)])
def test_ranges_of_ports(text: str, expected: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert settings.load({"transfer_ports": text}, None).transfer_ports == expected
    (tmp_path / "config.toml").write_text(f'transfer_ports = "{text}"')
    assert settings.load({}, tmp_path / "config.toml").transfer_ports == expected
    monkeypatch.setenv("ARKSERVER_TRANSFER_PORTS", text)
    assert settings.load({}, None).transfer_ports == expected
