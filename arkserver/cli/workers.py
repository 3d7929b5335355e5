"""``arkserver worker``, ``arkserver scale`` and ``arkserver certs``: the machines that large arrays live on."""

from __future__ import annotations

import argparse
import asyncio
from pathlib import Path
from typing import Any

from arkserver.cli.control import add_server, connect
from arkserver.errors import ConfigurationError


def add(commands: Any) -> None:
    """Add the parsers."""
    _add_worker(commands)
    scale = commands.add_parser("scale", help="have a running server start or end workers")
    scale.add_argument("workers", type=int, metavar="N", help="how many there shall be; with 0 arrays go to the server")
    add_server(scale, timeout=600)
    scale.set_defaults(run=_scale)
    certs = commands.add_parser("certs", help="make certificates for the connections to workers")
    certs.add_argument("folder", type=Path, help="folder to write to; give it to --tls-folder everywhere")
    certs.set_defaults(run=_certs)


def _add_worker(commands: Any) -> None:
    worker = commands.add_parser(
        "worker",
        help="join a running server as a worker",
        description="SIGTERM and SIGINT make it hand its blocks over before it leaves.",
    )
    worker.add_argument("scheduler", help="address that the server printed, such as tcp://host:8786")
    worker.add_argument("--name", help="name, as shown in the dashboard")
    worker.add_argument("--nthreads", type=int, default=1, metavar="N", help="threads that kernels run on [1]")
    worker.add_argument("--memory-limit", default="90%", metavar="BYTES", help="such as 8GB or 50%% [90%%]")
    worker.add_argument("--local-directory", type=Path, metavar="DIR", help="for what does not fit into memory")
    worker.add_argument("--tls-folder", type=Path, metavar="DIR", help="certificates made by arkserver certs")
    worker.add_argument(
        "--death-timeout", type=float, default=60.0, metavar="SECONDS", help="end after so long without a server [60]"
    )
    worker.add_argument(
        "--leave-seconds", type=float, default=60.0, metavar="SECONDS", help="time to hand blocks over at the end [60]"
    )
    worker.set_defaults(run=_worker)


def _worker(arguments: argparse.Namespace) -> int:
    from arkserver.cluster import process
    from arkserver.settings import WorkerSettings, parse_bytes

    try:
        settings = WorkerSettings.model_validate(
            {"worker_threads": arguments.nthreads, "tls_folder": arguments.tls_folder}
        )
        memory = parse_bytes(arguments.memory_limit)
    except ValueError as e:
        raise ConfigurationError(str(e)) from None
    worker = process.WorkerProcess(
        scheduler=arguments.scheduler,
        settings=settings,
        name=arguments.name,
        memory=memory,
        folder=arguments.local_directory,
        death_timeout=arguments.death_timeout,
        leave_seconds=arguments.leave_seconds,
    )
    return asyncio.run(process.serve(worker))


def _scale(arguments: argparse.Namespace) -> int:
    with connect(arguments) as session:
        print(session.text("scale", workers=arguments.workers))
    return 0


def _certs(arguments: argparse.Namespace) -> int:
    from arkserver.cluster.tls import make_certificates

    for path in make_certificates(arguments.folder):
        print(path)
    return 0
