from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from arkserver_channels import Channel, ChannelError, ChannelOptions, HttpRequestType, Message, open_channel
from arkserver_channels.testing import ChannelContract


class TestReplace(ChannelContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_channel(self) -> Channel:
        return open_channel("FILE", ChannelOptions(folder=self.folder))

    def make_unreachable(self) -> Channel:
        return open_channel("FILE", ChannelOptions(folder=self.folder / "missing"))

    def delivered(self, address: str) -> list[str]:
        path = self.folder / address
        return [path.read_text()] if path.exists() else []

    def test_delete_removes_the_file(self) -> None:
        self._write(Message("a", "text"), Message("a", request_type=HttpRequestType.DELETE))
        assert list(self.folder.iterdir()) == []

    def test_get_reads_the_file(self) -> None:
        _, found, missing = self._write(
            Message("a", "text"),
            Message("a", request_type=HttpRequestType.GET),
            Message("b", request_type=HttpRequestType.GET),
        )
        assert (found.status, found.body, missing.status) == (200, b"text", 404)

    def test_nothing_else_is_left_in_the_folder(self) -> None:
        self._write(*(Message("a", f"text {number}") for number in range(5)))
        assert [path.name for path in self.folder.iterdir()] == ["a"]

    def test_others_may_read_the_file(self) -> None:
        self._write(Message("a", "text"))
        assert (self.folder / "a").stat().st_mode & 0o777 == 0o644

    def test_an_address_is_asked_for(self) -> None:
        with pytest.raises(ChannelError, match="needs an address"):
            self._write(Message("", "text"))

    def test_a_failed_replacement_keeps_the_old_content(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._write(Message("a", "old"))

        def full(_descriptor: int) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(os, "fsync", full)
        with pytest.raises(ChannelError, match=r"cannot write .*a: No space left"):
            self._write(Message("a", "new"))
        assert {path.name: path.read_text() for path in self.folder.iterdir()} == {"a": "old"}


class TestAppend(ChannelContract):
    @pytest.fixture(autouse=True)
    def _folder(self, tmp_path: Path) -> None:
        self.folder = tmp_path

    def make_channel(self) -> Channel:
        return open_channel("FILE", ChannelOptions(folder=self.folder, append=True))

    def delivered(self, address: str) -> list[str]:
        path = self.folder / address
        return path.read_text().splitlines() if path.exists() else []

    def test_text_arrives_unchanged(self) -> None:
        self._write(Message("a", "grün\nsecond line"))
        assert (self.folder / "a").read_text() == "grün\nsecond line\n"

    def test_all_messages_are_there_in_order(self) -> None:
        self._write(*(Message("a", f"text {number}") for number in range(20)))
        assert self.delivered("a") == [f"text {number}" for number in range(20)]

    def test_delete_removes_nothing(self) -> None:
        self._write(Message("a", "text"), Message("a", request_type=HttpRequestType.DELETE))
        assert self.delivered("a") == ["text"]

    def test_processes_do_not_mix_their_lines(self) -> None:
        program = (
            "import asyncio, sys; from pathlib import Path\n"
            "from arkserver_channels import *\n"
            "async def go():\n"
            "    async with open_channel('FILE', ChannelOptions(folder=Path(sys.argv[1]), append=True)) as channel:\n"
            "        for _ in range(30): await channel.write(Message('a', sys.argv[2] * 5000))\n"
            "asyncio.run(go())\n"
        )
        writers = [subprocess.Popen([sys.executable, "-c", program, str(self.folder), letter]) for letter in "xyz"]
        assert [writer.wait() for writer in writers] == [0, 0, 0]
        assert sorted(self.delivered("a")) == [letter * 5000 for letter in "xyz" for _ in range(30)]


def test_relative_addresses_stay_below_the_folder_and_absolute_ones_are_taken_as_they_are(tmp_path: Path) -> None:
    async def write() -> None:
        async with open_channel("FILE", ChannelOptions(folder=tmp_path / "elsewhere")) as channel:
            await channel.write(Message(str(tmp_path / "here"), "text"))

    asyncio.run(write())
    assert (tmp_path / "here").read_text() == "text"
