"""Servers that a file or the URL itself names."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import SplitResult, parse_qs, unquote

from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import CLIENT, DEFAULT_PORT, DiscoveryError, Target, targets


def resolve_tcp(parts: SplitResult, _: DiscoverySettings) -> list[Target]:
    """Return what the URL says."""
    if not parts.hostname:
        raise DiscoveryError(f"{parts.geturl()} has no host; write tcp://host:port")
    token = parse_qs(parts.query).get("token", [""])[0]
    return [Target(parts.hostname, parts.port or DEFAULT_PORT, token)]


def resolve(parts: SplitResult, _: DiscoverySettings) -> list[Target]:
    """Read a JSON registration, or a server's connection file (``host port url``)."""
    path = Path(unquote(parts.path))
    try:
        text = path.read_text()
    except OSError as error:
        raise DiscoveryError(f"cannot read {path}: {error.strerror}; has the server written it yet?") from error
    try:
        return _from_registration(json.loads(text)) if text.lstrip().startswith("{") else _from_line(text)
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise DiscoveryError(f"{path} is neither a registration nor a connection file: {error}") from error


def _from_registration(document: dict[str, Any]) -> list[Target]:
    doors = [door for door in document["endpoints"] if door["endpoint"] == CLIENT]
    return [target for door in doors for target in targets(door["addresses"], door["port"])]


def _from_line(text: str) -> list[Target]:
    host, port, url = text.split()
    token = url.partition("?token=")[2]
    return [Target(host, int(port), token)]
