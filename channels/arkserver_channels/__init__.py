"""Channels: ways to deliver one message to a system outside the server."""

from __future__ import annotations

from arkserver_channels.registry import UnknownChannelError, channel_class, channel_names, open_channel
from arkserver_channels.types import (
    Answer,
    Channel,
    ChannelError,
    ChannelOptions,
    ChannelOptionsError,
    ChannelType,
    HttpRequestFormat,
    HttpRequestType,
    Message,
    UnreachableError,
    UntrustedPeerError,
)

__all__ = [
    "Answer",
    "Channel",
    "ChannelError",
    "ChannelOptions",
    "ChannelOptionsError",
    "ChannelType",
    "HttpRequestFormat",
    "HttpRequestType",
    "Message",
    "UnknownChannelError",
    "UnreachableError",
    "UntrustedPeerError",
    "channel_class",
    "channel_names",
    "open_channel",
]
