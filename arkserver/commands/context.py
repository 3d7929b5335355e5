"""What a command may know beyond its parameters: the engine, who asks, and the server that it runs in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from arkserver.engine.state import Engine
from arkserver.engine.transfer.links import Rules


@dataclass(frozen=True, slots=True)
class Locale:
    """A process that holds arrays: the server, or a worker."""

    name: str
    cores: int
    """threads that its kernels run on"""
    memory: int
    """bytes"""


@dataclass(slots=True)
class ServerInfo:
    """The server as the core commands describe it; the daemons fill it in."""

    version: str = ""
    """what clients compare with their own version"""
    host: str = "localhost"
    port: int = 5555
    log_level: str = "INFO"
    authenticate: bool = False
    auto_shutdown: bool = False
    allow_apply: bool = False
    transfer: Rules | None = None
    """how arrays go to other servers, if they may"""
    url: str = ""
    """where clients connect to"""
    extra: Callable[[], Mapping[str, Any]] = dict
    """further facts for ``status``: addresses, integration, workers"""
    stop: Callable[[], None] = lambda: None
    """asks the server to end"""
    requests: Callable[[], int] = lambda: 0
    """replies sent so far"""
    running: Callable[[], list[Mapping[str, Any]]] = list
    """the commands that run now"""
    cancel: Callable[[int], bool] = lambda _: False
    """ends a running command by its number"""
    workers: Callable[[], list[Locale]] = list
    """the workers that are there"""
    checkpoint: Callable[[], Mapping[str, Any]] | None = None
    """writes a checkpoint into the server's folder, and says which"""
    settle: Callable[[], None] = lambda: None
    """returns when no checkpoint is being written in the background"""
    scale: Callable[[int], None] | None = None
    """starts or ends workers until there are as many"""


@dataclass(slots=True)
class Context:
    """The surroundings of one request."""

    engine: Engine
    server: ServerInfo = field(default_factory=ServerInfo)
    user: str = ""
    token: str = ""
