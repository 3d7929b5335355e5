"""Step functions for the tests; workers import them."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.cluster import exchange, neighbours
from arkserver.cluster.neighbours import Lent, NotNearError
from arkserver.engine.threads import threads
from arkserver.errors import ArgumentError

_taken: list[int] = []


def take_by(way: str) -> list[int]:
    """Change how this worker takes pieces that are lent to it; the bytes of each that it took since the last change."""
    exchange.take = {"": neighbours.take, "noting": _note, "refusing": _refuse}[way]  # type: ignore[attr-defined]
    taken, _taken[:] = list(_taken), []
    return taken


def _note(lent: Lent) -> list[NDArray[np.uint8]]:
    _taken.append(sum(nbytes for _, nbytes in lent.spans) >> 10 << 10)
    return neighbours.take(lent)


def _refuse(lent: Lent) -> list[NDArray[np.uint8]]:
    raise NotNearError(f"Operation not permitted on process {lent.process}")


def total(block: NDArray[Any]) -> float:
    return float(block.sum())


def wait(seconds: float) -> NDArray[Any]:
    time.sleep(seconds)
    return np.array([seconds])


def pair(a: NDArray[Any], b: NDArray[Any]) -> tuple[int, int]:
    return len(a), len(b)


def add_to(block: NDArray[Any], value: float) -> None:
    block += value


def refuse(block: NDArray[Any]) -> NDArray[Any]:
    raise ArgumentError(f"{len(block)} rows are not to my taste")


def refuse_elements(_x: NDArray[Any], out: NDArray[Any]) -> None:
    raise ArgumentError(f"{len(out)} elements are not to my taste")


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


def ends(blocks: list[NDArray[Any]], at: int) -> NDArray[Any]:
    return np.array([at, sum(map(len, blocks)), blocks[0][0], blocks[-1][-1]])


def now(_block: NDArray[Any]) -> float:
    return time.monotonic()


class Unreadable:
    """Can be sent, but not be received."""

    def __reduce__(self) -> tuple[Any, ...]:
        return refuse_to_be_read, ()


def refuse_to_be_read() -> None:
    raise ArgumentError("this is not to be unpickled")


def unreadable(_block: NDArray[Any]) -> Unreadable:
    return Unreadable()
