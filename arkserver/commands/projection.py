"""Projected memory: the bytes that a command may allocate at its peak, beyond the values that are there already.

A command without a projection of its own is taken to make one result as large as its largest operand, with 8 bytes an
element, which holds for everything elementwise.
"""

from __future__ import annotations

import functools
import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

from arkserver.commands.registry import Command, Projection
from arkserver.engine.values import Array, Strings

WORD = 8
"""bytes of one element of most dtypes"""


def projected_bytes(command: Command, values: Mapping[str, Any]) -> int:
    """The peak of `command` with these arguments."""
    if command.project is None:
        return _largest_operand(values)
    return int(command.project(**{n: values[n] for n in _parameters(command.project) if n in values}))


@functools.cache
def _parameters(project: Projection) -> tuple[str, ...]:
    return tuple(inspect.signature(project).parameters)


def _largest_operand(values: Mapping[str, Any]) -> int:
    return max((bytes_like(v) for v in values.values() if isinstance(v, Array | Strings)), default=0)


def bytes_like(value: Array | Strings) -> int:
    """Bytes of a result with as many elements as `value` (or of a copy of it, if that is more)."""
    return max(value.nbytes, WORD * value.size)


def nothing() -> int:
    """Allocates nothing to speak of."""
    return 0


def array_of_shape(shape: tuple[int, ...]) -> int:
    """A new array of a shape that is given."""
    return WORD * max(0, math.prod(shape))


def times(factor: float, *names: str) -> Callable[..., int]:
    """A projection of `factor` words for each element of the operands `names` (values or lists of them) together."""

    def project(**values: Any) -> int:
        return int(factor * sum(bytes_like(v) for n in names for v in _members(values.get(n))))

    project.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(n, inspect.Parameter.KEYWORD_ONLY) for n in names]
    )
    return project


def normals(shape: tuple[int, ...]) -> int:
    """Normals by Box and Muller: two arrays of uniforms, one of which becomes the result."""
    return 2 * array_of_shape(shape)


def _members(value: Any) -> list[Array | Strings]:
    if value is None:
        return []
    return list(value) if isinstance(value, list) else [value]
