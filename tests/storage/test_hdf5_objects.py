"""HDF5: objects of several parts, as Arkouda lays them out, written and read again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tests.storage.hdf5 import (
    DISTRIBUTE,
    LISTS,
    SINGLE,
    both_formats,
    objects,
    write,
    written,
)
from tests.support.session import Session


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


def test_codes_of_files_that_were_written_alone(session: Session, tmp_path: Path) -> None:
    for name in "fg":
        write(session, tmp_path / name, None, objType="Categorical", **_categorical(session, permuted=False))
    text = session.error("readAllHdf", filenames=[str(tmp_path / "f"), str(tmp_path / "g")], dsets=["x"])
    assert "belong to one file" in text
