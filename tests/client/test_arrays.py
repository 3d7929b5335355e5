"""Arrays against NumPy: operators, indexing, assignment, functions."""

from __future__ import annotations

import operator
import re
import urllib.request
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from arkserver.client import Array, Session

NUMERIC = ("int64", "uint64", "float64", "bool", "uint8")
SHAPES = st.sampled_from([(0,), (1,), (7,), (3, 4), (1, 4), (2, 3, 2), ()])

few = settings(max_examples=25, deadline=None)


def _values(dtype: str, *, small: bool = True) -> st.SearchStrategy[Any]:
    if dtype == "float64":
        return st.sampled_from([0.0, -0.0, 1.5, -2.25, np.inf, np.nan]) | st.floats(-100, 100)
    if dtype == "bool":
        return st.booleans()
    info = np.iinfo(dtype)
    low, high = (max(info.min, -50), 50) if small else (info.min, info.max)
    return st.integers(low, high)


@st.composite
def arrays(draw: st.DrawFn, dtypes: tuple[str, ...] = NUMERIC, shapes: Any = SHAPES) -> np.ndarray[Any, Any]:
    dtype = draw(st.sampled_from(dtypes))
    return draw(hnp.arrays(dtype, draw(shapes), elements=_values(dtype)))


def same(got: Any, expected: Any) -> None:
    """Equal contents, shape and dtype; nan equals nan."""
    here = got.to_numpy() if isinstance(got, Array) else np.asarray(got)
    expected = np.asarray(expected)
    assert here.shape == expected.shape
    assert here.dtype == expected.dtype
    np.testing.assert_allclose(here, expected, rtol=1e-12, atol=0)


# --- there and back --------------------------------------------------------------------------------------------------


@few
@given(x=arrays())
def test_there_and_back(session: Session, x: np.ndarray[Any, Any]) -> None:
    y = session.asarray(x)
    assert (y.shape, y.dtype, y.ndim, y.size, y.nbytes) == (x.shape, x.dtype, x.ndim, x.size, x.nbytes)
    same(y, x)
    same(np.asarray(y), x)


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [("int8", "int64"), ("int32", "int64"), ("uint16", "uint64"), ("float32", "float64"), (">i8", "int64")],
)
def test_narrow_dtypes_are_widened(session: Session, given_dtype: str, kept: str) -> None:
    same(session.array(np.array([1, 2, 3], given_dtype)), np.array([1, 2, 3], kept))


def test_dates_become_nanoseconds(session: Session) -> None:
    days = np.array(["1970-01-02", "1970-01-01"], "datetime64[D]")
    same(session.array(days), np.array([86_400_000_000_000, 0]))


def test_integers_of_any_size(session: Session) -> None:
    values = [0, -1, 2**63, -(2**64), 2**200, -(2**200) + 1, 5]
    x = session.array(np.array(values, object))
    assert x.dtype_name == "bigint"
    assert x.tolist() == values
    assert (x + 1).tolist() == [v + 1 for v in values]


def test_what_no_array_can_hold_is_refused(session: Session) -> None:
    with pytest.raises(TypeError):
        session.array(np.array([1j]))
    with pytest.raises(OverflowError):
        session.full(3, 2**70, dtype="int64")


# --- operators -------------------------------------------------------------------------------------------------------

