"""Which channels there are: a table of the built-in ones, then those of other distributions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from arkserver_channels.types import Channel, ChannelOptions, ChannelOptionsError, ChannelType

ENTRY_POINTS = "arkserver.channels"


class UnknownChannelError(ChannelOptionsError, LookupError):
    """No channel of that name."""


def _stdout() -> type[Channel]:
    from arkserver_channels.stdout import StdoutChannel

    return StdoutChannel


def _file() -> type[Channel]:
    from arkserver_channels.file import FileChannel

    return FileChannel


def _http() -> type[Channel]:
    from arkserver_channels.http import HttpChannel

    return HttpChannel


def _redis() -> type[Channel]:
    from arkserver_channels.redis import RedisChannel

    return RedisChannel


# Functions, so that httpx and redis are imported by those who use them only.
_BUILT_IN: Mapping[str, Callable[[], type[Channel]]] = MappingProxyType(
    {ChannelType.STDOUT: _stdout, ChannelType.FILE: _file, ChannelType.HTTP: _http, ChannelType.REDIS: _redis}
)
_EXTRAS: Mapping[str, str] = MappingProxyType({ChannelType.HTTP: "server", ChannelType.REDIS: "redis"})


def channel_names() -> list[str]:
    """Names of all channels, the built-in ones first."""
    return [*(str(name) for name in _BUILT_IN), *sorted(_plugins())]


def channel_class(name: ChannelType | str) -> type[Channel]:
    """Return the class of the channel `name`.

    Raises
    ------
    UnknownChannelError
        No such channel; the text lists those that there are.
    ChannelOptionsError
        The channel's library is not installed; the text has the pip command.
    """
    if name in _BUILT_IN:
        return _load(str(name), _BUILT_IN[name])
    if plugin := _plugins().get(str(name)):
        return _load(str(name), plugin.load)
    raise UnknownChannelError(f"unknown channel {str(name)!r}; known are {', '.join(channel_names())}")


def open_channel(name: ChannelType | str, options: ChannelOptions) -> Channel:
    """Make the channel `name` with `options`."""
    return channel_class(name)(options)


def _plugins() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=ENTRY_POINTS) if point.name not in _BUILT_IN}


def _load(name: str, load: Callable[[], type[Channel]]) -> type[Channel]:
    try:
        return load()
    except ModuleNotFoundError as error:
        extra = _EXTRAS.get(name)
        advice = f": pip install 'arkserver-eda[{extra}]'" if extra else ""
        raise ChannelOptionsError(f"channel {name} needs the module {error.name}{advice}") from error
