"""``python -m arkserver.demo``: start a server, load the flights, ask, compare with pandas, stop the server.

With ``--url`` a server that runs is asked; it must find the files at the same path. Its token is ``ARKSERVER_TOKEN``.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd

from arkserver.client import connect
from arkserver.demo import data, questions, show
from arkserver.demo.questions import Question, Tables
from arkserver.demo.server import server


def main(argv: Sequence[str] = ()) -> int:
    """Run the demo; 1 when an answer differs from pandas'."""
    parser = argparse.ArgumentParser(prog="arkserver.demo", description="Analyse flights, and compare with pandas.")
    parser.add_argument("--url", help="a server that runs, such as k8s://lab/arkserver; else one is started")
    given = parser.parse_args(argv).url
    files, seconds = _timed(data.flight_files)
    print(f"flights as Parquet in {files.flights.parent} ({seconds:.1f} s)")
    started = time.perf_counter()
    where = contextlib.nullcontext(given) if given else server()
    with where as url, connect(url, os.environ.get("ARKSERVER_TOKEN")) as session:
        print(f"server at {url}, ready after {time.perf_counter() - started:.1f} s")
        ours, seconds = _timed(lambda: _load(session.read_parquet, files))
        theirs, pandas_seconds = _timed(lambda: _load(pd.read_parquet, files))
        print(f"loaded in {seconds:.2f} s (pandas {pandas_seconds:.2f} s)")
        wrong = [q.title for q in questions.QUESTIONS if not _answer(q, ours, theirs)]
    if not given:
        print("the server has stopped")
    print(f"WRONG: {', '.join(wrong)}" if wrong else "all answers equal those of pandas")
    return 1 if wrong else 0


def _load(read: Callable[[str], Any], files: data.FlightFiles) -> Tables:
    return Tables(read(str(files.flights)), read(str(files.airlines)))


def _answer(question: Question, ours: Tables, theirs: Tables) -> bool:
    answer, seconds = _timed(lambda: question.ours(ours))
    expected, pandas_seconds = _timed(lambda: question.theirs(theirs))
    right = equal(answer, expected)
    verdict = "equals pandas" if right else f"DIFFERS from pandas:\n{expected}"
    print(f"\n{question.title}  [{seconds * 1e3:.0f} ms, pandas {pandas_seconds * 1e3:.0f} ms, {verdict}]")
    print(show.bars(answer) if question.plot else show.table(answer), flush=True)
    return right


def equal(answer: pd.DataFrame, expected: pd.DataFrame) -> bool:
    """Whether two answers hold the same rows; floats to within rounding."""
    try:
        pd.testing.assert_frame_equal(
            answer.reset_index(drop=True), expected.reset_index(drop=True), check_dtype=False, rtol=1e-9
        )
    except AssertionError:
        return False
    return True


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    start = time.perf_counter()
    result = work()
    return result, time.perf_counter() - start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
