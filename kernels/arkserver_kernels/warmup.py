"""Fill the cache with the kernels that servers commonly use: ``python -m arkserver_kernels.warmup``."""

from __future__ import annotations

import argparse
import hashlib
import importlib
import os
import pkgutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.registry import cpu_target

import arkserver_kernels
from arkserver_kernels import policy

# Modules whose kernels the first questions of a session are likely to need, before this has compiled all.
EARLY = (
    "text_order", "text_table", "radix", "sets", "moving", "text", "coded", "scanning", "ordered", "groups", "joining",
)  # fmt: skip


def prepare() -> None:
    """Load what Numba needs before it can load any kernel, 0.4 s for which the first call of one would wait."""
    with global_compiler_lock:
        cpu_target.typing_context.refresh()
        cpu_target.target_context.refresh()


def start(jobs: int = 1) -> subprocess.Popen[bytes] | None:
    """Fill the cache in the background, at low priority.

    Returns
    -------
    Popen or None
        The process, which the caller may wait for or end (it also ends when its parent is gone); None when a cache
        holds everything already, or none can be written.
    """
    if any((folder / _marker()).exists() for folder in policy.cache_folders()) or policy.cache_folder() is None:
        return None
    root = str(Path(__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([root, os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, "-m", "arkserver_kernels.warmup", "--jobs", str(jobs), "--quiet", "--nice"]
    return subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)  # noqa: S603


def _marker() -> str:
    """The name of the file that says that a cache holds every signature of these kernels."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return f"complete.{hashlib.sha256(b''.join(p.read_bytes() for p in sources)).hexdigest()[:32]}"


def compile_all(part: int = 0, parts: int = 1, *, quiet: bool = False) -> int:
    """Compile or load every signature of every kernel's warm list whose number is `part` modulo `parts`.

    Returns
    -------
    int
        The number of signatures.
    """
    policy.compile_here()
    mine = [row for i, row in enumerate(_warm_list()) if i % parts == part]
    for i, (name, dispatcher, signature) in enumerate(mine, 1):
        began = time.perf_counter()
        dispatcher.compile(signature)
        seconds = time.perf_counter() - began
        if not quiet and (seconds > 0.05 or i == len(mine)):
            _say(f"[{i}/{len(mine)}] {name.removeprefix('arkserver_kernels.')} {seconds:.2f} s")
    return len(mine)


def _warm_list() -> Iterator[tuple[str, Any, tuple[Any, ...]]]:
    for module in pkgutil.iter_modules(arkserver_kernels.__path__):
        importlib.import_module(f"arkserver_kernels.{module.name}")
    for name in sorted(policy.REGISTRY, key=_rank):
        dispatcher, signatures = policy.REGISTRY[name]
        for signature in signatures:
            yield name, dispatcher, signature


def _rank(name: str) -> int:
    module = name.partition(":")[0].rpartition(".")[2]
    return EARLY.index(module) if module in EARLY else len(EARLY)


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def _in_processes(jobs: int, flags: Sequence[str]) -> int:
    command = [sys.executable, "-m", "arkserver_kernels.warmup", *flags]
    parts = [subprocess.Popen([*command, "--part", f"{i}/{jobs}"]) for i in range(jobs)]  # noqa: S603
    parent = os.getppid()
    while any(p.poll() is None for p in parts):
        if os.getppid() != parent:  # nobody waits for this any more
            for p in parts:
                p.terminate()
        time.sleep(0.2)
    return max(abs(p.wait()) for p in parts)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(prog="arkserver_kernels.warmup", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes that compile side by side")
    parser.add_argument("--quiet", action="store_true", help="say nothing")
    parser.add_argument("--nice", action="store_true", help="run at low priority")
    parser.add_argument("--part", help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    if options.nice and hasattr(os, "nice"):
        os.nice(10)
    if options.part is not None:
        part, parts = (int(n) for n in options.part.split("/"))
        compile_all(part, parts, quiet=options.quiet)
        return 0
    status = _in_processes(options.jobs, ["--quiet"] if options.quiet else [])
    if status == 0 and (folder := policy.cache_folder()) is not None:
        (folder / _marker()).touch()
    return status


if __name__ == "__main__":
    sys.exit(main())
