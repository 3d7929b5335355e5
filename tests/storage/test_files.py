"""What files there are, of which kind, and what is in them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arkserver.engine.storage import paths
from tests.storage.columns import assert_column, read
from tests.support.session import Session


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("dir/x", "dir/x_LOCALE0003"),
        ("dir/x.parquet", "dir/x_LOCALE0003.parquet"),
        ("a.b/x", "a.b/x_LOCALE0003"),
        ("a.b/x.y.z", "a.b/x.y_LOCALE0003.z"),
    ],
)
def test_names_of_blocks(prefix: str, expected: str) -> None:
    assert paths.block_path(prefix, 3) == expected


def test_kinds_of_files(session: Session, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1], "l": [[1]]}), tmp_path / "p")
    (tmp_path / "h").write_bytes(b"\x89HDF\r\n\x1a\nrest")
    (tmp_path / "c").write_text("**HEADER**\nint64\n*/HEADER/*\nx\n1\n")
    (tmp_path / "t").write_text("x\n1\n")
    kinds = [session.text("getfiletype", filename=str(tmp_path / n)) for n in "phc"]
    assert kinds == ["Parquet", "HDF5", "CSV"]
    unsupported = session.error("getfiletype", filename=str(tmp_path / "t"))
    assert "Unsupported file type; Parquet, HDF5 and CSV are only supported formats" in unsupported
    for command in ("getfiletype", "lsany"):
        missing = session.error(command, filename="no-such-file")
        assert "File no-such-file does not exist in a location accessible to Arkouda" in missing
        unmatched = session.error(command, filename="no-such-file*")
        assert "Cannot retrieve filename from glob expression no-such-file*" in unmatched


def test_columns_of_files(session: Session, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": [1], "l": [[1]], "odd": [[[1]]]}), tmp_path / "p1")
    (tmp_path / "c").write_text("**HEADER**\nint64\n*/HEADER/*\nx\n1\n")
    assert json.loads(session.text("lsany", filename=str(tmp_path / "p*"))) == ["x", "l"]
    assert json.loads(session.text("lsany", filename=str(tmp_path / "p1"), read_nested=False)) == ["x"]
    assert json.loads(session.text("lsany", filename=str(tmp_path / "c"), col_delim=",")) == ["x"]


def test_tables_are_not_read_from_hdf5(session: Session, tmp_path: Path) -> None:
    (tmp_path / "h").write_bytes(b"\x89HDF\r\n\x1a\nrest")
    assert "readAllHdf reads them" in session.error("readTable", filenames=[str(tmp_path / "h")])


def test_patterns(session: Session, tmp_path: Path) -> None:
    for name in ("b", "a"):
        (tmp_path / name).write_text("")
    pattern = str(tmp_path / "*")
    expanded = json.loads(session.text("globExpansion", file_count=1, filenames=[pattern]))
    assert expanded == [str(tmp_path / "a"), str(tmp_path / "b")]
    assert json.loads(session.text("globExpansion", file_count=2, filenames=["z", "y"])) == ["z", "y"]


def test_deleting_the_files_of_blocks(session: Session, tmp_path: Path) -> None:
    for name in ("x_LOCALE0000.p", "x_LOCALE0001.p", "x.p", "x_LOCALE0000.q"):
        (tmp_path / name).write_text("")
    assert session.text("deleteMatchingFilenames", prefix=str(tmp_path / "x.p")) == "Files deleted successfully!"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["x.p", "x_LOCALE0000.q"]


def test_where_blocks_begin(session: Session) -> None:
    width = session.ex.width
    text = session.text("chunkInfoAsString<int64,2>", array=session.put(np.ones((width * 2, 3), np.int64)))
    assert json.loads(text.removeprefix("str ")) == [[2 * i for i in range(width)], [0]]


def test_the_format_of_a_table_is_found_out(session: Session, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": pa.array([1, None])}), tmp_path / "p")
    assert_column(read(session, "readTable", filenames=[str(tmp_path / "p")])["x"], [1.0, np.nan])
    (tmp_path / "c").write_text("**HEADER**\nint64\n*/HEADER/*\nx\n7\n")
    assert_column(read(session, "readTable", filenames=[str(tmp_path / "c")])["x"], [7])
