"""``arkserver start``: a flag for every setting."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from arkserver.cli import integration


def add(commands: Any) -> None:
    """Add the parser."""
    start = commands.add_parser(
        "start",
        help="start a server",
        description="Every flag can also be set in the environment (ARKSERVER_PORT=...) or in a TOML file.",
    )
    start.add_argument("--config", type=Path, metavar="FILE", help="a TOML file of settings")
    add_settings(start)
    integration.add_settings(start)
    start.set_defaults(run=_start)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """A flag for each field of the settings; what is not given stays out of the parsed arguments."""
    try:
        from arkserver.settings import ServerSettings
    except ModuleNotFoundError:
        return  # without the server's packages the client's commands still work; start itself then says what lacks
    for name, field in ServerSettings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        text = f"{field.description} [{field.default}]".replace("%", "%%")
        many: dict[str, Any] = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
        metavar = "BOOL" if many else "VALUE"
        parser.add_argument(flag, default=argparse.SUPPRESS, metavar=metavar, help=text, **many)


def _start(arguments: argparse.Namespace) -> int:
    from arkserver import settings
    from arkserver.daemons import logs, server

    announced = integration.take_settings(arguments)
    flags = {k: v for k, v in vars(arguments).items() if k not in ("config", "run")}
    loaded = settings.load(flags, arguments.config)
    logs.configure(loaded.log_level)
    return asyncio.run(server.serve(loaded, announced))
