from __future__ import annotations

import asyncio

import pytest
from arkserver_channels import Channel, ChannelOptions, HttpRequestType, Message, open_channel
from arkserver_channels.testing import ChannelContract


class TestStdout(ChannelContract):
    """Everything goes to one place, so addresses are told apart by the order only."""

    @pytest.fixture(autouse=True)
    def _output(self, capsys: pytest.CaptureFixture[str]) -> None:
        self._capture = capsys
        self._texts: list[str] = []

    def make_channel(self) -> Channel:
        return open_channel("STDOUT", ChannelOptions())

    def delivered(self, address: str) -> list[str]:  # noqa: ARG002 - there is one place
        if text := self._capture.readouterr().out:
            self._texts.append(text)
        return self._texts

    def test_the_last_message_counts(self) -> None:
        self._write(Message("", "first"), Message("", "second"))
        assert self.delivered("") == ["first\nsecond\n"]

    def test_addresses_are_apart(self) -> None:
        pytest.skip("standard output has one address")

    def test_concurrent_messages_do_not_mix(self) -> None:
        texts = [str(digit) * 10_000 for digit in range(8)]

        async def write() -> None:
            channel = self.make_channel()
            await asyncio.gather(*(channel.write(Message(payload=text)) for text in texts))

        asyncio.run(write())
        assert self._capture.readouterr().out.splitlines() == texts

    def test_a_message_without_payload_prints_nothing(self) -> None:
        self._write(Message(request_type=HttpRequestType.DELETE))
        assert self._capture.readouterr().out == ""
