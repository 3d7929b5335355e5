"""``python -m bench``: every row of the table at its sizes, through the client on a running server."""

from __future__ import annotations

import argparse
import os
import re
from pathlib import Path

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", default="1e6,1e7,1e8", help="row counts, comma between")
    parser.add_argument("--only", default="", help="regular expression that the operation's name must hold")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="threads for us and for every peer")
    parser.add_argument("--wire", action=argparse.BooleanOptionalAction, default=True, help="round trips and transfers")
    options = parser.parse_args()
    os.environ["POLARS_MAX_THREADS"] = str(options.threads)  # read when polars is imported
    run([int(float(s)) for s in options.sizes.split(",")], options.only, options.threads)
    if options.wire and not options.only:
        from bench import wire

        wire.main()


def run(sizes: list[int], only: str, threads: int) -> None:
    """Measure, print and write the results."""
    from arkserver.client import connect
    from bench import cases, measure, peers, report  # noqa: F401 - cases fill the table
    from bench.case import CASES
    from tests.support.server import running_server

    peers.THREADS = threads
    results: list[measure.Result] = []
    with (
        running_server("--log-level", "WARN", "--threads", str(threads)) as server,
        connect(server.address) as session,
    ):
        limits = measure.limits(threads)
        print(f"triad {limits['triad'] / 1e9:.1f} GB/s, copy {limits['copy'] / 1e9:.1f} GB/s, {threads} threads")
        print(report.header())
        for row in CASES:
            if not re.search(only, row.op):
                continue
            for n in (n for n in sizes if n in row.sizes):
                results.append(measure.measure(session, row, n, limits))
                print(report.line(results[-1]), flush=True)
    print(report.summary(results))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "latest.json").write_text(measure.as_json(results) + "\n")
    report.write_page(results, RESULTS / "latest.html")
    print(f"written to {RESULTS}")


if __name__ == "__main__":
    main()
