"""``arkserver version``, ``arkserver commands`` and ``arkserver warmup``."""

from __future__ import annotations

import argparse
import os
from typing import Any

import arkserver


def add(commands: Any) -> None:
    """Add the parsers."""
    version = commands.add_parser("version", help="print the version")
    version.set_defaults(run=_version)
    table = commands.add_parser("commands", help="print the table of commands that clients can send")
    table.add_argument("--format", choices=("text", "markdown", "json"), default="text")
    table.add_argument("--missing", action="store_true", help="only those that Arkouda's server has and this one lacks")
    table.set_defaults(run=_commands)

    warm = commands.add_parser("warmup", help="compile the kernels that servers commonly use, once a machine")
    warm.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compile side by side")
    warm.set_defaults(run=_warmup)


def _warmup(arguments: argparse.Namespace) -> int:
    from arkserver_kernels import warmup

    return warmup.main(["--jobs", str(arguments.jobs)])


def _version(_: argparse.Namespace) -> int:
    print(f"arkserver {arkserver.__version__}")
    return 0


def _commands(arguments: argparse.Namespace) -> int:
    from arkserver.commands import catalogue

    table = [r for r in catalogue.rows() if not arguments.missing or r.upstream == "missing"]
    print(catalogue.FORMATS[arguments.format](table))
    return 0
