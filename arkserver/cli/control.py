"""``arkserver status``, ``arkserver stop`` and ``arkserver checkpoint``: ask a running server."""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

from arkserver.errors import ConfigurationError

DEFAULT_URL = "tcp://localhost:5555"


def add(commands: Any) -> None:
    """Add the parsers."""
    status = commands.add_parser("status", help="show what a running server does")
    status.add_argument("--json", action="store_true", help="print all facts as JSON")
    stop = commands.add_parser("stop", help="end a running server after its running commands")
    checkpoint = commands.add_parser("checkpoint", help="have a running server write its state to the disk")
    checkpoint.add_argument("--path", type=Path, metavar="FOLDER", help="on the server, instead of its own folder")
    checkpoint.add_argument("--name", default="checkpoint", help="of the checkpoint in --path [checkpoint]")
    for parser, run in ((status, _status), (stop, _stop), (checkpoint, _checkpoint)):
        add_server(parser, timeout=10)
        parser.set_defaults(run=run)


def add_server(parser: argparse.ArgumentParser, timeout: int) -> None:
    """The flags by which a server is found."""
    parser.add_argument("--url", help=f"the server [$ARKSERVER_URL or {DEFAULT_URL}]")
    parser.add_argument("--connection-file", type=Path, metavar="FILE", help="file that the server announced itself in")
    text = f"wait for the answer [{timeout}]"
    parser.add_argument("--timeout", type=float, default=float(timeout), metavar="SECONDS", help=text)


def connect(arguments: argparse.Namespace) -> Any:
    """A session with the server that the flags name."""
    import arkserver.client

    return arkserver.client.connect(_url(arguments), timeout=arguments.timeout)


def _url(arguments: argparse.Namespace) -> str:
    if arguments.connection_file is None:
        return arguments.url or os.environ.get("ARKSERVER_URL") or DEFAULT_URL
    try:
        return str(arguments.connection_file.read_text().split()[2])
    except (OSError, IndexError) as e:
        raise ConfigurationError(
            f"--connection-file {arguments.connection_file}: no server is announced ({e})"
        ) from None


def _status(arguments: argparse.Namespace) -> int:
    with connect(arguments) as session:
        facts = session.status()
    print(json.dumps(facts, indent=1) if arguments.json else "\n".join(_lines(facts)))
    return 0


def _lines(facts: dict[str, Any], prefix: str = "") -> list[str]:
    out: list[str] = []
    for name, value in facts.items():
        if isinstance(value, dict):
            out += _lines(value, f"{prefix}{name} ")
        elif isinstance(value, list):
            out += [f"{prefix + name:18} {len(value)}", *(f"  {_inline(v)}" for v in value)]
        else:
            out.append(f"{prefix + name:18} {value}")
    return out


def _inline(value: Any) -> str:
    return "  ".join(f"{k}={v}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _stop(arguments: argparse.Namespace) -> int:
    with connect(arguments) as session:
        session.shutdown()
    print("the server ends")
    return 0


def _checkpoint(arguments: argparse.Namespace) -> int:
    with connect(arguments) as session:
        if arguments.path is not None:
            name = session.save_checkpoint(arguments.path, arguments.name, mode="overwrite")
            print(arguments.path / name)
        else:
            written = session.checkpoint()
            print(f"{written['path']}/{written['name']}  {written['nbytes']} bytes in {written['seconds']} s")
    return 0
