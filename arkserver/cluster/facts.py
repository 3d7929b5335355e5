"""What the dashboard's web server shows of us: workers and places, and a way to add pages to it."""

from __future__ import annotations

from typing import Any

from distributed import Scheduler
from distributed.dashboard.scheduler import template_variables
from tornado.web import Application

from arkserver.cluster.blocks import remote_blocks
from arkserver.cluster.worker import THREADS
from arkserver.engine.executor import Refs


def add_pages(scheduler: Scheduler, pages: Application, link: str) -> None:
    """Serve `pages` beside Dask's own, and put `link` into the dashboard's row of links."""
    scheduler.http_application.add_application(pages)
    links = template_variables(scheduler)["pages"]
    if link not in links:
        links.append(link)


def workers(scheduler: Scheduler) -> list[dict[str, Any]]:
    """The workers that are there, in the order in which they joined; sizes in bytes."""
    return [
        {
            "name": str(w.name),
            "address": w.address,
            "threads": int(w.resources.get(THREADS, w.nthreads)),
            "arrays": w.nbytes,
            "process": w.memory.process,
            "spilled": w.memory.spilled,
            "limit": w.memory_limit,
            "tasks": len(w.processing),
        }
        for w in scheduler.workers.values()
    ]


def where(value: Any) -> str:
    """Where the blocks of a value are."""
    blocks = getattr(value, "blocks", ())
    remote = sum(bool(remote_blocks([Refs([b])])) for b in blocks)
    if not remote:
        return "server"
    return f"{remote} blocks on workers" + (f", {len(blocks) - remote} here" if remote < len(blocks) else "")
