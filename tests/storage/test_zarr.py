"""Zarr: stores that the package zarr reads, and those that it and Arkouda write, over every number of blocks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, Literal

import numcodecs
import numpy as np
import pytest
import zarr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine.executor import Executor
from tests.support.arrays import FIXED, arrays
from tests.support.session import Session


@pytest.fixture
def session(ex: Executor) -> Session:
    return Session(ex)


def write(session: Session, store: Path, x: NDArray[Any], chunks: tuple[int, ...]) -> str:
    sent = {"store_path": str(store), "arr": session.put(x), "chunk_shape": list(chunks)}
    return session.text(f"writeAllZarr<{x.dtype.name},{max(1, x.ndim)}>", **sent)


def read(session: Session, store: Path, dtype: str, ndim: int) -> NDArray[Any]:
    return session.array(f"readAllZarr<{dtype},{ndim}>", store_path=str(store))


def refused(session: Session, store: Path, dtype: str = "int64", ndim: int = 1) -> str:
    return session.error(f"readAllZarr<{dtype},{ndim}>", store_path=str(store))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_arrays_come_back(ex: Executor, tmp_path: Path, data: st.DataObject) -> None:
    session = Session(ex)
    x = data.draw(arrays(FIXED))
    chunks = tuple(data.draw(st.integers(1, 6)) for _ in x.shape)
    write(session, tmp_path / "z", x, chunks)
    got = read(session, tmp_path / "z", x.dtype.name, x.ndim)
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, x)
    theirs = zarr.open_array(tmp_path / "z", mode="r", zarr_format=2)
    assert theirs.chunks == chunks
    np.testing.assert_array_equal(theirs[...], x)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_stores_of_the_package(ex: Executor, tmp_path: Path, data: st.DataObject) -> None:
    session = Session(ex)
    x = data.draw(arrays(FIXED))
    order: Literal["C", "F"] = data.draw(st.sampled_from(["C", "F"]))
    codec = data.draw(st.sampled_from([None, numcodecs.Blosc("zstd", 1, 2), numcodecs.Zlib(), numcodecs.Zstd()]))
    theirs = zarr.create_array(
        tmp_path / "z", shape=x.shape, dtype=x.dtype, zarr_format=2, overwrite=True, order=order, compressors=codec,
        chunks=tuple(data.draw(st.integers(1, 6)) for _ in x.shape),
        chunk_key_encoding={"name": "v2", "separator": data.draw(st.sampled_from("./"))})  # fmt: skip
    theirs[...] = x
    np.testing.assert_array_equal(read(session, tmp_path / "z", x.dtype.name, x.ndim), x)


def test_what_arkouda_writes(session: Session, tmp_path: Path) -> None:
    """Metadata with four fields only, a dtype without an order of bytes, chunks compressed by Blosc without shuffle."""
    x = np.arange(70).reshape(7, 10)
    (tmp_path / "z").mkdir()
    about = {"zarr_format": 2, "chunks": [4, 6], "dtype": "i8", "shape": [7, 10]}
    (tmp_path / "z" / ".zarray").write_text(json.dumps(about) + "\n")
    codec = numcodecs.Blosc("blosclz", 9, 0)
    for i in range(2):
        for j in range(2):
            chunk = np.full((4, 6), -1)
            part = x[4 * i : 4 * i + 4, 6 * j : 6 * j + 6]
            chunk[: part.shape[0], : part.shape[1]] = part
            (tmp_path / "z" / f"{i}.{j}").write_bytes(codec.encode(chunk))
    np.testing.assert_array_equal(read(session, tmp_path / "z", "int64", 2), x)
    (tmp_path / "z" / "1.0").unlink()
    expected = x.copy()
    expected[4:, :6] = 0
    np.testing.assert_array_equal(read(session, tmp_path / "z", "int64", 2), expected)


def test_what_arkouda_reads(session: Session, tmp_path: Path) -> None:
    """Whole chunks, each of them compressed by Blosc."""
    x = np.arange(7.0)
    write(session, tmp_path / "z", x, (4,))
    about = json.loads((tmp_path / "z" / ".zarray").read_text())
    assert (about["zarr_format"], about["shape"], about["chunks"], about["dtype"]) == (2, [7], [4], "<f8")
    assert sorted(p.name for p in (tmp_path / "z").iterdir()) == [".zarray", "0", "1"]
    last = np.frombuffer(numcodecs.Blosc().decode((tmp_path / "z" / "1").read_bytes()), np.float64)
    np.testing.assert_array_equal(last, [4, 5, 6, 0])


@pytest.mark.parametrize(("fill", "dtype"), [(7, "<i8"), ("NaN", "<f8"), ("-Infinity", "<f4"), (None, "<i8")])
def test_chunks_without_a_file(session: Session, tmp_path: Path, fill: Any, dtype: str) -> None:
    (tmp_path / "z").mkdir()
    about = {"zarr_format": 2, "chunks": [4], "dtype": dtype, "shape": [7], "fill_value": fill, "compressor": None}
    (tmp_path / "z" / ".zarray").write_text(json.dumps(about))
    expected = {"NaN": np.nan, "-Infinity": -np.inf, None: 0, 7: 7}[fill]
    got = read(session, tmp_path / "z", "int64" if dtype == "<i8" else "float64", 1)
    np.testing.assert_array_equal(got, np.full(7, expected))


def test_narrow_elements_are_widened(session: Session, tmp_path: Path) -> None:
    for dtype, target in (("i1", "int64"), (">i4", "int64"), ("u2", "int64"), ("u4", "uint64"), ("f4", "float64")):
        x = np.arange(9).astype(dtype)
        zarr.create_array(tmp_path / "z", shape=9, dtype=dtype, zarr_format=2, overwrite=True)[...] = x
        np.testing.assert_array_equal(read(session, tmp_path / "z", target, 1), x)
    assert "which int64 cannot hold" in refused(session, tmp_path / "z")


def test_filters(session: Session, tmp_path: Path) -> None:
    x = np.arange(100) ** 2
    zarr.create_array(
        tmp_path / "z", shape=100, chunks=(30,), dtype=x.dtype, zarr_format=2, filters=[numcodecs.Delta("<i8")]
    )[...] = x
    np.testing.assert_array_equal(read(session, tmp_path / "z", "int64", 1), x)


def test_codecs_that_could_do_anything_are_refused(session: Session, tmp_path: Path) -> None:
    (tmp_path / "z").mkdir()
    for config in ({"id": "pickle"}, {"id": "nothing"}, {}):
        about = {"zarr_format": 2, "chunks": [4], "dtype": "<i8", "shape": [7], "compressor": {"id": "zlib"}}
        (tmp_path / "z" / ".zarray").write_text(json.dumps(about | {"filters": [config]}))
        (tmp_path / "z" / "0").write_bytes(b"never looked at")
        assert "chunks are encoded with" in refused(session, tmp_path / "z")


def test_more_chunks_than_are_listed_at_a_time(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("arkserver.engine.storage.zarr.WAVE", 3)
    x = np.arange(60).reshape(10, 3, 2)
    write(session, tmp_path / "z", x, (1, 2, 1))
    assert len(list((tmp_path / "z").iterdir())) == 41
    np.testing.assert_array_equal(read(session, tmp_path / "z", "int64", 3), x)


def test_damaged_stores(session: Session, tmp_path: Path) -> None:
    store = tmp_path / "z"
    assert "is no Zarr array, it has no .zarray" in refused(session, store)
    zarr.create_array(store, shape=9, dtype="i8", zarr_format=3)
    assert "it is of format 3" in refused(session, store)
    store = tmp_path / "y"
    good = {"zarr_format": 2, "chunks": [4], "dtype": "<i8", "shape": [7]}
    store.mkdir()
    bad: list[tuple[dict[str, Any], str]] = [
        ({"zarr_format": 1}, "format 1"), ({"chunks": [0]}, "no array"), ({"chunks": [1, 1]}, "no array"),
        ({"shape": [-1]}, "no array"), ({"dtype": "<c16"}, "numbers"), ({"dtype": [["a", "<i8"]]}, "numbers"),
        ({"dtype": "|S3"}, "numbers"), ({"dtype": "xyz"}, "numbers"), ({"order": "X"}, "no array"),
        ({"shape": "x"}, "no metadata"),
    ]  # fmt: skip
    for change, expected in bad:
        (store / ".zarray").write_text(json.dumps(good | change))
        assert expected in refused(session, store)
    (store / ".zarray").write_text(json.dumps(good))
    (store / "0").write_bytes(b"no chunk")
    assert f"{store}/0 holds no chunk" in refused(session, store)
    (store / ".zarray").write_text(json.dumps(good | {"compressor": None}))
    assert f"{store}/0 holds no chunk" in refused(session, store)
    (store / ".zarray").write_text(json.dumps(good))
    assert "the command says 2 axes" in refused(session, store, ndim=2)


def test_only_stores_are_replaced(session: Session, tmp_path: Path) -> None:
    x = np.arange(9)
    write(session, tmp_path / "z", x, (2,))
    write(session, tmp_path / "z", x, (5,))
    assert sorted(p.name for p in (tmp_path / "z").iterdir()) == [".zarray", "0", "1"]
    (tmp_path / "empty").mkdir()
    write(session, tmp_path / "empty", x, (5,))
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis").write_text("...")
    (tmp_path / "file").write_text("...")
    for name in ("mine", "file"):
        text = session.error(
            "writeAllZarr<int64,1>", store_path=str(tmp_path / name), arr=session.put(x), chunk_shape=[5]
        )
        assert "is no Zarr array; nothing was written" in text
    assert (tmp_path / "mine" / "thesis").exists()
    for chunks in ([0], [3, 3], [1 << 40]):
        session.error("writeAllZarr<int64,1>", store_path=str(tmp_path / "q"), arr=session.put(x), chunk_shape=chunks)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["empty", "file", "mine", "z"]


def test_without_the_codecs(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(session, tmp_path / "z", np.arange(3), (2,))
    monkeypatch.setitem(sys.modules, "numcodecs", None)
    assert "pip install 'arkserver-eda[zarr]'" in refused(session, tmp_path / "z")