ARITHMETIC = [operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
BITS = [operator.and_, operator.or_, operator.xor]
SHAPE_PAIRS = [
    ((5,), (5,)),
    ((3, 4), (4,)),
    ((3, 1), (1, 4)),
    ((2, 3, 2), (3, 1)),
    ((4,), ()),
    ((), (4,)),
    ((0,), (0,)),
]


def _numpy(op: Callable[..., Any], *operands: Any) -> Any:
    with np.errstate(all="ignore"):
        return op(*operands)


@few
@given(data=st.data(), op=st.sampled_from([*ARITHMETIC, *COMPARISONS]), shapes=st.sampled_from(SHAPE_PAIRS))
def test_operators_on_arrays(session: Session, data: st.DataObject, op: Callable[..., Any], shapes: Any) -> None:
    numbers = ("int64", "uint64", "float64")
    a, b = (data.draw(arrays(numbers, st.just(s))) for s in shapes)
    expected = _numpy(op, a, b)
    got = op(session.asarray(a), session.asarray(b))
    same(got, np.asarray(expected))


@few
@given(
    x=arrays(("int64", "float64", "uint64")),
    op=st.sampled_from([*ARITHMETIC, *COMPARISONS]),
    value=st.sampled_from([0, 1, 3, 2.5, np.float64(1.25), np.int64(2), True]),
    reflected=st.booleans(),
)
def test_operators_with_scalars(
    session: Session, x: np.ndarray[Any, Any], op: Callable[..., Any], value: Any, reflected: bool
) -> None:
    y = session.asarray(x)
    expected = _numpy(op, value, x) if reflected else _numpy(op, x, value)
    same(op(value, y) if reflected else op(y, value), np.asarray(expected))


@few
@given(a=arrays(("int64", "uint64", "bool"), st.just((6,))), op=st.sampled_from(BITS), data=st.data())
def test_bits(session: Session, a: np.ndarray[Any, Any], op: Callable[..., Any], data: st.DataObject) -> None:
    b = data.draw(arrays((a.dtype.name,), st.just((6,))))
    same(op(session.asarray(a), session.asarray(b)), op(a, b))
    same(~session.asarray(a), ~a)


def test_a_comparison_has_an_answer_beyond_the_range(session: Session) -> None:
    x = np.array([0, 1, 2**64 - 1], np.uint64)
    same(session.asarray(x) > -1, x > -1)
    with pytest.raises(OverflowError):
        session.asarray(x) + -1


def test_signs(session: Session) -> None:
    for x in (np.array([-3, 0, 4]), np.array([-1.5, -0.0, np.nan, np.inf]), np.array([1, 0], np.uint64)):
        y = session.asarray(x)
        same(-y, -x)
        same(+y, +x)
        same(abs(y), abs(x))
    with pytest.raises(TypeError):
        -session.asarray([True])


def test_powers_and_shifts(session: Session) -> None:
    x = np.array([0, 1, 2, 5])
    y = session.asarray(x)
    same(y**3, x**3)
    same(2**y, 2**x)
    same(y**0.5, x**0.5)
    same(y << 2, x << 2)
    same((y * 100) >> y, (x * 100) >> x)
    assert [v.tolist() for v in divmod(y, 2)] == [v.tolist() for v in divmod(x, 2)]


@pytest.mark.parametrize("op", [operator.iadd, operator.isub, operator.imul, operator.ifloordiv, operator.imod])
@pytest.mark.parametrize("other", [3, np.array([1, -2, 3]), np.array([True, False, True])])
def test_in_place_changes_the_array_itself(session: Session, op: Callable[..., Any], other: Any) -> None:
    x = np.array([7, -8, 9])
    y = alias = session.asarray(x)
    before = y.name
    with np.errstate(all="ignore"):
        x = op(x, other.astype(np.int64) if isinstance(other, np.ndarray) else other)
    y = op(y, other)
    assert y is alias
    assert y.name == before
    same(y, x)


def test_in_place_keeps_the_dtype(session: Session) -> None:
    x = session.arange(3)
    with pytest.raises(TypeError, match="cannot be kept"):
        x += 0.5
    f = session.ones(3)
    f /= 4
    same(f, np.full(3, 0.25))


def test_operands_that_are_no_numbers(session: Session) -> None:
    x = session.arange(3)
    with pytest.raises(TypeError):
        x + "text"
    with pytest.raises(ValueError, match="shape"):
        x + session.arange(4)
    assert not operator.eq(x, "text")
    same(x.__radd__([1, 2, 3]), np.array([1, 3, 5]))
    same(np.array([1, 2, 3]) + x, np.array([1, 3, 5]))
    same(np.float64(0.5) - x, 0.5 - np.arange(3))


# --- parts -----------------------------------------------------------------------------------------------------------

KEYS: list[tuple[tuple[int, ...], Any]] = [
    ((9,), 0), ((9,), -1), ((9,), slice(2, 7)), ((9,), slice(None, None, -1)), ((9,), slice(8, 1, -3)),
    ((9,), slice(5, 5)), ((9,), ...), ((9,), None), ((9,), (slice(1, 4), None)), ((9,), np.array([3, 3, -1, 0])),
    ((9,), [1, 2]), ((9,), np.array([[0, 1], [2, -3]])), ((9,), np.arange(9) % 2 == 0), ((9,), np.zeros(9, bool)),
    ((4, 5), 1), ((4, 5), (1, 2)), ((4, 5), (slice(None), -1)), ((4, 5), (slice(1, 3), slice(None, None, 2))),
    ((4, 5), (..., 0)), ((4, 5), (None, 1)), ((4, 5), np.array([3, 0])), ((4, 5), (slice(None), np.array([4, -5]))),
    ((4, 5), (np.array([0, 3]), np.array([1, 1]))), ((4, 5), np.arange(20).reshape(4, 5) > 7),
    ((4, 5), np.arange(4) > 1),
    ((4, 5), (2, np.array([0, 1]))), ((2, 3, 4), (0, ..., 1)), ((2, 3, 4), (slice(None), 1, slice(1, 3))),
    ((2, 3, 4), (slice(None), np.array([2, 0]))), ((2, 3, 4), np.arange(24).reshape(2, 3, 4) % 5 == 0),
]  # fmt: skip


@pytest.mark.parametrize(("shape", "key"), KEYS)
@pytest.mark.parametrize("dtype", ["int64", "float64", "bool"])
def test_reading_parts(session: Session, shape: tuple[int, ...], key: Any, dtype: str) -> None:
    x = (np.arange(np.prod(shape)) % 7).reshape(shape).astype(dtype)
    same(session.asarray(x)[key], x[key])


@pytest.mark.parametrize(("shape", "key"), KEYS)
def test_writing_parts(session: Session, shape: tuple[int, ...], key: Any) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    y = session.asarray(x)
    x[key] = -5
    y[key] = -5
    same(y, x)
    values = np.arange(x[key].size).reshape(x[key].shape) + 100
    x[key] = values
    y[key] = values
    same(y, x)


def test_assignment_casts_and_broadcasts(session: Session) -> None:
    x = np.zeros((3, 4))
    y = session.asarray(x)
    x[1:] = np.arange(4)
    y[1:] = session.arange(4)
    x[:, 0] = 7
    y[:, 0] = 7
    same(y, x)
    with pytest.raises(ValueError, match="broadcast"):
        y[0] = session.arange(3)


@pytest.mark.parametrize("key", [9, -10, (0, 0), 1.5, "a", np.array([9]), np.array([0.5]), np.ones(3, bool)])
def test_keys_that_are_no_keys(session: Session, key: Any) -> None:
    with pytest.raises(IndexError):
        session.arange(9)[key]


# --- facts and display -----------------------------------------------------------------------------------------------


def test_facts(session: Session) -> None:
    x = session.arange(6).reshape(2, 3)
    assert (len(x), x.shape, x.size, x.T.shape, x.mT.shape) == (2, (2, 3), 6, (3, 2), (3, 2))
    assert float(session.full((), 2.5)) == 2.5
    assert bool(session.asarray([3]))
    assert [5, 6, 7][session.asarray(1)] == 6
    assert 4 in x
    assert [r.tolist() for r in x] == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="ambiguous"):
        bool(x)
    with pytest.raises(TypeError):
        len(session.full((), 1))


