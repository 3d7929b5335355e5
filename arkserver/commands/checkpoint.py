"""Checkpoints: the state of the server on disk, and back."""

from __future__ import annotations

from pathlib import Path

from arkserver.commands import projection
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.commands.results import Json
from arkserver.engine.checkpoint import folders, restoring, saving
from arkserver.engine.checkpoint.folders import Mode
from arkserver.errors import ArgumentError

DEFAULT_PATH = ".akdata"
"""Arkouda's"""


@command("save_checkpoint", project=projection.nothing)
def save(context: Context, name: str = "", path: str = DEFAULT_PATH, mode: str = Mode.OVERWRITE.value) -> str:
    """Write all symbols and registered objects into a folder; the reply is its name."""
    if mode not in list(Mode):
        raise ArgumentError(f'invalid checkpointing mode "{mode}"; known are {", ".join(Mode)}')
    target = folders.place_of(Path(path), name or context.engine.symbols.server_id)
    saving.save(context.engine, target, Mode(mode), locales=_locales(context))
    return target.name


def _bytes(path: str = DEFAULT_PATH, name: str = "") -> int:
    return restoring.nbytes(Path(path) / name)


@command("load_checkpoint", project=_bytes)
def load(context: Context, name: str, path: str = DEFAULT_PATH) -> str:
    """Bring symbols and registered objects back under their old names."""
    restoring.load(context.engine, folders.place_of(Path(path), name), locales=_locales(context))
    return name


def _locales(context: Context) -> int:
    return max(1, len(context.server.workers()))


@command("checkpoint", project=projection.nothing)
def checkpoint(context: Context) -> Json:
    """Write a checkpoint into the server's own folder, where it keeps the newest few."""
    if context.server.checkpoint is None:
        raise ArgumentError("this server keeps no checkpoints; start it with --checkpoint-folder, or name a path")
    return Json(context.server.checkpoint())


@command("wait_for_async_activity", project=projection.nothing, distributed="server")
def wait_for_async_activity(context: Context) -> str:
    """Return when no checkpoint is being written in the background."""
    context.server.settle()
    return "completed"
