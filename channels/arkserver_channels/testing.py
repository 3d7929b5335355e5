"""The contract that every channel keeps, as a test class.

A channel's tests derive from `ChannelContract` and say two things: how to make the channel, and what has arrived::

    class TestMyChannel(ChannelContract):
        def make_channel(self) -> Channel: ...
        def delivered(self, address: str) -> list[str]: ...

The class needs pytest only to be collected; it brings no fixtures.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod

from arkserver_channels.types import Answer, Channel, HttpRequestFormat, HttpRequestType, Message


class ChannelContract:
    """What holds for any channel."""

    @abstractmethod
    def make_channel(self) -> Channel:
        """Return a new channel to the far side that `delivered` reads."""

    @abstractmethod
    def delivered(self, address: str) -> list[str]:
        """Return the payloads that are at `address` now, the oldest first. A channel that replaces has at most one."""

    def addresses(self) -> list[str]:
        """Return two addresses to use."""
        return ["contract-1", "contract-2"]

    def make_unreachable(self) -> Channel | None:
        """Return a channel whose far side is away; None if that cannot be."""
        return None

    def _write(self, *messages: Message) -> list[Answer]:
        async def write() -> list[Answer]:
            async with self.make_channel() as channel:
                return [await channel.write(message) for message in messages]

        return asyncio.run(write())

    def test_a_message_arrives_and_is_answered(self) -> None:
        address, _ = self.addresses()
        (answer,) = self._write(Message(address, '{"a": 1}'))
        assert answer.ok
        assert isinstance(answer.body, bytes)
        assert [text.rstrip("\n") for text in self.delivered(address)][-1] == '{"a": 1}'

    def test_text_arrives_unchanged(self) -> None:
        address, _ = self.addresses()
        text = "grün 数 \t 🙂\nsecond line"
        self._write(Message(address, text, request_format=HttpRequestFormat.TEXT))
        assert self.delivered(address)[-1].rstrip("\n") == text

    def test_a_large_payload_arrives_whole(self) -> None:
        address, _ = self.addresses()
        text = "0123456789abcdef" * 20_000
        self._write(Message(address, text, request_format=HttpRequestFormat.TEXT))
        assert self.delivered(address)[-1].rstrip("\n") == text

    def test_the_last_message_counts(self) -> None:
        address, _ = self.addresses()
        self._write(Message(address, "first"), Message(address, "second"))
        assert self.delivered(address)[-1].rstrip("\n") == "second"

    def test_addresses_are_apart(self) -> None:
        one, other = self.addresses()
        self._write(Message(one, "for one"), Message(other, "for other"))
        assert self.delivered(one)[-1].rstrip("\n") == "for one"
        assert self.delivered(other)[-1].rstrip("\n") == "for other"

    def test_concurrent_messages_do_not_mix(self) -> None:
        address, _ = self.addresses()
        texts = [str(digit) * 10_000 for digit in range(8)]

        async def write() -> list[Answer]:
            async with self.make_channel() as channel:
                return await asyncio.gather(*(channel.write(Message(address, text)) for text in texts))

        assert all(answer.ok for answer in asyncio.run(write()))
        assert {text.rstrip("\n") for text in self.delivered(address)} <= set(texts)

    def test_delete_is_harmless_twice(self) -> None:
        address, _ = self.addresses()
        delete = Message(address, request_type=HttpRequestType.DELETE)
        answers = self._write(Message(address, "text"), delete, delete)
        assert all(answer.ok or answer.status == 404 for answer in answers)

    def test_close_is_harmless_twice(self) -> None:
        async def close() -> None:
            channel = self.make_channel()
            await channel.write(Message(self.addresses()[0], "text"))
            await channel.close()
            await channel.close()

        asyncio.run(close())

    def test_one_channel_serves_one_event_loop_after_the_other(self) -> None:
        address, _ = self.addresses()
        for text in ("one", "two"):
            self._write(Message(address, text))
            assert self.delivered(address)[-1].rstrip("\n") == text

    def test_a_far_side_that_is_away_is_an_error_of_the_tree(self) -> None:
        from arkserver_channels.types import ChannelError

        channel = self.make_unreachable()
        if channel is None:
            return

        async def write() -> None:
            async with channel:
                await channel.write(Message(self.addresses()[0], "text"))

        try:
            asyncio.run(write())
        except ChannelError as error:
            assert str(error)
        else:
            raise AssertionError("a channel to nowhere delivered")

    def test_secrets_are_not_shown(self) -> None:
        options = self.make_channel().options
        for secret in (options.token, options.password):
            assert not secret or secret not in repr(options)