def test_display(session: Session) -> None:
    assert str(session.arange(3)) == "[0 1 2]"
    assert repr(session.arange(3)) == "Array([0 1 2], dtype=int64)"
    assert repr(session.arange(1000)) == "Array([0 1 2 ... 997 998 999], shape=(1000,), dtype=int64)"
    assert f"{session.asarray(2.5):.2f}" == "2.50"


def cells(html: str) -> list[list[str]]:
    """The texts of a table, row by row, with head and index."""
    rows = re.findall(r"<tr>(.*?)</tr>", html)
    return [re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row) for row in rows]


def test_arrays_show_as_tables(session: Session) -> None:
    html = session.asarray(np.arange(6.0).reshape(2, 3))._repr_html_()
    assert cells(html) == [["", "0", "1", "2"], ["0", "0", "1", "2"], ["1", "3", "4", "5"]]
    assert "float64, shape (2, 3), 48 B" in html
    assert cells(session.asarray([7, 8])._repr_html_()) == [["", "int64"], ["0", "7"], ["1", "8"]]
    assert cells(session.array(["a<b", "c"])._repr_html_()) == [["", "str"], ["0", "a&lt;b"], ["1", "c"]]
    assert "<pre>[[[0" in session.zeros((2, 2, 2))._repr_html_()
    assert "<pre>[2.5]</pre>" in session.asarray(2.5)._repr_html_()
    assert cells(session.asarray(np.empty(0))._repr_html_()) == [["", "float64"]]
    assert "shape (0, 3)" in session.zeros((0, 3))._repr_html_()


@pytest.mark.parametrize("shape", [(11,), (5000,), (11, 2), (2, 11), (300, 40)])
def test_of_a_large_array_the_edges_are_shown_and_fetched(session: Session, shape: tuple[int, ...]) -> None:
    x = np.arange(np.prod(shape)).reshape(shape)
    shown = session.asarray(x)
    before = sent_bytes(session)
    table = cells(shown._repr_html_())
    assert sent_bytes(session) - before < 20_000
    rows, columns = [_picked(n) for n in (*shape, 1)[:2]]
    head = ["", *map(str, columns)] if len(shape) == 2 else ["", "int64"]
    x = x.reshape(shape[0], -1)
    body = [[str(i), *("..." if "..." in (i, j) else str(x[int(i), int(j)]) for j in columns)] for i in rows]
    assert table == [head, *body]


def _picked(n: int) -> list[Any]:
    return list(range(n)) if n <= 10 else [*range(5), "...", *range(n - 5, n)]


def sent_bytes(session: Session) -> float:
    """What the server has sent so far."""
    with urllib.request.urlopen(session.status()["metrics"], timeout=10) as answer:
        found = re.search(r"^arkserver_sent_bytes_total (\S+)", answer.read().decode(), re.MULTILINE)
    assert found is not None
    return float(found[1])
