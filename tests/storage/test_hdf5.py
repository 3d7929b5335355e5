"""HDF5: files as Arkouda lays them out, written and read again, and what h5py writes, over every number of blocks."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine.executor import Executor
from arkserver.engine.storage import hdf5_contents, hdf5_writing
from arkserver.errors import StorageError
from tests.storage.columns import assert_column, errors, read
from tests.support.arrays import arrays
from tests.support.session import Session

SINGLE, DISTRIBUTE = 0, 1
TRUNCATE, APPEND = 0, 1

TYPES = {"pdarray": 1, "Strings": 2, "SegArray": 3, "Categorical": 4, "GroupBy": 5, "DataFrame": 6, "Index": 12}

LISTS = [[1, 2], [], [3], [4, 5, 6], [], [], [7]]

both_formats = pytest.mark.parametrize("file_format", [SINGLE, DISTRIBUTE])


def write(session: Session, path: Path, item: Any, **parameters: Any) -> str:
    """Write an array or a list of texts, or what the parameters describe."""
    defaults: dict[str, Any] = {"dset": "x", "write_mode": TRUNCATE, "file_format": SINGLE}
    if item is not None:
        kind = "Strings" if isinstance(item, list) else "pdarray"
        defaults |= {"values": session.put(item), "objType": kind, "save_offsets": True}
    return session.text("tohdf", filename=str(path), **(defaults | parameters))


def refused(session: Session, path: Path, item: Any, **parameters: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        write(session, path, item, **parameters)
    return str(caught.value)


def objects(session: Session, *files: Path | str, dsets: tuple[str, ...] = ("x",), **parameters: Any) -> Any:
    """The answer to reading, as it is."""
    text = session.text("readAllHdf", filenames=list(map(str, files)), dsets=list(dsets), **parameters)
    return {i["dataset_name"]: (i["arkouda_type"], i["created"]) for i in json.loads(json.loads(text)["items"])}


def contents(session: Session, *files: Path | str, **parameters: Any) -> Any:
    """The values of the object ``x``."""
    names = list(map(str, files))
    return read(session, "readAllHdf", filenames=names, dsets=["x"], **parameters)["x"]


def written(path: Path) -> list[Path]:
    """The files of blocks, or the file itself."""
    return sorted(path.parent.glob(f"{path.name}_LOCALE*")) or [path]


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


# --- objects ---------------------------------------------------------------------------------------------------------


def _get(session: Session, line: str) -> Any:
    found = session.get(line.split()[1])
    return [t.decode() for t in found] if line.split()[2] == "str" else found.tolist()


def _parts(session: Session, created: str) -> dict[Any, Any]:
    """The parts of an object: by name their values, or their kind and values."""
    found = json.loads(created)
    items = found.items() if isinstance(found, dict) else enumerate(found)
    out = {}
    for name, text in items:
        kind, tagged, line = text.partition("+|+")
        if not tagged:
            out[name] = _get(session, text)
        else:
            out[name] = (kind, _parts(session, line) if line.startswith("{") else _get(session, line))
    return out


CODES, CATEGORIES = [0, 1, 0, 2, 1, 1, 0], ["a", "bb", "ccc", "N/A"]


def _categorical(session: Session, *, permuted: bool) -> dict[str, str]:
    values: dict[str, Any] = {"codes": np.array(CODES), "categories": CATEGORIES, "NA_codes": np.array([3])}
    if permuted:
        values |= {"permutation": np.argsort(CODES, kind="stable"), "segments": np.array([0, 3, 6, 7])}
    return {name: session.put(value) for name, value in values.items()}


def _expected_categorical(*, permuted: bool) -> dict[str, Any]:
    found: dict[str, Any] = {"codes": CODES, "categories": CATEGORIES, "_akNAcode": [3]}
    more = {"permutation": np.argsort(CODES, kind="stable").tolist(), "segments": [0, 3, 6, 7]}
    return found | (more if permuted else {})


@both_formats
@pytest.mark.parametrize("permuted", [True, False])
def test_categorical(session: Session, tmp_path: Path, file_format: int, permuted: bool) -> None:
    names = _categorical(session, permuted=permuted)
    write(session, tmp_path / "f", None, objType="Categorical", file_format=file_format, **names)
    files = written(tmp_path / "f")
    ((kind, created),) = objects(session, *files).values()
    assert kind == "CATEGORICAL"
    assert _parts(session, created) == _expected_categorical(permuted=permuted)
    with h5py.File(files[0]) as file:
        assert file["x"].attrs["ObjType"] == 4
        assert {"codes", "categories", "NA_Codes"} <= {*file["x"]}


@both_formats
def test_group_by(session: Session, tmp_path: Path, file_format: int) -> None:
    permutation = np.argsort(CODES, kind="stable")
    names = [session.put(np.array(CODES)), session.put(list("abcdefg")),
             json.dumps(_categorical(session, permuted=False))]  # fmt: skip
    types = ["pdarray", "Strings", "Categorical"]
    write(session, tmp_path / "f", None, objType="GroupBy", file_format=file_format, num_keys=3, key_names=names,
          key_objTypes=types, key_dtypes=["int64", "str", "str"], unique_key_idx=session.put(np.array([0, 1, 3])),
          permutation=session.put(permutation), segments=session.put(np.array([0, 3, 6])))  # fmt: skip
    files = written(tmp_path / "f")
    ((kind, created),) = objects(session, *files).values()
    assert kind == "GROUPBY"
    got = _parts(session, created)
    assert {k: got[k] for k in ("permutation", "segments", "uki")} == {
        "permutation": permutation.tolist(), "segments": [0, 3, 6], "uki": [0, 1, 3]}  # fmt: skip
    assert got["KEY_0"] == ("PDARRAY", CODES)
    assert got["KEY_1"] == ("STRINGS", list("abcdefg"))
    assert got["KEY_2"] == ("CATEGORICAL", _expected_categorical(permuted=False))
    with h5py.File(files[0]) as file:
        assert file["x"].attrs["NumKeys"] == 3
        assert sorted(file["x"]) == ["KEY_0", "KEY_1", "KEY_2", "permutation", "segments", "unique_key_idx"]


@both_formats
def test_data_frame(session: Session, tmp_path: Path, file_format: int) -> None:
    segments = np.cumsum([0, *map(len, LISTS)])[:-1]
    values = np.array([v for items in LISTS for v in items])
    columns = {
        "n": ("pdarray", "float64", session.put(np.arange(7) / 2)),
        "big": ("pdarray", "bigint", session.put(np.array([2**70 + i for i in range(7)], object))),
        "t": ("Datetime", "int64", session.put(np.arange(7))),
        "s": ("Strings", "str", session.put(list("abcdefg"))),
        "c": ("Categorical", "str", json.dumps(_categorical(session, permuted=True))),
        "l": ("SegArray", "int64", json.dumps({"segments": session.put(segments), "values": session.put(values)})),
    }
    kinds, dtypes, names = (list(x) for x in zip(*columns.values(), strict=True))
    write(session, tmp_path / "f", None, objType="DataFrame", file_format=file_format, num_cols=len(columns),
          column_names=list(columns), column_objTypes=kinds, column_dtypes=dtypes, columns=names,
          index=session.put(np.arange(7) * 2))  # fmt: skip
    files = written(tmp_path / "f")
    ((kind, created),) = objects(session, *files).values()
    assert kind == "DATAFRAME"
    tagged = json.loads(created)
    assert tagged.pop("big").startswith("PDARRAY+|+created")
    got = _parts(session, json.dumps(tagged))
    assert got == {
        "Index": ("PDARRAY", [0, 2, 4, 6, 8, 10, 12]),
        "n": ("PDARRAY", (np.arange(7) / 2).tolist()),
        "t": ("DATETIME", list(range(7))),
        "s": ("STRINGS", list("abcdefg")),
        "c": ("CATEGORICAL", _expected_categorical(permuted=True)),
        "l": ("SEGARRAY", {"segments": segments.tolist(), "values": values.tolist()}),
    }
    with h5py.File(files[0], "r+") as file:
        assert file["x"].attrs["NumCols"] == len(columns)
        # So Arkouda leaves a column of lists: marked as nothing.
        del file["x/l"].attrs["ObjType"]
        file["x/b"] = file["x/t"][()]
    if file_format == SINGLE:
        ((_, created),) = objects(session, *files).values()
        assert _parts(session, json.dumps({k: v for k, v in json.loads(created).items() if k in "bl"})) == {
            "b": ("PDARRAY", list(range(7))), "l": got["l"]}  # fmt: skip


@both_formats
def test_indexes(session: Session, tmp_path: Path, file_format: int) -> None:
    levels = [np.arange(7) + i for i in range(11)]
    names = [session.put(x) for x in levels]
    for count, kind in ((1, "Index"), (11, "MultiIndex")):
        write(session, tmp_path / "f", None, objType=kind, file_format=file_format, num_idx=count, idx=names[:count],
              idx_objTypes=["pdarray"] * count, idx_dtypes=["int64"] * count)  # fmt: skip
        files = written(tmp_path / "f")
        ((got, created),) = objects(session, *files).values()
        assert got == kind.upper()
        assert _parts(session, created) == {i: ("PDARRAY", x.tolist()) for i, x in enumerate(levels[:count])}
        with h5py.File(files[0]) as file:
            assert file["x"].attrs["NumIdx"] == count


def test_blocks_are_cut_alike(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "f", None, objType="Categorical", file_format=DISTRIBUTE,
          **_categorical(session, permuted=False))  # fmt: skip
    files = written(tmp_path / "f")
    assert len(files) == session.ex.width
    lengths = []
    for path in files:
        with h5py.File(path) as file:
            lengths.append(len(file["x/codes"]))
    assert lengths == [len(p) for p in np.array_split(CODES, session.ex.width)]


# --- files that are there --------------------------------------------------------------------------------------------


@both_formats
def test_objects_are_added(session: Session, tmp_path: Path, file_format: int) -> None:
    x, t = np.arange(20), [f"t{i}" for i in range(20)]
    write(session, tmp_path / "f", x, file_format=file_format, write_mode=APPEND)
    write(session, tmp_path / "f", t, file_format=file_format, write_mode=APPEND, dset="t")
    files = written(tmp_path / "f")
    found = read(session, "readAllHdf", filenames=list(map(str, files)), dsets=["t", "x"])
    assert list(found) == ["t", "x"]
    assert_column(found["x"], x)
    assert found["t"] == t
    assert json.loads(session.text("lsany", filename=str(files[0]))) == ["t", "x"]
    taken = refused(session, tmp_path / "f", x, file_format=file_format, write_mode=APPEND)
    assert " Dataset named x already exists in " in taken
    taken = refused(session, tmp_path / "f", t, file_format=file_format, write_mode=APPEND, dset="t")
    assert "A group named t already exists in " in taken
    assert "use update_hdf" in taken
    write(session, tmp_path / "f", x * 2, file_format=file_format, write_mode=APPEND, overwrite=True, dset="t")
    assert_column(read(session, "readAllHdf", filenames=list(map(str, files)), dsets=["t"])["t"], x * 2)
    write(session, tmp_path / "f", x, file_format=file_format)
    assert json.loads(session.text("lsany", filename=str(files[0]))) == ["x"]


def test_files_of_another_number_of_blocks(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "f", np.arange(20), file_format=DISTRIBUTE)
    (tmp_path / "f_LOCALE0099").write_bytes(b"")
    text = refused(session, tmp_path / "f", np.arange(20), file_format=DISTRIBUTE, write_mode=APPEND, dset="y")
    assert "Cannot append when the number of existing filenames does not match the expected" in text
    write(session, tmp_path / "f", np.arange(20), file_format=DISTRIBUTE)
    assert len(written(tmp_path / "f")) == session.ex.width


@both_formats
def test_a_failed_write_changes_nothing(
    session: Session, tmp_path: Path, file_format: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(session, tmp_path / "f", np.arange(20), file_format=file_format)

    def full(*_: Any) -> None:
        raise StorageError("No space left on device")

    monkeypatch.setattr(hdf5_writing, "_fill", full)
    for parameters in ({}, {"write_mode": APPEND, "dset": "y"}, {"write_mode": APPEND, "overwrite": True}):
        text = refused(session, tmp_path / "f", np.ones(20), file_format=file_format, **parameters)
        assert "No space left on device" in text
    monkeypatch.undo()
    files = written(tmp_path / "f")
    assert sorted(tmp_path.iterdir()) == files
    assert_column(contents(session, *files), np.arange(20))
    assert json.loads(session.text("lsany", filename=str(files[0]))) == ["x"]


def test_what_cannot_be_written(session: Session, tmp_path: Path) -> None:
    x = np.arange(3)
    assert "uint8 cannot be written to HDF5" in refused(session, tmp_path / "f", np.zeros(3, np.uint8))
    assert "Unable to write object type BITVECTOR" in refused(
        session, tmp_path / "f", None, objType="BitVector", values=session.put(x)
    )
    assert "has no name" in refused(session, tmp_path / "f", x, dset="")
    assert "Unknown write mode 7" in refused(session, tmp_path / "f", x, write_mode=7)
    assert "Unknown file format" in refused(session, tmp_path / "f", x, file_format=7)
    assert "cannot be created: its folder" in refused(session, tmp_path / "no" / "f", x)
    frame = {"objType": "DataFrame", "column_names": ["a/b"], "column_objTypes": ["pdarray"], "num_cols": 1}
    frame |= {"columns": [session.put(x)], "index": session.put(x)}
    assert "under the name 'a/b'" in refused(session, tmp_path / "f", None, **frame)
    assert not list(tmp_path.iterdir())


def test_formats_of_files(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "f", np.arange(3))
    write(session, tmp_path / "g", np.arange(3), file_format=DISTRIBUTE)
    with h5py.File(tmp_path / "h_LOCALE0000", "w") as file:
        file["_arkouda_metadata/x"] = 1
        file["y"] = [1]
    formats = [session.text("hdffileformat", filename=str(tmp_path / n)) for n in ("f", "g_*", "h_*")]
    assert formats == ["single", "distribute", "distribute"]
    assert json.loads(session.text("lsany", filename=str(tmp_path / "h_*"))) == ["y"]
    (tmp_path / "t").write_text("text")
    assert "is not an HDF5 file" in session.error("hdffileformat", filename=str(tmp_path / "t"))
    assert "does not exist" in session.error("hdffileformat", filename=str(tmp_path / "none"))


# --- files of others -------------------------------------------------------------------------------------------------


FOREIGN: dict[str, tuple[NDArray[Any], type]] = {
    "i1": (np.array([-128, 127, 0], np.int8), np.int64),
    "u2": (np.array([0, 65535, 7], np.uint16), np.int64),
    "u4": (np.array([0, 2**32 - 1, 7], np.uint32), np.int64),
    "u8": (np.array([0, 2**64 - 1, 7], np.uint64), np.uint64),
    "big": (np.array([1, -2, 2**62], ">i8"), np.int64),
    "f2": (np.array([0.5, np.nan, -np.inf], np.float16), np.float64),
    "f4": (np.array([0.5, np.nan, -np.inf], ">f4"), np.float64),
    "f8": (np.array([5e-324, -0.0, 1e308]), np.float64),
    "b": (np.array([True, False, True]), np.bool_),
    "two": (np.arange(30).reshape(10, 3), np.int64),
    "three": (np.arange(24.0).reshape(4, 3, 2), np.float64),
    "none": (np.zeros(0), np.float64),
    "scalar": (np.array(7), np.int64),
}


@pytest.mark.parametrize("how", [{}, {"chunks": True, "maxshape": None}, {"compression": "gzip", "shuffle": True}])
@pytest.mark.parametrize("name", FOREIGN)
def test_arrays_of_others(session: Session, tmp_path: Path, name: str, how: dict[str, Any]) -> None:
    x, dtype = FOREIGN[name]
    how = {} if not x.size or not x.ndim else how
    if "maxshape" in how:
        how = how | {"maxshape": (None,) * x.ndim}
    with h5py.File(tmp_path / "f", "w", userblock_size=512) as file:
        file.create_dataset("x", data=x, **how)
    got = contents(session, tmp_path / "f", tmp_path / "f")
    expected: NDArray[Any] = np.concatenate([np.atleast_1d(x)] * 2).astype(dtype)
    assert got.dtype == expected.dtype
    np.testing.assert_array_equal(got, expected)


def test_strings_of_others(session: Session, tmp_path: Path) -> None:
    texts = ["", "é", "abc", "x" * 40, "z"]
    encoded = [t.encode() for t in texts]
    with h5py.File(tmp_path / "f", "w") as file:
        file.create_dataset("fixed", data=np.array(encoded))
        file.create_dataset("free", data=texts, dtype=h5py.string_dtype())
        file.create_dataset("packed", data=texts, dtype=h5py.string_dtype(), chunks=(2,), compression="gzip")
        file["one"] = "alone"
        file["complex"] = np.zeros(2, np.complex128)
        file["record"] = np.zeros(2, [("a", int)])
        file["folder/inner"] = [1]
    path = str(tmp_path / "f")
    for name in ("fixed", "free", "packed"):
        assert read(session, "readAllHdf", filenames=[path, path], dsets=[name])[name] == texts * 2
    assert read(session, "readAllHdf", filenames=[path], dsets=["one"])["one"] == ["alone"]
    assert read(session, "readAllHdf", filenames=[path], dsets=["folder/inner"])["folder/inner"].tolist() == [1]
    for name in ("complex", "record"):
        assert "unhandled datatype" in session.error("readAllHdf", filenames=[path], dsets=[name])
    assert "holds no object" in session.error("readAllHdf", filenames=[path], dsets=["folder"])


def test_several_files(session: Session, tmp_path: Path) -> None:
    sizes = [3, 0, 10, 1]
    for i, n in enumerate(sizes):
        write(session, tmp_path / f"{i}.h5", np.arange(n) + 100 * i)
        write(session, tmp_path / f"{i}.h5", [f"{i}.{j}" for j in range(n)], write_mode=APPEND, dset="t")
    found = read(session, "readAllHdf", filenames=[str(tmp_path / "*.h5")], dsets=["t", "x"], tag_data=True)
    assert list(found) == ["Filename_Codes", "t", "x"]
    assert_column(found["Filename_Codes"], np.repeat(range(4), sizes))
    assert_column(found["x"], np.concatenate([np.arange(n) + 100 * i for i, n in enumerate(sizes)]))
    assert found["t"] == [f"{i}.{j}" for i, n in enumerate(sizes) for j in range(n)]


def test_files_must_agree(session: Session, tmp_path: Path) -> None:
    values = {"i4": np.arange(3, dtype=np.int32), "i8": np.arange(3), "u8": np.arange(3, dtype=np.uint64)}
    values |= {"f8": np.arange(3.0), "two": np.zeros((2, 2), np.int64)}
    for name, x in values.items():
        with h5py.File(tmp_path / name, "w") as file:
            file["x"] = x
    write(session, tmp_path / "t", ["a"])
    i8 = str(tmp_path / "i8")

    def error(name: str, **parameters: Any) -> str:
        return session.error("readAllHdf", filenames=[i8, str(tmp_path / name)], dsets=["x"], **parameters)

    assert "Inconsistent precision or sign" in error("i4", strict_types=True)
    assert contents(session, i8, tmp_path / "i4", strict_types=False).tolist() == [0, 1, 2, 0, 1, 2]
    assert "Inconsistent precision or sign" in error("u8", strict_types=False)
    assert "Inconsistent dtype" in error("f8")
    assert "Inconsistent dtype" in error("two")
    assert "Inconsistent objecttype in dataset x" in error("t")
    assert "Dataset y not found in file" in session.error("readAllHdf", filenames=[i8], dsets=["y"])
    assert "not found" in error("none")


def test_codes_of_files_that_were_written_alone(session: Session, tmp_path: Path) -> None:
    for name in "fg":
        write(session, tmp_path / name, None, objType="Categorical", **_categorical(session, permuted=False))
    text = session.error("readAllHdf", filenames=[str(tmp_path / "f"), str(tmp_path / "g")], dsets=["x"])
    assert "belong to one file" in text


def test_files_that_cannot_be_read_are_left_out(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "a", np.arange(3))
    (tmp_path / "b").write_text("no HDF5")
    write(session, tmp_path / "c", np.arange(3), dset="y")
    names = [str(tmp_path / n) for n in "abcd"]
    found = errors(session, "readAllHdf", filenames=names, dsets=["x"], allow_errors=True)
    assert [text.partition(str(tmp_path))[0] for text in found] == [
        "The file ", "Dataset x not found in file ", "File "]  # fmt: skip
    assert_column(contents(session, *names, allow_errors=True), np.arange(3))
    assert "none of the files can be read" in session.error(
        "readAllHdf", filenames=names[1:], dsets=["x"], allow_errors=True
    )


def test_a_file_that_ends_too_early(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "f", np.arange(1000))
    data = (tmp_path / "f").read_bytes()
    (tmp_path / "f").write_bytes(data[:-4000])
    assert str(tmp_path / "f") in session.error("readAllHdf", filenames=[str(tmp_path / "f")], dsets=["x"])


def test_a_file_that_is_replaced_meanwhile(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(session, tmp_path / "f", np.arange(1000))
    check = hdf5_contents.check_alike

    def replaced(*args: Any, **more: Any) -> None:
        check(*args, **more)
        with h5py.File(tmp_path / "g", "w") as file:
            file["x"] = np.ones(1000)
        (tmp_path / "g").replace(tmp_path / "f")

    monkeypatch.setattr(hdf5_contents, "check_alike", replaced)
    text = session.error("readAllHdf", filenames=[str(tmp_path / "f")], dsets=["x"])
    assert "written anew while it was read" in text


def test_links_into_other_files(session: Session, tmp_path: Path) -> None:
    x = np.arange(100)
    with h5py.File(tmp_path / "other", "w") as file:
        file["first"] = np.ones(7)
        file["y"] = x
    with h5py.File(tmp_path / "f", "w") as file:
        file["x"] = h5py.ExternalLink("other", "/y")
        file["soft"] = h5py.SoftLink("/x")
        layout = h5py.VirtualLayout((200,), np.int64)
        for i in range(2):
            layout[100 * i : 100 * i + 100] = h5py.VirtualSource(str(tmp_path / "other"), "y", (100,))
        file.create_virtual_dataset("both", layout)
        file["gone"] = h5py.SoftLink("/nowhere")
    assert_column(contents(session, tmp_path / "f"), x)
    path = str(tmp_path / "f")
    found = read(session, "readAllHdf", filenames=[path], dsets=["soft", "both"])
    assert_column(found["soft"], x)
    assert_column(found["both"], np.tile(x, 2))
    assert "Other error in accessing file" in session.error("readAllHdf", filenames=[path], dsets=["gone"])


def test_integers_of_few_bits(session: Session, tmp_path: Path) -> None:
    """Elements that are laid out as NumPy has none."""
    kind = h5py.h5t.STD_I32LE.copy()
    kind.set_precision(12)
    kind.set_offset(4)
    x = np.arange(-50, 50)
    with h5py.File(tmp_path / "f", "w") as file:
        space = h5py.h5s.create_simple((100,))
        dataset = h5py.h5d.create(file.id, b"x", kind, space)
        dataset.write(h5py.h5s.ALL, h5py.h5s.ALL, x)
    assert_column(contents(session, tmp_path / "f"), x)


def test_memory_is_asked_for(session: Session, tmp_path: Path) -> None:
    write(session, tmp_path / "f", np.arange(1000))
    sent = {"filenames": [str(tmp_path / "f")], "dsets": ["x"]}
    assert session.projected("readAllHdf", **sent) == 8000
    session.engine.accounts.limit = session.engine.accounts.live + 7999
    assert "readAllHdf requiring 8000 bytes" in session.error("readAllHdf", **sent)
    session.engine.accounts.limit += 1
    session.text("readAllHdf", **sent)
    symbols = session.engine.symbols
    assert session.engine.accounts.live == sum(symbols.get(name).nbytes for name in symbols.names())


def test_without_the_library(session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(session, tmp_path / "f", np.arange(3))
    monkeypatch.setitem(sys.modules, "h5py", None)
    text = session.error("readAllHdf", filenames=[str(tmp_path / "f")], dsets=["x"])
    assert "pip install 'arkserver-eda[hdf5]'" in text
