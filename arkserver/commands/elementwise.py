"""Functions of each element; most commands are rows of a table."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import Any

import numpy as np

from arkserver.commands import projection
from arkserver.commands.arguments import Target
from arkserver.commands.registry import ALL, FIXED, INTEGRAL, NUMERIC, REAL, command, dtype_of
from arkserver.engine.algorithms import functions, hashing
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array, DType
from arkserver.wire.parameters import Scalar

FLOAT = ("float64",)


def _generate(
    template: str, doc: str, keys: Mapping[str, type[Array] | DType], fn: Callable[..., Array], dtypes: Iterable[str]
) -> None:
    """Register ``fn(ex, *parameters)`` as a command; its parameters are arrays, or scalars of a given dtype."""

    def run(ex: Executor, **sent: Any) -> Array:
        return fn(ex, *(_ready(sent[key], wanted) for key, wanted in keys.items()))

    run.__doc__ = doc
    run.__annotations__ = {"ex": Executor, **{k: Array if v is Array else Scalar for k, v in keys.items()}}
    run.__annotations__["return"] = Array
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    run.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter(name, kind) for name in ("ex", *keys)]
    )
    command(template, dtypes=dtypes)(run)


def _ready(value: Array | Scalar, wanted: type[Array] | DType) -> Any:
    return value.value(wanted) if isinstance(value, Scalar) and isinstance(wanted, np.dtype) else value


def _of_one_array(name: str, key: str, fn: Callable[..., Array], dtypes: Iterable[str]) -> None:
    _generate(f"{name}<{key}.dtype,{key}.nd>", f"{name} of each element.", {key: Array}, fn, dtypes)


# The protocol calls the argument x in some of the functions, pda in the others.
_PDA = {"exp", "expm1", "log", "log1p", "log2", "log10"}

for _name in functions.REAL_FUNCTIONS:
    _of_one_array(_name, "pda" if _name in _PDA else "x", partial(functions.of_reals, name=_name), REAL)
for _name, _fn in functions.ROUNDINGS.items():
    _of_one_array(_name, "x", partial(functions.same_dtype, fn=_fn), FLOAT)
for _name, _fn in functions.BIT_FUNCTIONS.items():
    _of_one_array(_name, "pda", partial(functions.same_dtype, fn=_fn), INTEGRAL)
for _name in functions.PREDICATES:
    _generate(
        f"{_name}<pda.nd>", f"{_name} of each element.", {"pda": Array}, partial(functions.predicate, name=_name), ()
    )
_of_one_array("abs", "pda", functions.absolute, ("int64", "float64", "bigint"))
_of_one_array("square", "x", partial(functions.same_dtype, fn=np.square), REAL)
_of_one_array("sgn", "pda", partial(functions.same_dtype, fn=np.sign), ("int64", "float64"))

for _name, _binary in (("fmod2", functions.fmod), ("arctan2", functions.arctan2)):
    _generate(f"{_name}vv<a.dtype,a.nd,b.dtype>", f"{_name} of two arrays.", {"a": Array, "b": Array}, _binary, REAL)
    for _scalar in REAL:
        _generate(
            f"{_name}vs_{_scalar}<a.dtype,a.nd>",
            f"{_name} of an array and a scalar.",
            {"a": Array, "b": dtype_of(_scalar)},
            _binary,
            REAL,
        )
        _generate(
            f"{_name}sv_{_scalar}<b.dtype,b.nd>",
            f"{_name} of a scalar and an array.",
            {"a": dtype_of(_scalar), "b": Array},
            _binary,
            REAL,
        )

_generate(
    "wherevv<condition.nd,a.dtype,b.dtype>",
    "Elements of one array where the condition holds, else of the other.",
    {"condition": Array, "a": Array, "b": Array},
    functions.where,
    FIXED,
)
for _scalar in NUMERIC:
    _generate(
        f"wherevs_{_scalar}<condition.nd,a.dtype>",
        "Elements of an array where the condition holds, else a scalar.",
        {"condition": Array, "a": Array, "b": dtype_of(_scalar)},
        functions.where,
        FIXED,
    )
    _generate(
        f"wheresv_{_scalar}<condition.nd,b.dtype>",
        "A scalar where the condition holds, else elements of an array.",
        {"condition": Array, "a": dtype_of(_scalar), "b": Array},
        functions.where,
        FIXED,
    )
for _one, _other in product(NUMERIC, NUMERIC):
    _generate(
        f"wheress_{_one}_{_other}<condition.nd>",
        "One scalar where the condition holds, else another.",
        {"condition": Array, "a": dtype_of(_one), "b": dtype_of(_other)},
        functions.where,
        (),
    )


@command("round<x.dtype,x.nd>", dtypes=FLOAT)
def rounded(ex: Executor, x: Array, n: int) -> Array:
    """Round to n decimals, halves to even; a negative n rounds to tens, hundreds, and so on."""
    return functions.rounded(ex, x, n)


@command("nextafter<x1.nd>")
def nextafter(ex: Executor, x1: Array, x2: Array) -> Array:
    """The next float64 after each of x1 on the way to x2."""
    return functions.nextafter(ex, x1, x2)


@command("clip<x.dtype,x.nd>", dtypes=("int64", "uint64", "uint8", "float64"))
def clip(ex: Executor, x: Array, min: float, max: float) -> Array:  # noqa: A002 (the protocol's names)
    """Each element, but at least min and at most max."""
    return functions.clip(ex, x, min, max)


_PUT = {
    "float64": ALL,
    "int64": ("int64", "uint64", "bool"),
    "uint64": ("uint64", "bool"),
    "bool": ("bool",),
}


@command(
    "putmask<mask.nd,a.dtype,v.dtype,v.nd>",
    dtypes=ALL,
    where=lambda _mask_nd, a, v, _v_nd: v in _PUT.get(a, ()),
    distributed="gathers: every block gets all values when their number differs from the array's",
)
def putmask(ex: Executor, mask: Array, a: Target, v: Array) -> Array:
    """Write values, repeated as often as needed, into an array where the mask holds."""
    return functions.putmask(ex, a, mask, v)


@command("hash64<x.dtype,x.nd>", dtypes=REAL, ranks=(1,))
def hash64(ex: Executor, x: Array) -> Array:
    """A 64-bit SipHash of each element."""
    return hashing.hash64(ex, x)


@command("hash128<x.dtype,x.nd>", dtypes=REAL, ranks=(1,), project=projection.times(4, "x"))
def hash128(ex: Executor, x: Array) -> tuple[Array, Array]:
    """A 128-bit SipHash of each element, as upper and lower words."""
    return hashing.hash128(ex, x)
