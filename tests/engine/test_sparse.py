"""Sparse matrices over every number of blocks, against NumPy."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import sparse
from arkserver.engine.executor import Executor
from arkserver.engine.values import LAYOUTS, SparseMatrix
from tests.support.session import Session

DTYPES = ("int64", "uint64", "float64")

layouts = pytest.mark.parametrize("order", LAYOUTS)


def dense(ex: Executor, m: SparseMatrix) -> NDArray[Any]:
    """The matrix with all of its elements."""
    out = np.zeros(m.shape, m.dtype)
    rows, columns, values = (layout.to_numpy(ex, part) for part in m.parts)
    out[rows - 1, columns - 1] = values
    return out


def by_layout(order: str, places: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return sorted(places) if order == "CSR" else sorted(places, key=lambda p: p[::-1])


def made(ex: Executor, x: NDArray[Any], order: str) -> SparseMatrix:
    """The elements of `x` that are not 0, given in any order."""
    rows, columns = np.nonzero(x)
    shuffled = np.random.default_rng(len(rows)).permutation(len(rows))
    entries = (rows[shuffled] + 1, columns[shuffled] + 1, x[rows, columns][shuffled])
    return sparse.from_entries(ex, x.shape, order, *(layout.from_numpy(ex, e) for e in entries))


@st.composite
def filled(draw: st.DrawFn, dtype: str, rows: int, columns: int) -> NDArray[Any]:
    """A matrix with zeros, perhaps with most of the rest in one row."""
    seed = draw(st.integers(0, 2**32))
    rng = np.random.default_rng(seed)
    x = rng.integers(0 if dtype == "uint64" else -9, 9, (rows, columns)).astype(dtype)
    x[rng.random(x.shape) < draw(st.sampled_from([0.0, 0.3, 0.9, 1.0]))] = 0
    if rows and draw(st.booleans()):
        x[np.arange(rows) != draw(st.integers(0, rows - 1))] *= np.asarray(rng.random(columns) < 0.2, dtype)
    return x


sides = st.sampled_from([0, 1, 2, 5, 13])


@layouts
@given(data=st.data())
def test_entries_come_back_in_order(ex: Executor, order: str, data: st.DataObject) -> None:
    x = data.draw(filled(data.draw(st.sampled_from(DTYPES)), data.draw(sides), data.draw(sides)))
    m = made(ex, x, order)
    np.testing.assert_array_equal(dense(ex, m), x)
    rows, columns, values = (layout.to_numpy(ex, part) for part in sparse.entries(ex, m))
    places = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert places == by_layout(order, places)
    np.testing.assert_array_equal(values, x[rows - 1, columns - 1])
    assert len(rows) == np.count_nonzero(x) == m.entries
    assert m.nbytes == 24 * m.entries


@given(data=st.data())
def test_products(ex: Executor, data: st.DataObject) -> None:
    dtype = data.draw(st.sampled_from(DTYPES))
    n, k, m = (data.draw(sides) for _ in range(3))
    a, b = data.draw(filled(dtype, n, k)), data.draw(filled(dtype, k, m))
    left, right = made(ex, a, "CSC"), made(ex, b, "CSR")
    found = sparse.product(ex, left, right)
    assert (found.shape, found.layout, found.dtype) == ((n, m), "CSR", np.dtype(dtype))
    np.testing.assert_array_equal(dense(ex, found), a @ b)
    rows, columns, _ = (layout.to_numpy(ex, part) for part in found.parts)
    met = (a != 0).astype(int) @ (b != 0).astype(int)
    assert list(zip(rows - 1, columns - 1, strict=True)) == list(zip(*np.nonzero(met), strict=True))
    assert sparse.products(ex, left, right) == met.sum()


@layouts
@pytest.mark.parametrize("density", [0.0, 1e-3, 0.2, 0.97, 1.0])
def test_random_places(ex: Executor, order: str, density: float) -> None:
    shape = (150, 300)
    m = sparse.random(ex, shape, density, order, np.dtype(np.float64))
    rows, columns, values = (layout.to_numpy(ex, part) for part in m.parts)
    places = list(zip(rows.tolist(), columns.tolist(), strict=True))
    assert places == by_layout(order, places)
    assert len(set(places)) == len(places)
    assert not values.any()
    if places:
        assert (rows.min(), columns.min()) >= (1, 1)
        assert rows.max() <= shape[0]
        assert columns.max() <= shape[1]
    assert abs(len(places) - density * 45_000) <= 6 * np.sqrt(45_000 * density * (1 - density)) + 1e-9
    assert len(places) <= sparse.expected_entries(shape, density)


def test_random_places_are_independent(ex: Executor) -> None:
    """Each place of a small matrix is as likely as any, and draws differ."""
    counts = np.zeros((3, 4))
    for _ in range(400):
        m = sparse.random(ex, (3, 4), 0.25, "CSC", np.dtype(np.int64))
        counts += dense(ex, sparse.filled(ex, m, layout.from_numpy(ex, np.ones(m.entries, np.int64))))
    assert (abs(counts - 100) < 6 * np.sqrt(400 * 0.25 * 0.75)).all()


def test_huge_shapes_cost_what_their_entries_do(ex: Executor) -> None:
    shape = (1 << 30, 1 << 30)
    m = sparse.random(ex, shape, 1e-17, "CSR", np.dtype(np.int64))
    assert m.size == 1 << 60
    assert m.entries <= sparse.expected_entries(shape, 1e-17)
    far = np.array([1, 1 << 30])
    left = sparse.from_entries(ex, shape, "CSC", *(layout.from_numpy(ex, e) for e in (far, far, far)))
    right = sparse.from_entries(ex, shape, "CSR", *(layout.from_numpy(ex, e) for e in (far, far, far)))
    assert layout.to_numpy(ex, sparse.product(ex, left, right).values).tolist() == [1, 1 << 60]


# --- commands --------------------------------------------------------------------------------------------------------


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def created(line: str) -> tuple[str, list[str]]:
    word, name, *rest = line.split()
    assert word == "created"
    return name, rest


def small(session: Session, order: str, dtype: str = "int64") -> str:
    """A matrix of 4 rows and 3 columns with entries on both diagonals."""
    entries = {"rows": [1, 1, 2, 3, 4, 4], "cols": [1, 3, 2, 2, 1, 3]}
    names = {k: session.put(np.array(v)) for k, v in entries.items()}
    vals = session.put(np.arange(6).astype(dtype))
    line = session.text(f"sparse_matrix_from_pdarrays<{dtype},{order}>", vals=vals, shape=[4, 3], **names)
    name, about = created(line)
    assert about == [dtype, "12", "6", "2", "[4,3]", order, "8"]
    return name


@layouts
def test_commands(session: Session, order: str) -> None:
    name = small(session, order)
    rows, columns, values = session.arrays(f"sparse_to_pdarrays<int64,{order}>", matrix=name)
    expected = by_layout(order, [(1, 1), (1, 3), (2, 2), (3, 2), (4, 1), (4, 3)])
    assert list(zip(rows.tolist(), columns.tolist(), strict=True)) == expected
    assert sorted(values.tolist()) == list(range(6))
    vals = session.put(np.arange(10, 16))
    assert session.text(f"fill_sparse_vals<int64,2,{order},int64,1>", matrix=name, vals=vals) == ""
    assert session.arrays(f"sparse_to_pdarrays<int64,{order}>", matrix=name)[2].tolist() == list(range(10, 16))
    (about,) = json.loads(session.text("info", names=json.dumps([name])))
    assert (about["dtype"], about["size"], about["shape"], about["ndim"]) == ("int64", 12, [4, 3], 2)
    symbols = session.engine.symbols
    assert session.engine.accounts.live == sum(symbols.get(n).nbytes for n in symbols.names())
    before = session.engine.accounts.live
    session.text("delete", name=name)
    assert session.engine.accounts.live == before - 24 * 6


def test_products_by_command(session: Session) -> None:
    left, right = small(session, "CSC", "float64"), small(session, "CSR", "float64")
    assert "cannot be multiplied" in session.error("sparse_matrix_matrix_mult<float64>", arg1=left, arg2=right)
    square = {"rows": [1, 2, 3], "cols": [3, 2, 1], "vals": [2.0, 3.0, 4.0]}
    names = {k: session.put(np.array(v)) for k, v in square.items()}
    name, _ = created(session.text("sparse_matrix_from_pdarrays<float64,CSR>", shape=[3, 3], **names))
    line = session.text("sparse_matrix_matrix_mult<float64>", arg1=left, arg2=name)
    found, about = created(line)
    assert about == ["float64", "12", "6", "2", "[4,3]", "CSR", "8"]
    got = dense(session.ex, session.engine.symbols.get(found))
    a = dense(session.ex, session.engine.symbols.get(left))
    np.testing.assert_array_equal(got, a @ dense(session.ex, session.engine.symbols.get(name)))
    assert "not of CSC and CSC" in session.error("sparse_matrix_matrix_mult<float64>", arg1=left, arg2=left)


def test_random_by_command(session: Session) -> None:
    name, about = created(session.text("random_sparse_matrix<int64,CSC>", shape=[10, 10], density=1.0))
    assert about == ["int64", "100", "100", "2", "[10,10]", "CSC", "8"]
    assert session.text("str", array=name, printThresh=20).splitlines() == [
        "  (1, 1)        0", "  (2, 1)        0", "  (3, 1)        0", "  :     :",
        "  (8, 10)       0", "  (9, 10)       0", "  (10, 10)      0"]  # fmt: skip
    assert len(session.text("str", array=name, printThresh=101).splitlines()) == 100
    for density in ("-0.1", "1.5", "nan"):
        session.error("random_sparse_matrix<int64,CSC>", shape=[10, 10], density=density)
    for shape in ([10], [-1, 5], [2**40, 2**40]):
        session.error("random_sparse_matrix<int64,CSC>", shape=shape, density=1e-20)
    assert "requiring" in session.error("random_sparse_matrix<int64,CSC>", shape=[10**6, 10**6], density=0.5)


def test_what_is_refused(session: Session) -> None:
    name = small(session, "CSR")
    six = session.put(np.arange(6.0))
    text = session.error("fill_sparse_vals<int64,2,CSR,float64,1>", matrix=name, vals=six)
    assert "fillSparseMatrixMsg: type mismatch between matrix and vals" in text
    text = session.error("fill_sparse_vals<int64,2,CSR,int64,2>", matrix=name, vals=session.put(np.ones((2, 3), int)))
    assert "vals must be rank 1" in text
    text = session.error("fill_sparse_vals<int64,2,CSR,int64,1>", matrix=name, vals=session.put(np.arange(5)))
    assert "got 5 elements, expected 6" in text
    for cmd in ("sparse_to_pdarrays<int64,CSC>", "sparse_to_pdarrays<float64,CSR>"):
        assert "Unrecognized command" in session.error(cmd, matrix=name)
    assert "expected SparseMatrix" in session.error("sparse_to_pdarrays<int64,CSR>", matrix=six)

    def error(rows: list[int], cols: list[int]) -> str:
        names = {"rows": session.put(np.array(rows)), "cols": session.put(np.array(cols))}
        vals = session.put(np.arange(len(rows)))
        return session.error("sparse_matrix_from_pdarrays<int64,CSR>", shape=[3, 3], vals=vals, **names)

    assert "must be greater than 0; got the row 0" in error([0, 1], [1, 1])
    assert "got the column 4" in error([1, 2], [1, 4])
    assert "Duplicate index" in error([2, 1, 2], [1, 1, 1])
    assert "they are vectors" in session.error(
        "sparse_matrix_from_pdarrays<int64,CSR>", shape=[3, 3], rows=session.put(np.arange(2)),
        cols=session.put(np.arange(3)), vals=session.put(np.arange(3)))  # fmt: skip


def test_parts_are_no_one_elses(session: Session) -> None:
    """A matrix keeps its entries when the arrays that it was made of, or that it gave, change."""
    ones = session.put(np.array([1, 2]))
    name, _ = created(
        session.text("sparse_matrix_from_pdarrays<int64,CSR>", shape=[2, 2], rows=ones, cols=ones, vals=ones)
    )
    texts = json.loads(session.text("sparse_to_pdarrays<int64,CSR>", matrix=name))
    given_ = [line.split()[1] for line in texts]
    for symbol in (ones, *given_):
        session.text("opeqvs<int64,1>", op="+=", a=symbol, value=7)
    np.testing.assert_array_equal(dense(session.ex, session.engine.symbols.get(name)), [[1, 0], [0, 2]])
