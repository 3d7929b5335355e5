from __future__ import annotations

import builtins
import importlib.metadata
import sys
from collections.abc import Sequence
from typing import Any

import pytest
from arkserver_channels import (
    Channel,
    ChannelOptions,
    ChannelOptionsError,
    ChannelType,
    HttpRequestFormat,
    HttpRequestType,
    UnknownChannelError,
    channel_class,
    channel_names,
    open_channel,
    registry,
)
from arkserver_channels.stdout import StdoutChannel


def test_the_names_are_arkoudas_letter_for_letter() -> None:
    assert [kind.name for kind in ChannelType] == ["STDOUT", "FILE", "HTTP", "REDIS"]
    assert [kind.name for kind in HttpRequestType] == ["POST", "PUT", "PATCH", "DELETE", "GET"]
    assert [kind.name for kind in HttpRequestFormat][:3] == ["TEXT", "JSON", "MULTIPART"]


@pytest.mark.parametrize("kind", ChannelType)
def test_every_channel_type_has_a_channel(kind: ChannelType) -> None:
    assert issubclass(channel_class(kind), Channel)


def test_an_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UnknownChannelError, match="unknown channel 'PIGEON'; known are STDOUT, FILE, HTTP, REDIS"):
        open_channel("PIGEON", ChannelOptions())


def test_another_distribution_adds_a_channel(monkeypatch: pytest.MonkeyPatch) -> None:
    point = importlib.metadata.EntryPoint("PIGEON", "arkserver_channels.stdout:StdoutChannel", registry.ENTRY_POINTS)

    def entry_points(*, group: str) -> Sequence[importlib.metadata.EntryPoint]:
        return [point] if group == "arkserver.channels" else []

    monkeypatch.setattr(registry, "entry_points", entry_points)
    assert channel_class("PIGEON") is StdoutChannel
    assert "PIGEON" in channel_names()


def test_a_missing_library_names_the_pip_command(monkeypatch: pytest.MonkeyPatch) -> None:
    real_import = builtins.__import__

    def without_redis(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "redis":
            raise ModuleNotFoundError("No module named 'redis'", name="redis")
        return real_import(name, *args, **kwargs)

    monkeypatch.delitem(sys.modules, "arkserver_channels.redis", raising=False)
    monkeypatch.setattr(builtins, "__import__", without_redis)
    with pytest.raises(ChannelOptionsError, match=r"pip install 'arkserver-eda\[redis\]'"):
        channel_class(ChannelType.REDIS)
