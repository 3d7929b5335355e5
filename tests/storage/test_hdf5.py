"""HDF5: arrays, strings and lists as Arkouda lays them out, written and read again, over every number of blocks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arkserver.engine.executor import Executor
from tests.storage.columns import read
from tests.storage.hdf5 import (
    LISTS,
    TRUNCATE,
    both_formats,
    contents,
    objects,
    write,
    written,
)
from tests.support.arrays import arrays
from tests.support.session import Session


# --- arrays ----------------------------------------------------------------------------------------------------------
@both_formats
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_arrays_come_back(ex: Executor, tmp_path: Path, file_format: int, data: st.DataObject) -> None:
    x = data.draw(arrays((np.int64, np.uint64, np.float64, np.bool_)))
    session = Session(ex)
    assert write(session, tmp_path / "f", x, file_format=file_format) == "Dataset written successfully!"
    got = contents(session, *written(tmp_path / "f"))
    assert got.dtype == x.dtype
    np.testing.assert_array_equal(got, x.reshape(-1))
    for file in written(tmp_path / "f"):
        file.unlink()


@both_formats
def test_the_layout_of_arrays(session: Session, tmp_path: Path, file_format: int) -> None:
    session.context.server.version = "v2026.08"
    for name, x in {"i": np.arange(20), "b": np.arange(20) % 3 == 0}.items():
        write(session, tmp_path / name, x, file_format=file_format, objType="Datetime" if name == "i" else "pdarray")
        files = written(tmp_path / name)
        assert len(files) == (session.ex.width if file_format else 1)
        parts = []
        for path in files:
            with h5py.File(path) as file:
                assert file.attrs["File_Format"] == file_format
                assert file.attrs["File_Format"].dtype == np.int64
                found = file["x"]
                assert found.attrs["ObjType"] == (7 if name == "i" else 1)
                assert found.attrs["file_version"] == np.float32(2.0)
                assert found.attrs["file_version"].dtype == np.float32
                version = found.attrs.get_id("arkouda_version").get_type()
                assert (version.get_size(), version.get_strpad()) == (9, h5py.h5t.STR_NULLTERM)
                assert found.attrs["arkouda_version"] == b"v2026.08"
                assert found.attrs.get("isBool", 0) == (name == "b")
                assert found.dtype == (np.int64 if name == "i" else np.uint8)
                assert list(file) == ["x"]
                parts.append(found[()])
        np.testing.assert_array_equal(np.concatenate(parts), x)


def test_kinds_come_back(session: Session, tmp_path: Path) -> None:
    for kind in ("Datetime", "Timedelta", "IPv4"):
        write(session, tmp_path / "f", np.arange(3), objType=kind)
        ((got, _),) = objects(session, tmp_path / "f").values()
        assert got == kind.upper()


@both_formats
@pytest.mark.parametrize(
    ("values", "max_bits"),
    [([0, 1, 2**64 - 1, 2**200], -1), ([2**70, 5, 0], 80), ([-1, -(2**64), 2**63, 0], -1), ([-5, 3], -1), ([], -1)],
)
def test_bigint(session: Session, tmp_path: Path, file_format: int, values: list[int], max_bits: int) -> None:
    x = np.array(values, object)
    session.text("tohdf", filename=str(tmp_path / "f"), values=session.put(x, max_bits), dset="x",
                 objType="pdarray", file_format=file_format, write_mode=TRUNCATE)  # fmt: skip
    files = written(tmp_path / "f")
    with h5py.File(files[0]) as file:
        group = file["x"]
        assert (group.attrs["isBigInt"], group.attrs["MaxBits"]) == (1, max_bits)
        assert [f"Limb_{i}" for i in range(group.attrs["NumLimbs"])] == sorted(group)
        assert group["Limb_0"].dtype == np.uint64
    ((kind, line),) = objects(session, *files).values()
    assert kind == "PDARRAY"
    name = line.split()[1]
    assert session.get(name).tolist() == values
    assert session.engine.symbols.get(name).max_bits == max_bits


def test_bigint_files_with_different_numbers_of_words(session: Session, tmp_path: Path) -> None:
    for i, values in enumerate(([1], [2**70, -1], [2**130])):
        write(session, tmp_path / str(i), np.array(values, object))
    got = contents(session, *(tmp_path / str(i) for i in range(3)))
    assert got.tolist() == [1, 2**70, -1, 2**130]


# --- strings and lists -----------------------------------------------------------------------------------------------
@both_formats
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(texts=st.lists(st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=5)))
def test_strings_come_back(ex: Executor, tmp_path: Path, file_format: int, texts: list[str]) -> None:
    session = Session(ex)
    for save_offsets in (True, False):
        write(session, tmp_path / "f", texts, file_format=file_format, save_offsets=save_offsets)
        files = written(tmp_path / "f")
        assert contents(session, *files, calc_string_offsets=not save_offsets) == texts
        assert contents(session, *files) == texts
        with h5py.File(files[-1]) as file:
            assert sorted(file["x"]) == (["segments", "values"] if save_offsets else ["values"])
            assert file["x/values"].dtype == np.uint8
            if save_offsets and len(file["x/segments"]):
                assert file["x/segments"][0] == 0
        for path in files:
            path.unlink()


@both_formats
@pytest.mark.parametrize("kind", ["int64", "float64", "bool", "bigint", "str"])
def test_lists_come_back(session: Session, tmp_path: Path, file_format: int, kind: str) -> None:
    numbers = [v for items in LISTS for v in items]
    segments = np.cumsum([0, *map(len, LISTS)])[:-1]
    values: Any = np.array(numbers)
    if kind == "str":
        values = [f"é{v}" * (v % 3) for v in numbers]
    elif kind == "bigint":
        values = np.array([v - 4 << 70 for v in numbers], object)
    else:
        values = values.astype(kind) if kind != "bool" else values % 2 == 0
    write(session, tmp_path / "f", None, objType="SegArray", segments=session.put(segments),
          values=session.put(values), file_format=file_format)  # fmt: skip
    flat = values if kind == "str" else values.tolist()
    expected = [flat[a : a + len(items)] for a, items in zip(segments.tolist(), LISTS, strict=True)]
    files = written(tmp_path / "f")
    assert contents(session, *files) == expected
    twice = contents(session, *files, *files)
    assert twice == expected + expected
    with h5py.File(files[0]) as file:
        assert file["x"].attrs["ObjType"] == 3
        assert file["x/segments"][:1].tolist() == [0]


def test_files_without_lists(session: Session, tmp_path: Path) -> None:
    """Arkouda writes a plain dataset where the values of other files are strings."""
    segments, values = session.put(np.array([0, 1])), session.put(["a", "b", "c"])
    write(session, tmp_path / "b", None, objType="SegArray", segments=segments, values=values)
    for name in "ac":
        with h5py.File(tmp_path / name, "w") as file:
            file["x/segments"] = np.empty(0, np.int64)
            file["x/values"] = np.empty(0, np.uint8)
            file["x"].attrs["ObjType"] = 3
    files = [tmp_path / name for name in "abc"]
    assert contents(session, *files) == [["a"], ["b", "c"]]
    found = read(session, "readAllHdf", filenames=list(map(str, files)), dsets=["x"], tag_data=True)
    assert found["Filename_Codes"].tolist() == [1, 1]
    assert contents(session, files[0], files[2]) == []


def test_damaged_strings_are_an_error(session: Session, tmp_path: Path) -> None:
    for segments in ([0, 99], [-1, 2], [4, 0], [0, 0]):
        with h5py.File(tmp_path / "f", "w") as file:
            file["x/values"] = np.frombuffer(b"ab\0cd\0", np.uint8)
            file["x/segments"] = np.array(segments)
        assert "SegmentedString error" in session.error("readAllHdf", filenames=[str(tmp_path / "f")], dsets=["x"])
    with h5py.File(tmp_path / "f", "w") as file:
        file["x/values"] = np.arange(3.0)
    file_error = session.error("readAllHdf", filenames=[str(tmp_path / "f")], dsets=["x"])
    assert "lacks segments" in file_error or "SegmentedString error" in file_error
