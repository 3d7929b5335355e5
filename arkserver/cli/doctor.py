"""``arkserver doctor``: look at what a server needs before it is started, and say what to do."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import importlib
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from arkserver.cli import integration
from arkserver.cli.start import add_settings
from arkserver.integration.findings import Finding


def add(commands: Any) -> None:
    """Add the parser."""
    parser = commands.add_parser("doctor", help="check ports, memory, packages and files before a start")
    parser.add_argument("--config", type=Path, metavar="FILE", help="a TOML file of settings")
    add_settings(parser)
    integration.add_settings(parser)
    parser.set_defaults(run=_doctor)


def _doctor(arguments: argparse.Namespace) -> int:
    from arkserver import settings
    from arkserver.integration.doctor import diagnose

    announced = integration.take_settings(arguments)
    flags = {k: v for k, v in vars(arguments).items() if k not in ("config", "run")}
    loaded = settings.load(flags, arguments.config)
    findings = [f for check in CHECKS for f in check(loaded)]
    findings += asyncio.run(diagnose(announced))
    for f in findings:
        print(f"{'ok  ' if f.ok else 'FAIL'}  {f.check:18} {f.text}")
    return 0 if all(f.ok for f in findings) else 1


def _packages(_: Any) -> Iterator[Finding]:
    for name in ("numba", "distributed", "pyarrow", "bokeh"):
        try:
            module = importlib.import_module(name)
            yield Finding(name, ok=True, text=str(getattr(module, "__version__", "installed")))
        except ImportError as e:
            yield Finding(name, ok=False, text=f"{e}; install the extra 'server' of arkserver-eda")


def _ports(settings: Any) -> Iterator[Finding]:
    wanted = {"--port": settings.port, "--metrics-port": settings.metrics_port}
    if settings.scheduler:
        wanted |= {"--scheduler-port": settings.scheduler_port, "--dashboard-port": settings.dashboard_port}
    for flag, port in wanted.items():
        with contextlib.closing(socket.socket()) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((settings.host, port))
                yield Finding(flag, ok=True, text=f"{port} is free")
            except OSError as e:
                yield Finding(flag, ok=False, text=f"{port}: {e.strerror}; choose another, 0 takes a free one")


def _memory(settings: Any) -> Iterator[Finding]:
    import psutil

    from arkserver.settings import available_memory

    there = psutil.virtual_memory().available
    text = f"limit {settings.memory_limit / 1e9:.1f} GB, available now {there / 1e9:.1f} GB"
    enough = settings.memory_limit <= available_memory()
    yield Finding("--memory-limit", ok=enough, text=text if enough else f"{text}; more than this process may have")


def _kernel_cache(_: Any) -> Iterator[Finding]:
    from arkserver_kernels.policy import cache_folder

    folder = cache_folder()
    text = str(folder) if folder else "cannot be written; kernels are compiled anew at each start"
    yield Finding("kernel cache", ok=folder is not None, text=text)


def _checkpoints(settings: Any) -> Iterator[Finding]:
    folder: Path | None = settings.checkpoint_folder
    if folder is None:
        return
    existing = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    if not (existing.is_dir() and os.access(existing, os.W_OK)):
        yield Finding("--checkpoint-folder", ok=False, text=f"{existing} is no folder that can be written to")
        return
    free = shutil.disk_usage(existing).free
    count = settings.checkpoint_keep + 1
    text = f"{free / 1e9:.1f} GB are free for {count} checkpoints in {folder}"
    yield Finding("--checkpoint-folder", ok=True, text=text)


CHECKS: tuple[Callable[[Any], Iterator[Finding]], ...] = (_packages, _ports, _memory, _kernel_cache, _checkpoints)
