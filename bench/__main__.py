"""``python -m bench``: every row of the table at its sizes, through the client on a running server."""

from __future__ import annotations

import argparse
import os
import re
import signal
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"

BYTES_NEEDED = 120
"""Bytes of memory for a row of the largest data while all libraries work on it; larger sizes are left out."""


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", default="1e6,1e7,1e8", help="row counts, comma between")
    parser.add_argument("--only", default="", help="regular expression that the operation's name must hold")
    parser.add_argument("--peers", default="", help="regular expression that the peers' names must hold")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads for us and for every peer")
    parser.add_argument("--budget", type=float, default=2.5, help="seconds for the rounds of one library in one row")
    parser.add_argument("--merge", action="store_true", help="keep what earlier runs measured of other rows and sizes")
    parser.add_argument("--report", action="store_true", help="measure nothing; write the pages again")
    parser.add_argument("--docs", type=Path, help="write the page of the documentation into this folder")
    parser.add_argument("--remark", default="", help="what that page has to say of the machine at the time")
    options = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)  # read when polars is imported
    signal.signal(signal.SIGTERM, _leave)
    sizes = [int(float(s)) for s in options.sizes.split(",")]
    wrong = [] if options.report else run(sizes, options)
    write_pages(options.docs, options.remark)
    if wrong:
        raise SystemExit("\n".join(["answers differ:", *wrong]))


def _leave(*_: object) -> None:
    """End on a signal as on an error, so that the server ends too."""
    raise SystemExit(143)


def run(sizes: list[int], options: argparse.Namespace) -> list[str]:
    """Measure and print; after each row the results are written. Returns which answers were wrong."""
    from arkserver.client import connect
    from bench import cases, measure, peers, report, results  # noqa: F401 - cases fill the table
    from bench.answers import WrongAnswerError
    from bench.case import CASES
    from tests.support.server import running_server

    threads = options.threads
    peers.allow(threads)
    measure.budget = options.budget
    path = RESULTS / "latest.json"
    kept = results.load(path) if options.merge else []
    wrong: list[str] = []
    server_flags = ("--log-level", "WARN", "--threads", str(threads))
    with running_server(*server_flags) as server, connect(server.address) as session:
        limits = measure.limits(threads)
        print(", ".join(f"{name} {rate / 1e9:.1f} GB/s" for name, rate in limits.items()), f"with {threads} threads")
        print(report.header(), flush=True)
        for row in CASES.values():
            chosen = row.of_peers(options.peers) if re.search(options.only, row.op) else None
            for i, n in enumerate(n for n in sizes if chosen and n in row.sizes and _fits(n)):
                assert chosen is not None
                try:
                    found = measure.measure(session, chosen, n, limits, check=i == 0)
                except WrongAnswerError as e:
                    wrong.append(str(e))
                    print(e, flush=True)
                    continue
                print(report.line(found), flush=True)
                kept = results.merged(kept, [found])
                results.save(path, kept)
    return wrong


def _fits(n: int) -> bool:
    return psutil.virtual_memory().available > BYTES_NEEDED * n


def write_pages(docs: Path | None, remark: str) -> None:
    """Write the pages of all results that are kept, and print the summary."""
    from bench import cases, document, page, report, results  # noqa: F401 - cases fill the table

    kept = results.load(RESULTS / "latest.json")
    print(report.summary(kept))
    page.write(kept, RESULTS / "latest.html")
    if docs is not None:
        document.write(kept, docs, remark)
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
