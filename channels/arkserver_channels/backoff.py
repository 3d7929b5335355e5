"""When to try again."""

from __future__ import annotations

import random
from collections.abc import Iterator

LONGEST_S = 30.0


def delays(first_s: float, longest_s: float = LONGEST_S) -> Iterator[float]:
    """Waits in seconds that double from `first_s` up to `longest_s`, each spread over plus or minus a half.

    The spread keeps a hundred servers that lost the same peer from coming back in step.
    """
    wait = first_s
    while True:
        yield wait * random.uniform(0.5, 1.5)  # noqa: S311 - no secret depends on it
        wait = min(2 * wait, longest_s)
