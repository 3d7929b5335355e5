"""The command line: ``arkserver start`` and what belongs to it."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import arkserver
from arkserver.errors import ArkserverError, ConfigurationError

USAGE_ERROR = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command of the command line; the exit status."""
    try:
        arguments = _parser().parse_args(sys.argv[1:] if argv is None else argv)
        run: Callable[[argparse.Namespace], int] = arguments.run
        return run(arguments)
    except ConfigurationError as e:
        print(f"arkserver: {e}", file=sys.stderr)
        return USAGE_ERROR
    except ArkserverError as e:
        print(f"arkserver: {e}", file=sys.stderr)
        return 1
    except ModuleNotFoundError as e:
        print(f"arkserver: {e}; the server's packages are the extra 'server' of arkserver-eda", file=sys.stderr)
        return USAGE_ERROR


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="arkserver", description="An interactive array server.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _start_parser(commands)
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    table = commands.add_parser("commands", help="print the table of commands that clients can send")
    table.set_defaults(run=_commands)
    return parser


# --- start -----------------------------------------------------------------------------------------------------------


def _start_parser(commands: Any) -> None:
    start = commands.add_parser(
        "start",
        help="start a server",
        description="Every flag can also be set in the environment (ARKSERVER_PORT=...) or in a TOML file.",
    )
    start.add_argument("--config", type=Path, metavar="FILE", help="a TOML file of settings")
    from arkserver.settings import ServerSettings

    for name, field in ServerSettings.model_fields.items():
        flag = "--" + name.replace("_", "-")
        text = f"{field.description} [{field.default}]".replace("%", "%%")
        if field.annotation is bool:
            start.add_argument(flag, nargs="?", const="true", default=argparse.SUPPRESS, metavar="BOOL", help=text)
        else:
            start.add_argument(flag, default=argparse.SUPPRESS, metavar="VALUE", help=text)
    start.set_defaults(run=_start)


def _start(arguments: argparse.Namespace) -> int:
    from arkserver import settings
    from arkserver.daemons import logs, server

    flags = {k: v for k, v in vars(arguments).items() if k not in ("config", "run")}
    loaded = settings.load(flags, arguments.config)
    logs.configure(loaded.log_level)
    return asyncio.run(server.serve(loaded))


# --- about -----------------------------------------------------------------------------------------------------------


def _version(_: argparse.Namespace) -> int:
    print(f"arkserver {arkserver.__version__}")
    return 0


def _commands(_: argparse.Namespace) -> int:
    from arkserver.commands.registry import COMMANDS

    for command in sorted(COMMANDS.values(), key=lambda c: (c.family, c.name)):
        print(f"{command.family:12} {command.name:24} {command.distributed:10} {command.doc}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
