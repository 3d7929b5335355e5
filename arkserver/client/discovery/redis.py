"""Servers that are registered in Redis; speaks the few words of its protocol (RESP) that are needed."""

from __future__ import annotations

import json
import socket
import ssl
from typing import Any
from urllib.parse import SplitResult, unquote

from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import DiscoveryError, Target, targets

Stream = Any
"""A buffered stream, as `socket.makefile` makes it."""

Reply = bytes | int | list["Reply"] | None


def resolve(parts: SplitResult, settings: DiscoverySettings) -> list[Target]:
    """Ask the server at ``redis://host:port/service``."""
    service = parts.path.strip("/")
    if not parts.hostname or not service:
        raise DiscoveryError(f"{parts.geturl()} should be redis://host:port/service")
    place = f"{parts.hostname}:{parts.port or 6379}"
    try:
        with _connect(parts, settings) as connection, connection.makefile("rwb") as stream:
            _log_in(stream, parts, settings)
            members = _ask(stream, "SMEMBERS", f"arkserver:service:{service}")
            names = sorted(m.decode() for m in members if isinstance(m, bytes)) if isinstance(members, list) else []
            texts = [_ask(stream, "GET", f"arkserver:instance:{service}:{name}") for name in names]
    except OSError as error:
        raise (
            error if isinstance(error, DiscoveryError) else DiscoveryError(f"cannot ask Redis {place}: {error}")
        ) from error
    found = [json.loads(text) for text in texts if isinstance(text, bytes)]
    return [target for entry in found for target in targets(entry["addresses"], entry["port"])]


def _connect(parts: SplitResult, settings: DiscoverySettings) -> socket.socket:
    host = parts.hostname or ""
    connection = socket.create_connection((host, parts.port or 6379), timeout=settings.timeout_s)
    if parts.scheme == "redis":
        return connection
    context = ssl.create_default_context(cafile=settings.ca_file or None)
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file or None)
    return context.wrap_socket(connection, server_hostname=host)


def _log_in(stream: Stream, parts: SplitResult, settings: DiscoverySettings) -> None:
    user = unquote(parts.username or settings.redis_user)
    password = unquote(parts.password or "") or settings.redis_password
    if password:
        _ask(stream, "AUTH", *([user] if user else []), password)


def _ask(stream: Stream, *words: str) -> Reply:
    parts = [f"*{len(words)}\r\n".encode()]
    for word in words:
        data = word.encode()
        parts.append(b"$%d\r\n%b\r\n" % (len(data), data))
    stream.write(b"".join(parts))
    stream.flush()
    return _read(stream)


def _read(stream: Stream) -> Reply:
    line: bytes = stream.readline().rstrip(b"\r\n")
    kind, rest = line[:1], line[1:]
    match kind:
        case b"+":
            return rest
        case b":":
            return int(rest)
        case b"$":
            return None if rest == b"-1" else bytes(stream.read(int(rest) + 2)[:-2])
        case b"*":
            return [_read(stream) for _ in range(int(rest))]
        case b"-":
            raise DiscoveryError(f"Redis refuses: {rest.decode(errors='replace')}")
        case _:
            raise DiscoveryError("Redis closed the connection, or this is no Redis server")
