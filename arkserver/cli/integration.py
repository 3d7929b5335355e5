"""``arkserver register``, ``resolve``, ``reap``, and the flags of the integration that other commands share."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from arkserver.integration.settings import IntegrationSettings

_PREFIX = "integration:"

SPELLINGS = {
    "--ExternalIntegration.systemType": "--system-type",
    "--systemType": "--system-type",
    "--ExternalIntegration.channelType": "--channel-type",
    "--ServerDaemon.daemonTypes": "--daemon-types",
    "--daemonTypes": "--daemon-types",
}
"""Arkouda's flags, and ours. Their values (``SystemType.KUBERNETES``) are read as they are."""


def translate(arguments: Sequence[str]) -> list[str]:
    """Return the command line with Arkouda's spellings replaced by ours."""
    return [SPELLINGS.get(flag, flag) + equals + value for flag, equals, value in (a.partition("=") for a in arguments)]


def add(commands: Any) -> None:
    """Add the parsers."""
    register = commands.add_parser("register", help="print or write a registration without starting a server")
    register.add_argument("--port", type=int, default=5555, help="port for clients of the server that is meant [5555]")
    register.add_argument("--metrics-port", type=int, default=9555, help="port of its metrics [9555]")
    register.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with a table [integration]")
    add_settings(register)
    register.set_defaults(run=_register)
    resolve = commands.add_parser("resolve", help="say where a registered server is")
    resolve.add_argument(
        "url", help="k8s://namespace/service, consul://host/service, redis://host/service, file:///path"
    )
    resolve.add_argument("--all", action="store_true", help="every instance, not only one")
    resolve.set_defaults(run=_resolve)
    reap = commands.add_parser("reap", help="remove registrations that nobody renews any more")
    reap.add_argument("--config", type=Path, metavar="FILE", help="a TOML file with a table [integration]")
    add_settings(reap)
    reap.set_defaults(run=_reap)


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add a flag for each field of the settings; what is not given stays out of the parsed arguments."""
    try:
        from pydantic import SecretStr

        from arkserver.integration.settings import IntegrationSettings
    except ModuleNotFoundError:
        return  # without the server's packages the client's commands still work
    group = parser.add_argument_group(
        "integration", "Also from the environment: ARKSERVER_SYSTEM_TYPE=..., K8S_HOST=..."
    )
    for name, field in IntegrationSettings.model_fields.items():
        if field.annotation is SecretStr:
            continue  # everybody on the machine can read a command line
        text = (field.description or "").replace("%", "%%")
        many: dict[str, Any] = {"nargs": "?", "const": "true"} if field.annotation is bool else {}
        flag = f"--{name.replace('_', '-')}"
        group.add_argument(
            flag, dest=_PREFIX + name, default=argparse.SUPPRESS, metavar="BOOL" if many else "VALUE", help=text, **many
        )


def take_settings(arguments: argparse.Namespace) -> IntegrationSettings:
    """Take the integration's flags out of the parsed arguments, and return its settings.

    Raises
    ------
    ConfigurationError
        A setting cannot be read.
    """
    from arkserver.integration.settings import load

    names = [name for name in vars(arguments) if name.startswith(_PREFIX)]
    flags = {name.removeprefix(_PREFIX): getattr(arguments, name) for name in names}
    for name in names:
        delattr(arguments, name)
    return load(flags, getattr(arguments, "config", None))


def _register(arguments: argparse.Namespace) -> int:
    from arkserver.integration import documents
    from arkserver.integration.endpoints import endpoints

    settings = take_settings(arguments)
    doors = endpoints(settings, arguments.port, arguments.metrics_port)
    asyncio.run(documents.write_once(settings, doors))
    return 0


def _resolve(arguments: argparse.Namespace) -> int:
    from arkserver.client.discovery import resolve

    found = resolve(arguments.url)
    for target in found if arguments.all else found[:1]:
        print(target.url)
    return 0


def _reap(arguments: argparse.Namespace) -> int:
    from arkserver.integration.reap import reap

    removed = asyncio.run(reap(take_settings(arguments)))
    print("\n".join(f"removed {what}" for what in removed) or "nothing to remove")
    return 0
