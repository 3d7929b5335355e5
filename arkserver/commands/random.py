"""Random arrays and strings from a seed: the older functions of the client."""

from __future__ import annotations

import math

import numpy as np

from arkserver.commands import projection
from arkserver.commands.registry import FIXED, command
from arkserver.engine.algorithms import randomness
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType, Strings
from arkserver.errors import ArgumentError
from arkserver.wire.parameters import Scalar, parse_int

NO_SEED = -1


def _seed(text: str) -> int:
    """The seed that a client gave, or a new one for ``None`` and -1."""
    given = NO_SEED if text.lower() in ("none", "") else parse_int(text)
    return randomness.fresh_seed() if given == NO_SEED else given


@command("randint<dtype,nd>", dtypes=FIXED, project=projection.array_of_shape)
def randint(
    ex: Executor, dtype: DType, nd: int, shape: tuple[int, ...], low: Scalar, high: Scalar, seed: str = "-1"
) -> Array:
    """Uniform numbers: integers of low to high - 1, floats of low to high, bools of a fair coin."""
    shape = checked_shape(shape, nd)
    match dtype.kind:
        case "b":
            return _coins(ex, shape, parse_int(low.text), parse_int(high.text), _seed(seed))
        case "f":
            return randomness.floats(ex, shape, low.value(dtype), high.value(dtype), _seed(seed))
        case _:
            first, last = _inclusive(low.text, high.text, dtype)
            return randomness.integers(ex, shape, dtype, first, last, _seed(seed))


def _inclusive(low: str, high: str, dtype: DType) -> tuple[int, int]:
    """First and last of the integers from `low` on and below `high`, both cut to what `dtype` can hold.

    Clients send bounds such as 2**64 for int64, and as text of floats, which are rounded up beyond the dtype; Arkouda's
    own tests ask for uint64 between bounds near 2**200, and get its largest.

    Raises
    ------
    ArgumentError
        If there is no integer between them.
    """
    first, last = parse_int(low), parse_int(high) - 1
    if first > last:
        raise ArgumentError(f"there is no {dtype} from {low} to below {high}; low must be less than high")
    limits = np.iinfo(dtype)
    least, most = int(limits.min), int(limits.max)
    return min(max(first, least), most), min(max(last, least), most)


def checked_shape(shape: tuple[int, ...], nd: int) -> tuple[int, ...]:
    """The shape of a new array, which has `nd` axes, none of them negative.

    Raises
    ------
    ArgumentError
    """
    if len(shape) != nd or min(shape, default=0) < 0:
        raise ArgumentError(f"the shape {list(shape)} is not one of {nd} axes with lengths of at least 0")
    return shape


def _coins(ex: Executor, shape: tuple[int, ...], low: int, high: int, seed: int) -> Array:
    if (low, high) in ((0, 1), (1, 2)):
        return randomness.constant_bools(ex, shape, bool(low))
    return randomness.bools(ex, shape, seed)


@command("randomNormal<nd>", project=projection.normals)
def random_normal(ex: Executor, nd: int, shape: tuple[int, ...], seed: str = "None") -> Array:
    """Standard normals."""
    return randomness.normals(ex, checked_shape(shape, nd), _seed(seed))


def _strings_bytes(size: int, dist: str, arg1: float, arg2: float) -> int:
    mean = randomness.mean_length(dist, arg1, arg2)
    if not math.isfinite(mean):
        raise ArgumentError(f"the lengths of the strings have no finite mean: {dist} of {arg1} and {arg2}")
    return int(max(0, size) * (24 + 3 * mean))


@command("randomStrings", project=_strings_bytes)
def random_strings(
    ex: Executor, size: int, dist: str, chars: str, arg1: float, arg2: float, seed: str = "None"
) -> Strings:
    """Random strings, their lengths uniform of arg1 to arg2 - 1, or lognormal with mean arg1 and deviation arg2."""
    alphabet = chars.lower()
    if alphabet not in randomness.ALPHABETS:
        raise ArgumentError(f"{chars} is no set of characters; known are {', '.join(randomness.ALPHABETS)}")
    key = _seed(seed)
    lengths = _lengths(ex, size, dist.lower(), arg1, arg2, key)
    return randomness.strings_of_lengths(ex, lengths, alphabet, key)


def _lengths(ex: Executor, size: int, dist: str, arg1: float, arg2: float, seed: int) -> Array:
    if size < 0:
        raise ArgumentError(f"cannot make {size} strings")
    match dist:
        case "uniform" if 0 <= arg1 < arg2:
            return randomness.uniform_lengths(ex, size, int(arg1), int(arg2), seed)
        case "lognormal" if arg2 > 0:
            return randomness.lognormal_lengths(ex, size, arg1, arg2, seed)
        case "uniform":
            raise ArgumentError(f"lengths from {arg1} to {arg2} are not a range of at least 0")
        case "lognormal":
            raise ArgumentError(f"the deviation of the logarithm of the lengths is {arg2}; it must be positive")
    raise ArgumentError(f"{dist} is no distribution of lengths; known are uniform and lognormal")
