from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from arkserver_kernels import policy

from arkserver.engine import threads as engine_threads

policy.compile_here()


class SmallChunks(engine_threads.Threads):
    """A pool that cuts even a few elements into chunks, so that small inputs cross borders."""

    def chunks(self, n: int, minimum: int = 1) -> list[tuple[int, int]]:
        return super().chunks(n, min(minimum, 3))


@pytest.fixture
def pool(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[int], None]]:
    """Set the number of threads of this process for one test."""
    made: list[SmallChunks] = []

    def use(count: int) -> None:
        made.append(SmallChunks(count))
        monkeypatch.setattr(engine_threads, "_threads", made[-1])

    yield use
    for threads in made:
        threads.close()
