"""The commands of the array families, as clients send them: names, keys, errors, memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from arkserver.commands.context import Locale
from arkserver.engine.executor import Executor
from tests.support.session import Session

X = np.arange(12)
X.setflags(write=False)


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def equal(got: Any, expected: Any) -> None:
    np.testing.assert_array_equal(got, expected)


# --- creation --------------------------------------------------------------------------------------------------------


def test_creation(session: Session) -> None:
    equal(session.array("create<float64,2>", shape=(2, 3)), np.zeros((2, 3)))
    equal(session.array("create<bigint,1>", shape=4), np.zeros(4, int))
    equal(session.array("arange<int64,1>", start=0, stop=10, step=3), [0, 3, 6, 9])
    equal(session.array("arange<bigint,1>", start=2**70, stop=2**70 + 2, step=1), [2**70, 2**70 + 1])
    equal(session.array("eye<bool>", N=2, M=3, k=1), np.eye(2, 3, 1, dtype=bool))
    equal(session.array("deepcopy<int64,1>", x=session.put(X)), X)
    assert session.text("createScalarArray<float64>", value=2.5).endswith(" float64 1 1 [] 8")
    name = session.text("segmentedFull", size=3, fill_value="ab").split()[1]
    assert session.get(name).tolist() == [b"ab"] * 3


def test_a_whole_array_is_set(session: Session) -> None:
    x, big = session.put(X), session.put(np.array([1, 2], object), 3)
    assert session.text("set<int64,1>", array=x, dtype="int64", val="7") == ""
    session.text("set<bigint,1>", array=big, dtype="bigint", val="12")
    equal(session.get(x), np.full(12, 7))
    equal(session.get(big), [4, 4])


TOO_MUCH: list[tuple[str, dict[str, Any]]] = [
    ("create<int64,1>", {"shape": 10**15}),
    ("create<int64,3>", {"shape": (10**9, 10**9, 10**9)}),
    ("create<bigint,1>", {"shape": 10**12}),
    ("arange<int64,1>", {"start": 0, "stop": 10**15, "step": 1}),
    ("eye<float64>", {"N": 10**8, "M": 10**8, "k": 0}),
    ("segmentedFull", {"size": 10**15, "fill_value": "ab"}),
    ("broadcast<int64,1,2>", {"name": "x", "shape": (10**13, 12)}),
    ("tile<int64,1>", {"name": "x", "reps": 10**13}),
    ("repeatFlat<int64,1>", {"name": "x", "repeats": "huge"}),
    ("repeat<int64,1,int64,1>", {"eIn": "x", "reps": "huge", "axis": 0}),
    (
        "pad<int64,1>",
        {"name": "x", "padWidthBefore": 10**14, "padWidthAfter": 0, "padValsBefore": [0], "padValsAfter": [0]},
    ),
    ("histogram", {"array": "x", "bins": 10**14, "minVal": 0.0, "maxVal": 1.0}),
    (
        "histogram2D",
        {"x": "x", "y": "x", "xBins": 10**7, "yBins": 10**7, "xMin": 0, "xMax": 1, "yMin": 0, "yMax": 1},
    ),
    ("histogramdD", {"sample": ["x", "x"], "bins": [10**7, 10**7], "rangeMin": [0, 0], "rangeMax": [1, 1]}),
    ("matmul<int64,int64,2>", {"x1": "column", "x2": "row"}),
]


@pytest.mark.parametrize(("cmd", "parameters"), TOO_MUCH)
def test_what_would_not_fit_is_refused(ex: Executor, cmd: str, parameters: dict[str, Any]) -> None:
    session = Session(ex, limit=1 << 22)
    tall = np.zeros(1000, np.int64)
    given = {"x": X, "huge": np.array([10**14]), "column": tall.reshape(-1, 1), "row": tall.reshape(1, -1)}
    names: dict[Any, str] = {k: session.put(v) for k, v in given.items()}
    sent = {k: [names.get(i, i) for i in v] if isinstance(v, list) else names.get(v, v) for k, v in parameters.items()}
    live = session.engine.accounts.live
    assert "exceeds 4194304 limit" in session.error(cmd, **sent)
    assert (session.engine.accounts.live, session.engine.accounts.reserved) == (live, 0)


# --- indexing --------------------------------------------------------------------------------------------------------


def test_elements(session: Session) -> None:
    x, wide = session.put(X / 4), session.put(X.reshape(3, 4))
    assert session.text("[int]<float64,1>", array=x, idx=5) == "float64 1.25"
    assert session.text("[int]<int64,2>", array=wide, idx=(2, 1)) == "int64 9"
    session.text("[int]=val<int64,2>", array=wide, idx=(2, 1), value="-5", max_bits=0)
    assert session.get(wide)[2, 1] == -5
    assert "out of bounds" in session.error("[int]<int64,2>", array=wide, idx=(3, 0))
    scalar = session.text("createScalarArray<int64>", value=3).split()[1]
    assert session.text("[int]<int64,1>", array=scalar, idx=0) == "int64 3"


def test_slices(session: Session) -> None:
    x, wide = session.put(X.copy()), session.put(X.reshape(3, 4).copy())
    equal(session.array("[slice]<int64,1>", array=x, starts=10, stops=-1, strides=-3, max_bits=0), X[10::-3])
    equal(session.array("[slice]<int64,2>", array=wide, starts=(0, 1), stops=(3, 4), strides=(2, 2)), [[1, 3], [9, 11]])
    session.text("[slice]=val<int64,1>", array=x, starts=0, stops=3, strides=1, value="9", max_bits=0)
    source = session.put(np.array([1.9, 2.9]))
    session.text("[slice]=pdarray<int64,float64,1>", array=x, starts=3, stops=5, strides=1, value=source)
    equal(session.get(x)[:6], [9, 9, 9, 1, 2, 5])
    assert "does not fit" in session.error(
        "[slice]=pdarray<int64,float64,1>", array=x, starts=0, stops=5, strides=1, value=source
    )


def test_slices_of_bigint(session: Session) -> None:
    big = session.put(np.array([1, 2], object), 3)
    where = {"array": big, "starts": 0, "stops": 2, "strides": 1}
    session.text("[slice]=pdarray<bigint,bigint,1>", value=session.put(np.array([9, 10], object)), **where)
    equal(session.get(big), [1, 2])
    session.text("[slice]=pdarray<bigint,bool,1>", value=session.put(np.array([True, False])), **where)
    equal(session.get(big), [1, 0])
    floats, x = session.put(np.array([1.0, 2.0])), session.put(X)
    error = session.error("[slice]=pdarray<bigint,float64,1>", value=floats, **where)
    assert "Cannot assign float pdarray to slice of bigint pdarray" in error
    error = session.error("[slice]=pdarray<int64,bigint,1>", array=x, starts=0, stops=2, strides=1, value=big)
    assert "Cannot assign bigint pdarray to slice of non-bigint pdarray" in error


def test_index_arrays_and_masks(session: Session) -> None:
    x, index, mask = session.put(X.copy()), session.put(np.array([3, 0, 3])), session.put(X % 2 == 0)
    equal(session.array("[pdarray]", array=x, idx=index), [3, 0, 3])
    equal(session.array("[pdarray]", array=x, idx=mask), X[::2])
    session.text("[pdarray]=val", array=x, idx=mask, dtype="int64", value="7")
    session.text("[pdarray]=pdarray", array=x, idx=index, value=session.put(np.array([1, 2, 3])))
    equal(session.get(x)[:6], [2, 1, 7, 3, 7, 5])
    wide = session.put(X.reshape(3, 4))
    got = session.array("[pdarray]<int64,int64,2>", array=wide, nIdxArrays=1, idx=[index], idxDims=[1])
    equal(got, X.reshape(3, 4)[:, [3, 0, 3]])
    equal(session.array("takeAlongAxis<int64,int64,2>", x=wide, indices=index, axis=-1), got)


@pytest.mark.parametrize(
    ("cmd", "values", "text"),
    [
        ("[pdarray]", {"idx": np.array([12])}, "Error: pdarrayIndexMsg: OOBindex 12 > 11"),
        ("[pdarray]", {"idx": np.array([-1])}, "Error: pdarrayIndexMsg: OOBindex -1 < 0"),
        ("[pdarray]=val", {"idx": np.array([12]), "val": "1"}, "Error: setPdarrayIndexToValueMsg: OOBindex 12 > 11"),
        ("[pdarray]=val", {"idx": np.array([True])}, "bool iv must be same size 12 != 1"),
        ("[pdarray]=pdarray", {"idx": np.array([0, 1])}, "size mismatch 2 1"),
        ("[pdarray]=pdarray", {"idx": X < 3}, "pop size mismatch 3 1"),
        (
            "[pdarray]=pdarray",
            {"idx": np.array([0]), "value": np.array([1.0])},
            "(int64,int64,float64) not implemented",
        ),
        ("takeAlongAxis<int64,int64,1>", {"indices": np.array([12])}, "out-of-bounds indices (12, 12) along axis 0"),
    ],
)
def test_a_bad_index_changes_nothing(session: Session, cmd: str, values: dict[str, Any], text: str) -> None:
    x = session.put(X.copy())
    sent: dict[str, Any] = {"array": x, "x": x, "axis": 0, "value": session.put(np.array([5])), **values}
    if cmd == "[pdarray]=val":
        sent["value"] = "5"
    sent = {k: session.put(v) if isinstance(v, np.ndarray) else v for k, v in sent.items()}
    assert text in session.error(cmd, **sent)
    equal(session.get(x), X)


def test_nonzero(session: Session) -> None:
    equal(session.array("nonzero<int64,1>", x=session.put(X % 3)), (X % 3).nonzero()[0])
    wide = X.reshape(3, 4) % 3
    for got, expected in zip(session.arrays("nonzero<int64,2>", x=session.put(wide)), wide.nonzero(), strict=True):
        equal(got, expected)


# --- reductions and scans --------------------------------------------------------------------------------------------


def test_reductions(session: Session) -> None:
    x, wide = session.put(X), session.put(X.reshape(3, 4))
    assert session.text("sumAll<int64,1>", x=x, skipNan=False) == "int64 66"
    assert session.text("maxAll<int64,1>", x=x, skipNan=False) == "int64 11"
    assert session.text("meanAll<int64,1>", x=x, skipNan=False) == "float64 5.5"
    assert session.text("stdAll<int64,1>", x=session.put(np.array([1, 3])), ddof=1, skipNan=False).startswith(
        "float64 1.41"
    )
    assert session.text("isSortedAll<int64,1>", x=x, skipNan=False) == "bool True"
    assert session.text("argmaxAll<int64,2>", x=wide) == "int64 11"
    equal(session.array("sum<int64,2>", x=wide, axis=[0], skipNan=False), X.reshape(3, 4).sum(0, keepdims=True))
    equal(session.array("any<int64,2>", x=wide, axis=[-1], skipNan=False), [[True]] * 3)
    equal(session.array("varReduce<int64,2>", x=wide, ddof=0, axis=[1], skipNan=False), [[1.25]] * 3)
    equal(session.array("argmin<int64,2>", x=wide, axis=0), [[0, 0, 0, 0]])
    assert "Invalid axis value(s) '[2]' in slicing reduction" in session.error("sum<int64,2>", x=wide, axis=[2])
    assert session.error("sumAll<bigint,1>", x=x).startswith("Unrecognized command")


def test_measures_of_two_arrays(session: Session) -> None:
    x, y, short = session.put(X), session.put(X * 2.0), session.put(X[:5])
    assert session.text("cov<int64,1,float64,1>", x=x, y=y) == "float64 26.00000000000000000"
    assert session.text("corr<int64,1,float64,1>", x=x, y=y).startswith(("float64 1.0", "float64 0.99999"))
    assert session.text("allclose<int64,1,float64,1>", a=x, b=y, rtol=1e-5, atol=1e-8, equal_nan=False) == "bool False"
    assert "x and y must have the same shape" in session.error("cov<int64,1,int64,1>", x=x, y=short)
    assert "a and b must have the same shape" in session.error(
        "allclose<int64,1,int64,1>", a=x, b=short, rtol=0, atol=0
    )


def test_scans(session: Session) -> None:
    x, wide = session.put(X), session.put(X.reshape(3, 4))
    equal(session.array("cumSum<int64,1>", x=x, axis=0, includeInitial=True), [0, *X.cumsum()])
    equal(session.array("cumProd<int64,2>", x=wide, axis=-1, includeInitial=False), X.reshape(3, 4).cumprod(1))
    equal(session.array("diff<int64,2>", x=wide, n=1, axis=0), np.full((2, 4), 4))
    assert "must be at least 0" in session.error("diff<int64,1>", x=x, n=-1, axis=0)


# --- manipulation ----------------------------------------------------------------------------------------------------

W = X.reshape(3, 4)
RESULTS: list[tuple[str, dict[str, Any], Any]] = [
    ("reshape<int64,2,3>", {"name": W, "shape": (2, -1, 2)}, W.reshape(2, 3, 2)),
    ("flatten<int64,2>", {"a": W}, X),
    ("squeeze<int64,3,2>", {"name": W[None], "nAxes": 1, "axes": [0]}, W),
    ("expandDims<int64,2>", {"name": W, "axis": -1}, W[..., None]),
    ("broadcast<int64,1,2>", {"name": X[:4], "shape": (3, 4)}, np.broadcast_to(X[:4], (3, 4))),
    ("permuteDims<int64,2>", {"name": W, "axes": (1, 0)}, W.T),
    ("flip<int64,2>", {"name": W, "nAxes": 1, "axis": [-1]}, W[:, ::-1]),
    ("flipAll<int64,2>", {"name": W}, W[::-1, ::-1]),
    ("roll<int64,2>", {"name": W, "nShifts": 1, "shift": [1], "nAxes": 2, "axis": [0, 1]}, np.roll(W, 1, (0, 1))),
    ("rollFlattened<int64,2>", {"name": W, "nShifts": 1, "shift": [5], "nAxes": 0, "axis": 0}, np.roll(W, 5)),
    ("tile<int64,2>", {"name": W, "reps": (2, 3)}, np.tile(W, (2, 3))),
    ("repeat<int64,2,int64,1>", {"eIn": W, "reps": np.array([1, 0, 2]), "axis": 0}, np.repeat(W, [1, 0, 2], 0)),
    ("repeat<int64,2,int64,1>", {"eIn": W, "reps": np.array([2]), "axis": 1}, np.repeat(W, 2, 1)),
    ("repeatFlat<int64,2>", {"name": W, "repeats": np.array([2])}, np.repeat(W, 2)),
    (
        "pad<int64,2>",
        {
            "name": W,
            "padWidthBefore": (1, 0),
            "padWidthAfter": (0, 2),
            "padValsBefore": [5, 6],
            "padValsAfter": [7, 8],
        },
        np.pad(W, ((1, 0), (0, 2)), constant_values=((5, 7), (6, 8))),
    ),
    ("deleteAggCopy<int64,2,int64,1>", {"eIn": W, "axis": 1, "del": np.array([0, -1])}, np.delete(W, [0, -1], 1)),
    ("deleteBulkCopy<int64,1,bool,1>", {"eIn": X, "axis": 0, "del": X > 3}, X[:4]),
    ("tril<int64,2>", {"array": W, "diag": 1}, np.tril(W, 1)),
    ("triu<int64,2>", {"array": W, "diag": -1}, np.triu(W, -1)),
]


@pytest.mark.parametrize(("cmd", "parameters", "expected"), RESULTS)
def test_manipulation(session: Session, cmd: str, parameters: dict[str, Any], expected: Any) -> None:
    sent = {k: session.put(v.copy()) if isinstance(v, np.ndarray) else v for k, v in parameters.items()}
    name = session.text(cmd, **sent).split()[1]
    source = next(v for k, v in sent.items() if k in ("name", "a", "eIn", "array"))
    ndim = parameters[next(k for k in sent if k in ("name", "a", "eIn", "array"))].ndim
    session.text(f"set<int64,{ndim}>", array=source, dtype="int64", val="-1")
    equal(session.get(name), expected)


def test_joining_and_splitting(session: Session) -> None:
    names = [session.put(W.copy()), session.put(W + 100)]
    both = W, W + 100
    equal(session.array("concatenate<int64,2>", names=names, axis=0, offsets=[0, 3]), np.concatenate(both))
    equal(session.array("concat<int64,2>", n=2, names=names, axis=-1), np.concatenate(both, 1))
    equal(session.array("concatFlat<int64,2>", n=2, names=names, axis=0), np.concatenate(both, None))
    equal(session.array("stack<int64,2>", n=2, names=names, axis=1), np.stack(both, 1))
    parts = session.arrays("unstack<int64,2>", name=names[0], axis=1, numReturnArrays=4)
    equal(np.stack(parts, 1), W)


BAD: list[tuple[str, dict[str, Any], str]] = [
    ("reshape<int64,2,1>", {"name": W, "shape": 5}, "Cannot reshape array of shape (3, 4) into shape (5,)"),
    ("squeeze<int64,2,1>", {"name": W, "axes": [0]}, "Unable to squeeze array with shape (3, 4)"),
    ("expandDims<int64,3>", {"name": W[None], "axis": 0}, "Cannot expand arrays with rank 3"),
    ("broadcast<int64,2,2>", {"name": W, "shape": (3, 5)}, "Invalid broadcast: (3, 4) -> (3, 5)"),
    ("permuteDims<int64,2>", {"name": W, "axes": (0, 0)}, "Unable to permute array with shape (3, 4)"),
    ("flip<int64,2>", {"name": W, "axis": [2]}, "Unable to flip array with shape (3, 4) along axes (2,)"),
    ("roll<int64,2>", {"name": W, "shift": [1, 2], "axis": [0]}, "Unable to roll array"),
    ("repeatFlat<int64,2>", {"name": W, "repeats": np.array([1, 2])}, "Unable to repeat array with shape (3, 4)"),
    ("repeat<int64,1,int64,1>", {"eIn": X, "reps": -X, "axis": 0}, "may not contain negative"),
    ("unstack<int64,1>", {"name": X, "axis": 0, "numReturnArrays": 12}, "Cannot unstack a 1D array"),
    (
        "deleteAggCopy<int64,2,int64,1>",
        {"eIn": W, "axis": 1, "del": np.array([4])},
        "index 4 is out of bounds for axis 1",
    ),
    ("deleteAggCopy<int64,1,bool,1>", {"eIn": X, "axis": 0, "del": X[:3] > 0}, "match the axis length of 12"),
    ("matmul<int64,int64,2>", {"x1": W, "x2": W}, "Invalid dimensions for matrix multiplication"),
    ("create<int64,2>", {"shape": (0, 2**63)}, "is no shape of an array"),
    ("eye<int64>", {"N": 2**64, "M": 0, "k": 0}, "is no shape of an array"),
    ("reshape<int64,1,2>", {"name": X[:0], "shape": (0, 2**64)}, "is no shape of an array"),
    ("tile<int64,1>", {"name": X[:0], "reps": 2**64}, "is no shape of an array"),
    ("[slice]<int64,1>", {"array": X, "starts": 0, "stops": -(2**70), "strides": -1}, "out of bounds"),
    ("[slice]<int64,1>", {"array": X, "starts": 0, "stops": 5, "strides": 0}, "the step of a slice is 0"),
]


@pytest.mark.parametrize(("cmd", "parameters", "text"), BAD)
def test_what_cannot_be_is_refused(session: Session, cmd: str, parameters: dict[str, Any], text: str) -> None:
    sent = {k: session.put(v) if isinstance(v, np.ndarray) else v for k, v in parameters.items()}
    assert text in session.error(cmd, **sent)


@pytest.mark.parametrize(
    ("cmd", "shapes", "text"),
    [
        (
            "concatenate<int64,2>",
            [(3, 4), (3, 5)],
            "All arrays must have the same shape except in the concatenation axis.",
        ),
        ("concat<int64,2>", [(3, 4), (3, 5)], "Arrays must have compatible shapes to concatenate: (3, 4), (3, 5)"),
        ("stack<int64,2>", [(3, 4), (3, 5)], "All arrays must have the same shape to stack"),
        ("concatenate<float64,2>", [(3, 4)], "All arrays must have the same data type."),
        ("concatenate<int64,3>", [(3, 4)], "arrays of 3 axes are expected"),
    ],
)
def test_arrays_that_do_not_fit_together(session: Session, cmd: str, shapes: list[Any], text: str) -> None:
    names = [session.put(np.zeros(s, np.int64)) for s in shapes]
    assert text in session.error(cmd, n=len(names), names=names, axis=0)


# --- matrices, statistics, diagnostics -------------------------------------------------------------------------------


def test_diagonals_far_outside(session: Session) -> None:
    equal(session.array("triu<int64,2>", array=session.put(W), diag=2**70), np.zeros((3, 4)))
    equal(session.array("tril<int64,2>", array=session.put(W), diag=2**70), W)
    equal(session.array("eye<int64>", N=2, M=2, k=-(2**70)), np.zeros((2, 2)))


def test_products(session: Session) -> None:
    a, b = session.put(W), session.put(W.T.copy())
    equal(session.array("matmul<int64,int64,2>", x1=a, x2=b), W @ W.T)
    equal(session.array("dot<int64,2,int64,2>", a=a, b=b), W @ W.T)
    equal(session.array("multidimmatmul<int64,2,int64,2>", a=a, b=b), W @ W.T)


def test_histograms(session: Session) -> None:
    x = session.put(X)
    got = session.array("histogram", array=x, bins=3, minVal=0, maxVal=11)
    equal(got, np.histogram(X, 3)[0])
    edges = {"xMin": 0, "xMax": 11, "yMin": 0, "yMax": 11}
    grid = session.array("histogram2D", x=x, y=x, xBins=2, yBins=3, **edges)
    equal(grid, np.histogram2d(X, X, (2, 3))[0].reshape(-1))
    sample = {"sample": [x, x], "bins": [2, 3], "rangeMin": [0, 0], "rangeMax": [11, 11]}
    cells = session.array("histogramdD", num_dims=2, dim_prod=[3, 1], num_samples=12, **sample)
    equal(cells, grid)
    assert [a.dtype.name for a in (got, grid, cells)] == ["int64", "float64", "float64"]
    assert "at least one bin" in session.error("histogram", array=x, bins=0, minVal=0, maxVal=1)
    assert "a histogram of bool" in session.error("histogram", array=session.put(X > 1), bins=1, minVal=0, maxVal=1)


@pytest.mark.parametrize("bound", [np.inf, -np.inf, np.nan])
def test_histograms_of_no_finite_range_are_refused(session: Session, bound: float) -> None:
    x = session.put(np.array([1.0, bound, 2.0]))
    low, high = (bound, 2.0) if bound < 0 else (1.0, bound)
    finite, other = {"xMin": 1.0, "xMax": 2.0}, {"yMin": low, "yMax": high}
    sample = {"sample": [x, x], "bins": [2, 3], "rangeMin": [1.0, low], "rangeMax": [2.0, high]}
    for error in (
        session.error("histogram", array=x, bins=3, minVal=low, maxVal=high),
        session.error("histogram2D", x=x, y=x, xBins=2, yBins=3, **finite, **other),
        session.error("histogramdD", num_dims=2, dim_prod=[3, 1], num_samples=3, **sample),
    ):
        assert "must be finite" in error
        assert f"[{low}, {high}]" in error
    equal(session.array("histogram", array=x, bins=2, minVal=1.0, maxVal=2.0), [1, 1])


def test_quantiles(session: Session) -> None:
    x, q = session.put(W), session.put(np.array([0.25, 0.5]))
    assert session.text("quantile_scalar_no_axis<int64,2>", a=x, q=0.5, method="linear") == "float64 5.5"
    equal(session.array("quantile_array_no_axis<int64,2,1>", a=x, q=q, method="lower"), [2.0, 5.0])
    along = session.array("quantile_scalar_with_axis<int64,2>", a=x, q=0.5, axis=[0], method="linear")
    equal(along, [[4.0, 5.0, 6.0, 7.0]])
    along = session.array("quantile_array_with_axis<int64,2,1>", a=x, q=q, axis=[1], method="linear")
    equal(along, np.quantile(W, [0.25, 0.5], axis=1, keepdims=True))
    assert "range [0,1]" in session.error("quantile_scalar_no_axis<int64,2>", a=x, q=1.5, method="linear")
    assert "no method of quantile" in session.error("quantile_scalar_no_axis<int64,2>", a=x, q=0.5, method="best")


def test_diagnostics(session: Session) -> None:
    equal(session.array("getCommDiagnosticsGet"), [0])
    session.context.server.workers = lambda: [Locale(f"worker-{i}", 1, 1) for i in range(3)]
    equal(session.array("getCommDiagnosticsGet"), [0, 0, 0])
    assert session.text("startCommDiagnostics") == "commDiagnostics started."
    assert session.text("printCommDiagnosticsTable", printEmptyCols=False) == "commDiagnostics printed."
