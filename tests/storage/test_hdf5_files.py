"""HDF5: files that exist already, what others wrote, and what goes wrong."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from arkserver.engine.storage import hdf5_contents, hdf5_writing
from arkserver.errors import StorageError
from tests.storage.columns import assert_column, errors, read
from tests.storage.hdf5 import (
    APPEND,
    DISTRIBUTE,
    both_formats,
    contents,
    refused,
    write,
    written,
)
from tests.support.session import Session


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
