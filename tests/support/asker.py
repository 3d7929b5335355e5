"""Asks a server checked questions again and again: ``python -m tests.support.asker URL FILE``.

Writes a line for each question as it is answered: ``right``, ``wrong`` or ``error TEXT``. When its standard input is
closed it asks whether every array still holds what it should, and ends with a line for each.
"""

from __future__ import annotations

import select
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.client import connect
from arkserver.errors import ArkserverError

ROWS = 1 << 19
"""of 8 bytes: large enough for two workers to hold each block of an upload"""
TIMEOUT_S = 150
"""More than the server waits for a silent worker."""

Question = Callable[[], bool]


def main(url: str, file: Path) -> None:
    with connect(url, timeout=TIMEOUT_S) as session, file.open("w", buffering=1) as log:
        values = np.random.default_rng(7).integers(0, 1000, ROWS)
        arrays = {"uploaded": session.array(values), "made": session.arange(ROWS)}
        arrays["computed"] = arrays["uploaded"] + arrays["made"]
        expected = {"uploaded": values, "made": np.arange(ROWS), "computed": values + np.arange(ROWS)}
        log.write("ready\n")
        for ask in questions(session, arrays, expected):
            log.write(f"{answered(ask)}\n")
            if select.select([sys.stdin], [], [], 0.05)[0]:
                break
        for name, array in arrays.items():
            log.write(f"{name} {answered(partial(equal, array, expected[name]))}\n")


def answered(ask: Question) -> str:
    try:
        return "right" if ask() else "wrong"
    except (ArkserverError, OSError, RuntimeError) as error:
        return f"error {type(error).__name__} {' '.join(str(error).split())}"


def questions(session: Any, arrays: dict[str, Any], expected: dict[str, Any]) -> Iterator[Question]:
    xp = session.xp
    of_each: tuple[Callable[[Any, Any], bool], ...] = (
        lambda a, e: int(xp.sum(a)) == e.sum(),
        lambda a, e: equal(xp.sort(a), np.sort(e)),
        lambda a, e: equal(a + a[::-1], e + e[::-1]),
        lambda a, e: equal(xp.unique_values(a), np.unique(e)),
    )
    while True:
        for name, array in arrays.items():
            for ask in of_each:
                yield partial(ask, array, expected[name])


def equal(found: Any, expected: Any) -> bool:
    return bool(np.array_equal(found.to_numpy(), expected))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
