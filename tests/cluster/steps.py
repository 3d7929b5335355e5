"""Step functions for the tests; workers import them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.threads import threads
from arkserver.errors import ArgumentError


def total(block: NDArray[Any]) -> float:
    return float(block.sum())


def pair(a: NDArray[Any], b: NDArray[Any]) -> tuple[int, int]:
    return len(a), len(b)


def add_to(block: NDArray[Any], value: float) -> None:
    block += value


def refuse(block: NDArray[Any]) -> NDArray[Any]:
    raise ArgumentError(f"{len(block)} rows are not to my taste")


def write_then_refuse(block: NDArray[Any]) -> None:
    block[:] = -1
    raise ArgumentError("half done")


def halves(block: NDArray[Any]) -> tuple[NDArray[Any], NDArray[Any]]:
    return block[: len(block) // 2], block[len(block) // 2 :]


def head(block: NDArray[Any], rows: int) -> NDArray[Any]:
    return block[:rows]


def owns_its_memory(block: NDArray[Any]) -> bool:
    return block.base is None


def slowly(block: NDArray[Any], seconds: float) -> NDArray[Any]:
    time.sleep(seconds)
    return block


def in_parts(block: NDArray[Any], seconds: float) -> NDArray[Any]:
    threads().run(lambda _: time.sleep(0.05), range(int(seconds / 0.05)))
    return block


def scaled(block: NDArray[Any], factors: NDArray[Any], row: int) -> NDArray[Any]:
    return np.asarray(block * factors[row])


def random_part(seed: int, rows: int) -> NDArray[np.float64]:
    return np.random.default_rng(abs(seed)).random(rows)


def allocate(_block: NDArray[Any], nbytes: int) -> float:
    """Take memory, as long as it takes somebody to notice."""
    taken = np.ones(nbytes, np.uint8)
    time.sleep(10)
    return float(taken[0])
