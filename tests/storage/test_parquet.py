"""Parquet: what pyarrow and pandas write is read, what is written pandas reads, over every number of blocks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arkserver.engine.executor import Executor
from arkserver.engine.storage import parquet, parquet_writing
from arkserver.engine.storage.parquet import Source
from tests.storage.columns import assert_column, errors, read
from tests.support.session import Session

N = 100


def _table(n: int = N) -> pa.Table:
    rng = np.random.default_rng(n)
    some = [i % 3 == 0 for i in range(n)]
    ints = [None if gone else i for i, gone in enumerate(some)]
    return pa.table(
        {
            "int64": rng.integers(-9, 9, n),
            "int8": pa.array(rng.integers(-9, 9, n), pa.int8()),
            "uint16": pa.array(rng.integers(0, 9, n), pa.uint16()),
            "float": pa.array(rng.random(n), pa.float32()),
            "double": pa.array([None if gone else i / 7 for i, gone in enumerate(some)], pa.float64()),
            "bool": rng.random(n) < 0.5,
            "holes": pa.array(ints, pa.int32()),
            "truths": pa.array([None if i is None else i % 2 == 0 for i in ints]),
            "text": pa.array([None if i is None else "é" * (i % 5) for i in ints]),
            "large": pa.array([f"n{i}" for i in range(n)], pa.large_string()),
            "coded": pa.array([f"c{i % 4}" for i in range(n)]).dictionary_encode(),
            "decimal": pa.array(range(n), pa.decimal128(12, 2)),
            "time": pa.array(range(n), pa.timestamp("us")),
            "day": pa.array(range(n), pa.date32()),
            "lists": pa.array([None if i is None else list(range(i % 4)) for i in ints], pa.list_(pa.int64())),
            "words": pa.array([["x" * (i % 3)] * (i % 3) for i in range(n)]),
        }
    )


def _expected(table: pa.Table, name: str) -> Any:
    values = table.column(name).to_pylist()
    if name in ("text", "large", "coded", "words"):
        return ["" if v is None else v for v in values]
    if name == "lists":
        return [v or [] for v in values]
    if name in ("time", "day"):
        return np.arange(table.num_rows) % N
    if name in ("double", "holes", "truths", "decimal", "float"):
        return np.array([np.nan if v is None else float(v) for v in values])
    return np.array(values)


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, pa.Table]:
    """Two files with row groups of 13 and of 31 rows, and all their rows."""
    table = _table()
    pq.write_table(table, tmp_path / "a0.parquet", row_group_size=13)
    pq.write_table(table, tmp_path / "a1.parquet", row_group_size=31)
    return str(tmp_path / "a*.parquet"), pa.concat_tables([table, table])


def test_every_type(session: Session, files: tuple[str, pa.Table]) -> None:
    pattern, table = files
    found = read(session, "readAllColsParquet", filenames=[pattern], null_handling="all")
    assert list(found) == table.column_names
    for name, got in found.items():
        assert_column(got, _expected(table, name))


def test_columns_come_in_the_order_that_was_asked_for(session: Session, files: tuple[str, pa.Table]) -> None:
    pattern, table = files
    names = ["words", "int64", "text"]
    found = read(session, "readAllParquet", filenames=[pattern], dsets=names)
    assert list(found) == names
    for name, got in found.items():
        assert_column(got, _expected(table, name))


def test_files_come_in_the_order_of_their_list(session: Session, tmp_path: Path) -> None:
    for i in range(3):
        pq.write_table(pa.table({"x": [i] * (i + 1)}), tmp_path / f"{i}.parquet")
    names = [str(tmp_path / f"{i}.parquet") for i in (2, 0, 1)]
    found = read(session, "readAllParquet", filenames=names, dsets=["x"], tag_data=True)
    assert_column(found["x"], [2, 2, 2, 0, 1, 1])
    assert_column(found["Filename_Codes"], [0, 0, 0, 1, 2, 2])
    assert next(iter(found)) == "Filename_Codes"


def test_nulls_in_whole_numbers_are_refused_unless_asked_for(session: Session, files: tuple[str, pa.Table]) -> None:
    for name in ("holes", "truths"):
        text = session.error("readAllParquet", filenames=[files[0]], dsets=[name])
        assert "has nulls; read it with null_handling='all'" in text
    read(session, "readAllParquet", filenames=[files[0]], dsets=["holes"], has_non_float_nulls=True)


def test_null_indices(session: Session, files: tuple[str, pa.Table]) -> None:
    pattern, table = files
    found = read(session, "getnullparquet", filenames=[pattern], dsets=["text"])
    assert_column(found["text"], [int(not t) for t in table.column("text").to_pylist()])
    refused = session.error("getnullparquet", filenames=[pattern], dsets=["int64"])
    assert "Null indices only supported on Parquet string columns, not int64" in refused


def test_empty_files_among_others(session: Session, tmp_path: Path) -> None:
    full, empty = pa.table({"x": [1, 2], "s": ["a", "b"]}), pa.table({"x": [1], "s": ["a"]}).slice(0, 0)
    for i, table in enumerate((empty, full, empty)):
        pq.write_table(table, tmp_path / f"{i}.parquet")
    found = read(session, "readAllColsParquet", filenames=[str(tmp_path / "*.parquet")])
    assert_column(found["x"], [1, 2])
    assert_column(found["s"], ["a", "b"])
    nothing = read(session, "readAllColsParquet", filenames=[str(tmp_path / "0.parquet")])
    assert_column(nothing["x"], np.zeros(0, np.int64))
    assert_column(nothing["s"], [])


# --- what is refused -------------------------------------------------------------------------------------------------


def test_errors_name_what_is_wrong(session: Session, files: tuple[str, pa.Table], tmp_path: Path) -> None:
    pattern, _ = files
    assert "Dataset nope not found in file" in session.error("readAllParquet", filenames=[pattern], dsets=["nope"])
    missing = session.error("readAllParquet", filenames=[str(tmp_path / "no"), pattern], dsets=["int64"])
    assert "no does not exist" in missing
    pattern_error = session.error("readAllParquet", filenames=[str(tmp_path / "no*")], dsets=["int64"])
    assert "files inaccessible to Arkouda" in pattern_error
    (tmp_path / "text").write_text("PAR1 but no Parquet")
    assert "cannot be read as Parquet" in session.error("readAllColsParquet", filenames=[str(tmp_path / "text")])
    nested = pa.table({"x": [[[1]]]})
    pq.write_table(nested, tmp_path / "nested")
    assert "lists of lists" in session.error("readAllParquet", filenames=[str(tmp_path / "nested")], dsets=["x"])


@pytest.mark.usefixtures("files")
def test_files_that_cannot_be_read_may_be_left_out(session: Session, tmp_path: Path) -> None:
    good = str(tmp_path / "a0.parquet")
    request = {"filenames": [good, str(tmp_path / "no")], "dsets": ["int64"], "allow_errors": True}
    assert_column(read(session, "readAllParquet", **request)["int64"], _table().column("int64").to_numpy())
    assert "no does not exist" in errors(session, "readAllParquet", **request)[0]
    only_bad = session.error("readAllParquet", filenames=[str(tmp_path / "no"), "no2"], dsets=["x"], allow_errors=True)
    assert "none of the files can be read" in only_bad


def test_types_of_all_files_must_agree(session: Session, tmp_path: Path) -> None:
    for name, t in (("a", pa.int64()), ("b", pa.int32()), ("c", pa.float64())):
        pq.write_table(pa.table({"x": pa.array([1], t)}), tmp_path / name)
    a, b, c = (str(tmp_path / name) for name in "abc")
    assert "Inconsistent types" in session.error("readAllParquet", filenames=[a, b], dsets=["x"])
    found = read(session, "readAllParquet", filenames=[a, b], dsets=["x"], strict_types=False)
    assert_column(found["x"], [1, 1])
    assert "Inconsistent types" in session.error("readAllParquet", filenames=[a, c], dsets=["x"], strict_types=False)


def test_a_read_that_would_not_fit_is_refused_by_the_footers_alone(ex: Executor, tmp_path: Path) -> None:
    pq.write_table(pa.table({"x": np.arange(10_000)}), tmp_path / "x")
    session = Session(ex, limit=50_000)
    assert "readAllColsParquet" in session.error("readAllColsParquet", filenames=[str(tmp_path / "x")])
    assert session.engine.accounts.live == 0


# --- writing ---------------------------------------------------------------------------------------------------------


def _written(prefix: Path) -> pd.DataFrame:
    parts = [pq.read_table(path).to_pandas() for path in sorted(prefix.parent.glob(f"{prefix.name}_LOCALE*"))]
    return pd.DataFrame(pd.concat(parts, ignore_index=True))


@pytest.mark.parametrize("compression", ["none", "snappy", "gzip", "brotli", "zstd", "lz4"])
def test_what_is_written_pandas_reads(session: Session, tmp_path: Path, compression: str) -> None:
    n = 50
    columns: dict[str, Any] = {
        "i": np.arange(n) - 25,
        "u": np.arange(n, dtype=np.uint64) + 2**63,
        "f": np.where(np.arange(n) % 5 == 0, np.nan, np.arange(n) / 3),
        "b": np.arange(n) % 3 == 0,
        "s": ["ü" * (i % 4) for i in range(n)],
    }
    names = [session.put(v) for v in columns.values()]
    reply = session.text(
        "toParquet_multi",
        columns=names,
        col_names=list(columns),
        col_objtypes=["Strings" if isinstance(v, list) else "pdarray" for v in columns.values()],
        filename=str(tmp_path / "out"),
        compression=compression,
    )
    assert reply == "File written successfully!"
    found = _written(tmp_path / "out")
    for name, expected in columns.items():
        assert_column(found[name].to_numpy() if not isinstance(expected, list) else found[name].tolist(), expected)
    schema = pq.read_schema(next(iter(tmp_path.glob("out_LOCALE*"))))
    assert not any(f.nullable for f in schema)


def test_there_is_one_file_a_block(session: Session, tmp_path: Path) -> None:
    session.text("writeParquet", values=session.put(np.arange(50)), dset="x", prefix=str(tmp_path / "o.pq"))
    names = sorted(p.name for p in tmp_path.iterdir())
    assert names == [f"o_LOCALE{i:04d}.pq" for i in range(session.ex.width)]


def test_writing_over_files_warns_and_leaves_none_behind(session: Session, tmp_path: Path) -> None:
    prefix = str(tmp_path / "o")
    for i in range(9):
        (tmp_path / f"o_LOCALE{i:04d}").write_text("old")
    kind, text = session.reply("writeParquet", values=session.put(np.arange(5)), dset="x", prefix=prefix)
    assert (kind, text) == ("WARNING", "Warning: possibly overwriting existing files matching filename pattern")
    assert _written(tmp_path / "o")["x"].tolist() == [0, 1, 2, 3, 4]


def test_appending_a_column(session: Session, tmp_path: Path) -> None:
    prefix, x, s = str(tmp_path / "o"), session.put(np.arange(30)), session.put([f"t{i}" for i in range(30)])
    session.text("writeParquet", values=x, dset="x", prefix=prefix, mode=1)
    session.text("writeParquet", values=s, dset="s", prefix=prefix, mode=1, objType="Strings")
    found = _written(tmp_path / "o")
    assert found["x"].tolist() == list(range(30))
    assert found["s"].tolist() == [f"t{i}" for i in range(30)]
    assert "already exists" in session.error("writeParquet", values=x, dset="s", prefix=prefix, mode=1)
    short = session.put(np.arange(7))
    assert "rows" in session.error("writeParquet", values=short, dset="y", prefix=prefix, mode=1)


def test_appending_again_after_a_loss_changes_nothing(tmp_path: Path) -> None:
    path = str(tmp_path / "o")
    x, y = np.arange(3), np.array([0.5, 1.5, 2.5])
    parquet_writing._write_block(path, ("x",), (False,), "none", False, x)
    for _ in range(2):
        parquet_writing._write_block(path, ("y",), (False,), "none", True, y)
    found = pq.read_table(path)
    assert found.column_names == ["x", "y"]
    assert found["y"].to_pylist() == y.tolist()
    assert [f.name for f in tmp_path.iterdir()] == ["o"]


@pytest.mark.parametrize("values", [np.arange(6), [f"v{i}" for i in range(6)]])
def test_lists_survive(session: Session, tmp_path: Path, values: Any) -> None:
    starts = [0, 0, 1, 4, 4, 4, 6, 6, 6]
    request = {"values": session.put(values), "segments": session.put(np.array(starts)), "objType": "SegArray"}
    session.text("writeParquet", dset="l", prefix=str(tmp_path / "o"), **request)
    expected = [list(values[a:b]) for a, b in zip(starts, [*starts[1:], 6], strict=True)]
    assert [list(v) for v in _written(tmp_path / "o")["l"]] == expected
    found = read(session, "readAllParquet", filenames=[str(tmp_path / "o_*")], dsets=["l"])
    assert found["l"] == expected


def test_what_parquet_cannot_hold_is_refused(session: Session, tmp_path: Path) -> None:
    for x in (np.array([1, 2], object), np.arange(3, dtype=np.uint8), np.ones((2, 2))):
        assert "Parquet" in session.error("writeParquet", values=session.put(x), dset="x", prefix=str(tmp_path / "o"))
    unknown = session.error(
        "writeParquet", values=session.put(np.arange(3)), dset="x", prefix=str(tmp_path / "o"), compression="zip"
    )
    assert "zip is no compression" in unknown
    assert list(tmp_path.iterdir()) == []


# --- dealing out -----------------------------------------------------------------------------------------------------


@given(st.lists(st.lists(st.integers(0, 50), max_size=8), max_size=5), st.integers(1, 9))
def test_every_row_group_goes_to_one_block_in_order(files: list[list[int]], width: int) -> None:
    sources = [Source(f"f{i}", None, tuple(groups), {}) for i, groups in enumerate(files)]
    blocks = parquet.deal(sources, width)
    assert len(blocks) == width
    dealt = [(path, g) for block in blocks for path, groups in block for g in groups]
    assert dealt == [(s.path, g) for s in sources for g in range(len(s.groups))]


# --- against pandas --------------------------------------------------------------------------------------------------

_TEXTS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=12)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), _TEXTS), max_size=40))
def test_round_trip(session: Session, tmp_path: Path, rows: list[tuple[int, float, bool, str]]) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    arrays = [np.array(columns[0], np.int64), np.array(columns[1], np.float64), np.array(columns[2], np.bool_)]
    names = [session.put(x) for x in arrays] + [session.put(list(columns[3]))]
    types = ["pdarray", "pdarray", "pdarray", "Strings"]
    prefix = str(tmp_path / "o")
    session.text("toParquet_multi", columns=names, col_names=list("ifbs"), col_objtypes=types, filename=prefix)
    found = read(session, "readAllColsParquet", filenames=[f"{prefix}_*"])
    for x, got in zip([*arrays, list(columns[3])], found.values(), strict=True):
        assert_column(got, x)
    assert json.loads(session.text("lsany", filename=f"{prefix}_*")) == list("ifbs")
