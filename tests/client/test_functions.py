"""The functions of the array API standard, and strings, against NumPy and Python."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from arkserver.client import Array, ServerError, Session

X = np.array([[3, -1, 2, 2], [0, 5, -4, 1], [7, 7, 1, -2]])
F = np.array([[0.5, -1.25, 2.0, np.nan], [0.0, 3.5, -0.0, 1.0], [9.0, 0.25, 1.5, np.inf]])

CALLS: dict[str, Callable[[Any, Any, Any], Any]] = {
    "reshape": lambda xp, x, _: xp.reshape(x, (4, -1)),
    "permute_dims": lambda xp, x, _: xp.permute_dims(x, (1, 0)),
    "expand_dims": lambda xp, x, _: xp.expand_dims(x, axis=1),
    "squeeze": lambda xp, x, _: xp.squeeze(xp.expand_dims(x, axis=0), axis=0),
    "flip": lambda xp, x, _: xp.flip(x, axis=1),
    "roll": lambda xp, x, _: xp.roll(x, 2, axis=0),
    "roll_flat": lambda xp, x, _: xp.roll(x, 5),
    "repeat": lambda xp, x, _: xp.repeat(x, 2, axis=1),
    "tile": lambda xp, x, _: xp.tile(x, (2, 1)),
    "concat": lambda xp, x, f: xp.concat([x, f], axis=0),
    "stack": lambda xp, x, _: xp.stack([x, x], axis=1),
    "broadcast_to": lambda xp, x, _: xp.broadcast_to(x, (2, 3, 4)),
    "moveaxis": lambda xp, x, _: xp.moveaxis(x, 0, 1),
    "tril": lambda xp, x, _: xp.tril(x, k=-1),
    "triu": lambda xp, x, _: xp.triu(x),
    "matmul": lambda xp, x, _: xp.matmul(x, xp.permute_dims(x, (1, 0))),
    "tensordot": lambda xp, x, _: xp.tensordot(x, x, axes=([0, 1], [0, 1])),
    "vecdot": lambda xp, x, _: xp.vecdot(x, x),
    "sum": lambda xp, x, _: xp.sum(x, axis=0),
    "sum_keepdims": lambda xp, x, _: xp.sum(x, axis=1, keepdims=True),
    "sum_all": lambda xp, x, _: xp.sum(x),
    "prod": lambda xp, x, _: xp.prod(x, axis=1),
    "max": lambda xp, x, _: xp.max(x, axis=1),
    "min": lambda xp, _, f: xp.min(f, axis=0),
    "mean": lambda xp, x, _: xp.mean(x, axis=(0, 1)),
    "var": lambda xp, x, _: xp.var(x, axis=0),
    "std": lambda xp, x, _: xp.std(x),
    "any": lambda xp, x, _: xp.any(x > 5, axis=0),
    "all": lambda xp, x, _: xp.all(x > -9),
    "argmax": lambda xp, x, _: xp.argmax(x, axis=1),
    "argmin": lambda xp, x, _: xp.argmin(x),
    "count_nonzero": lambda xp, x, _: xp.count_nonzero(x, axis=0),
    "cumulative_sum": lambda xp, x, _: xp.cumulative_sum(x, axis=1, include_initial=True),
    "diff": lambda xp, x, _: xp.diff(x, axis=0),
    "sort": lambda xp, x, _: xp.sort(x, axis=1),
    "argsort": lambda xp, x, _: xp.argsort(x, axis=1, stable=True),
    "take": lambda xp, x, _: xp.take(x, xp.asarray([2, 0]), axis=0),
    "where": lambda xp, x, f: xp.where(x > 1, x, f),
    "where_scalar": lambda xp, x, _: xp.where(x > 1, x, 0),
    "clip": lambda xp, x, _: xp.clip(x, 0, 3),
    "unique_values": lambda xp, x, _: xp.sort(xp.unique_values(x)),
    "searchsorted": lambda xp, x, _: xp.searchsorted(xp.sort(xp.reshape(x, (-1,))), xp.reshape(x, (-1,)), side="right"),
    "maximum": lambda xp, x, f: xp.maximum(x, f),
    "minimum": lambda xp, _, f: xp.minimum(f, 1.0),
    "hypot": lambda xp, x, f: xp.hypot(x, f),
    "atan2": lambda xp, x, f: xp.atan2(x, f),
    "logaddexp": lambda xp, _, f: xp.logaddexp(f, f),
    "copysign": lambda xp, _, f: xp.copysign(f, -1.0),
    "logical_and": lambda xp, x, f: xp.logical_and(x, f),
    "logical_not": lambda xp, x, _: xp.logical_not(x),
    "nextafter": lambda xp, _, f: xp.nextafter(f, 0.0),
    "remainder": lambda xp, x, _: xp.remainder(x, -3),
    "square": lambda xp, x, _: xp.square(x),
    "sign": lambda xp, _, f: xp.sign(f),
    "astype": lambda xp, x, _: xp.astype(x, xp.float64),
    "isfinite": lambda xp, _, f: xp.isfinite(f),
}  # fmt: skip
for _name in (
    "sin",
    "cos",
    "tan",
    "exp",
    "expm1",
    "tanh",
    "atan",
    "sqrt",
    "signbit",
    "floor",
    "ceil",
    "trunc",
    "isnan",
):
    CALLS[_name] = lambda xp, _, f, name=_name: getattr(xp, name)(f)  # type: ignore[misc]


@pytest.mark.parametrize("name", CALLS)
def test_functions(session: Session, name: str) -> None:
    with np.errstate(all="ignore"):
        expected = CALLS[name](np, X, F)
    got = CALLS[name](session.xp, session.asarray(X), session.asarray(F))
    here = got.to_numpy() if isinstance(got, Array) else got
    assert np.shape(here) == np.shape(expected)
    assert np.asarray(here).dtype == np.asarray(expected).dtype
    np.testing.assert_allclose(here, expected, rtol=1e-12)


def test_numpys_own_functions_run_on_the_server(session: Session) -> None:
    x = session.asarray([0.0, 1.0])
    assert isinstance(np.sin(x), Array)
    np.testing.assert_allclose(np.add(x, np.array([1.0, 2.0])).to_numpy(), [1.0, 3.0])
    with pytest.raises(TypeError):
        np.add.reduce(x)


def test_creation(session: Session) -> None:
    xp = session.xp
    calls: tuple[Callable[[Any], Any], ...] = (
        lambda m: m.arange(3, 11, 2), lambda m: m.arange(5, 0, -2), lambda m: m.arange(0.0, 1.0, 0.25),
        lambda m: m.linspace(0, 1, 7), lambda m: m.linspace(2, 3, 4, endpoint=False), lambda m: m.eye(3, 4, k=1),
        lambda m: m.full((2, 2), 1.5), lambda m: m.ones(3), lambda m: m.zeros((2, 1, 2)), lambda m: m.arange(0),
        lambda m: m.meshgrid(m.arange(3), m.arange(2))[0],
        lambda m: m.meshgrid(m.arange(3), m.arange(2), indexing="ij")[1],
    )  # fmt: skip
    for call in calls:
        got, expected = call(xp), call(np)
        assert got.dtype == expected.dtype
        np.testing.assert_allclose(got.to_numpy(), expected)


def test_the_namespace(session: Session) -> None:
    x = session.arange(3)
    assert x.__array_namespace__() is session.xp
    assert x.__array_namespace__(api_version="2024.12").__array_api_version__ == "2024.12"
    with pytest.raises(ValueError, match="not provided"):
        x.__array_namespace__(api_version="1999.1")
    assert session.xp.isdtype(x.dtype, "integral")
    assert session.xp.__array_namespace_info__().default_dtypes()["integral"] == np.int64


def test_statistics(session: Session) -> None:
    x = np.arange(20.0) ** 1.5
    y = session.asarray(x)
    for q in (0.0, 0.3, 1.0):
        np.testing.assert_allclose(session.xp.quantile(y, q), np.quantile(x, q))
    np.testing.assert_allclose(session.xp.quantile(y, [0.1, 0.9]).to_numpy(), np.quantile(x, [0.1, 0.9]))
    counts, edges = session.xp.histogram(y, 5)
    for got, expected in zip((counts, edges), np.histogram(x, 5), strict=True):
        np.testing.assert_allclose(got.to_numpy(), expected)
    with pytest.raises(ServerError, match=r"range of a histogram must be finite.*\[1\.0, inf\]"):
        session.xp.histogram(session.asarray([1.0, np.inf]))
    assert session.xp.isin(y, [1.0, 8.0]).to_numpy().tolist() == np.isin(x, [1.0, 8.0]).tolist()


# --- strings ---------------------------------------------------------------------------------------------------------

TEXTS = ["", "a", "Hello, world", "ü.x", "a.c", "abc", "x" * 40, 'quote" and \\', "a"]


def test_strings(session: Session) -> None:
    s = session.array(TEXTS)
    assert s.tolist() == TEXTS
    assert [s[i] for i in range(-3, 3)] == [TEXTS[i] for i in range(-3, 3)]
    assert s[2:6].tolist() == TEXTS[2:6]
    assert s[::-2].tolist() == TEXTS[::-2]
    assert s[np.array([3, -1])].tolist() == [TEXTS[3], TEXTS[-1]]
    assert (s == "a").tolist() == [t == "a" for t in TEXTS]
    assert (s != s[::-1]).tolist() == [a != b for a, b in zip(TEXTS, TEXTS[::-1], strict=True)]
    assert s[s != ""].tolist() == [t for t in TEXTS if t]
    assert s.lengths().tolist() == [len(t.encode()) for t in TEXTS]
    for part in ("a.c", "a", "ü", "\\", ""):
        assert s.contains(part).tolist() == [part in t for t in TEXTS]
        assert s.startswith(part).tolist() == [t.startswith(part) for t in TEXTS]
        assert s.endswith(part).tolist() == [t.endswith(part) for t in TEXTS]
    assert s.isin(["a", "abc"]).tolist() == [t in ("a", "abc") for t in TEXTS]
    assert s.concatenate(s).tolist() == TEXTS * 2
    assert (s + "!").tolist() == [t + "!" for t in TEXTS]
    assert s.stick(s, "-").tolist() == [f"{t}-{t}" for t in TEXTS]
    assert s.upper().tolist()[1] == "A"
    assert s[s.argsort()].tolist() == sorted(TEXTS, key=str.encode)
    assert session.array(["1", "-2"]).astype("int64").tolist() == [1, -2]
    assert repr(session.array(["a", "b"])) == "Strings(['a', 'b'], size=2)"
    assert "..." in repr(s)
    with pytest.raises(IndexError):
        s[99]


# --- the registry ----------------------------------------------------------------------------------------------------


def test_registered_objects_outlive_their_handles(session: Session) -> None:
    session.arange(5).register("five")
    session.array(["x", "y"]).register("letters")
    try:
        assert session.list_registry() == {"five": "PDARRAY", "letters": "STRINGS"}
        assert session.attach("five").tolist() == [0, 1, 2, 3, 4]
        assert session.attach("letters").tolist() == ["x", "y"]
    finally:
        session.unregister("five")
        session.unregister("letters")
    assert session.list_registry() == {}
