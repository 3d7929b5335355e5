"""Files are read and written by the workers that hold the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine.storage import csv
from tests.storage.columns import assert_column, read
from tests.support.session import Session
from tests.support.simulated import simulated

N = 60


@pytest.fixture(scope="module", params=[1, 2, 3])
def workers(request: pytest.FixtureRequest) -> Iterator[ClusterExecutor]:
    with simulated(request.param) as (cluster, _):
        yield ClusterExecutor(cluster)


@pytest.fixture
def session(workers: ClusterExecutor) -> Session:
    return Session(workers)


def table(n: int, start: int = 0) -> pa.Table:
    numbers = range(start, start + n)
    return pa.table(
        {
            "i": pa.array(numbers, pa.int64()),
            "f": pa.array([None if k % 5 == 0 else k / 7 for k in numbers], pa.float64()),
            "t": pa.array([f"é{k}" * (k % 3) for k in numbers], pa.string()),
            "l": pa.array([list(range(k % 4)) for k in numbers], pa.list_(pa.int64())),
        }
    )


def parquet_file(path: Path, found: pa.Table, group: int) -> str:
    pq.write_table(found, path, row_group_size=group)
    return str(path)


def holders(session: Session) -> set[str]:
    """The workers that hold blocks of the symbols."""
    ex = session.ex
    assert isinstance(ex, ClusterExecutor)
    blocks = [b for name in session.engine.symbols.names() for b in session.engine.symbols.get(name).blocks]
    ex.cluster.settle(blocks)
    return {w.address for b in blocks for w in ex.cluster.scheduler.tasks[b.key].who_has}


def assert_table(got: dict[str, Any], expected: pa.Table) -> None:
    frame = expected.to_pydict()
    assert_column(got["i"], frame["i"])
    assert_column(got["f"], [np.nan if v is None else v for v in frame["f"]])
    assert got["t"] == frame["t"]
    assert got["l"] == frame["l"]


def test_row_groups_of_one_file_are_shared_out(session: Session, tmp_path: Path) -> None:
    path = parquet_file(tmp_path / "one.parquet", table(N), 10)
    assert_table(read(session, "readAllColsParquet", filenames=[path]), table(N))
    assert len(holders(session)) == session.ex.width


def test_many_parquet_files(session: Session, tmp_path: Path) -> None:
    sizes = [1, 0, 25, 3, 11, 20]
    edges = np.cumsum([0, *sizes])
    files = [
        parquet_file(tmp_path / f"{k}.parquet", table(n, int(a)), 4)
        for k, (n, a) in enumerate(zip(sizes, edges, strict=False))
    ]
    got = read(session, "readAllColsParquet", filenames=files, tag_data=True)
    assert_table(got, table(N))
    assert_column(got["Filename_Codes"], np.repeat(np.arange(len(sizes)), sizes))
    assert len(holders(session)) == session.ex.width
    names = session.engine.symbols.names()
    assert session.engine.accounts.live == sum(session.engine.symbols.get(name).nbytes for name in names)


def test_many_csv_files(session: Session, tmp_path: Path) -> None:
    files = []
    for k, (a, b) in enumerate([(0, 5), (5, 40), (40, 41), (41, N)]):
        files.append(str(tmp_path / f"{k}.csv"))
        pd.DataFrame({"i": range(a, b), "t": [f"x{j}" for j in range(a, b)]}).to_csv(files[-1], index=False)
    got = read(session, "readTable", filenames=files, format="csv")
    assert_column(got["i"], np.arange(N))
    assert got["t"] == [f"x{j}" for j in range(N)]


def test_a_guess_that_one_worker_finds_wrong_is_widened(session: Session, tmp_path: Path) -> None:
    (tmp_path / "0.csv").write_text("x\n1\n2\n")
    (tmp_path / "1.csv").write_text("x\n2.5\n")
    files = [str(tmp_path / f"{k}.csv") for k in (0, 1)]
    assert_column(read(session, "readTable", filenames=files, format="csv")["x"], [1, 2, 2.5])


@pytest.mark.parametrize("width", [1, 2, 3, 7])
def test_csv_files_are_dealt_out_by_size(tmp_path: Path, width: int) -> None:
    files = []
    for k, size in enumerate([10, 0, 30, 5, 5, 40, 10]):
        files.append(str(tmp_path / str(k)))
        Path(files[-1]).write_text("x" * size)
    dealt = csv.deal(files, width)
    assert len(dealt) == width
    assert [f for share in dealt for f in share] == files
    assert max(sum(Path(f).stat().st_size for f in share) for share in dealt) <= 100 / width + 40


def test_each_block_is_a_parquet_file(session: Session, tmp_path: Path) -> None:
    x, t = np.arange(N) * 3, [f"t{k}" for k in range(N)]
    names = [session.put(x), session.put(t)]
    parameters = {"col_names": ["x", "t"], "columns": names, "col_objtypes": ["pdarray", "strings"], "num_cols": 2}
    session.text("toParquet_multi", filename=str(tmp_path / "f"), mode=0, compression="none", **parameters)
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == [f"f_LOCALE{k:04d}" for k in range(session.ex.width)]
    frame = pd.concat([pd.read_parquet(f) for f in files])
    assert frame["x"].tolist() == x.tolist()
    assert frame["t"].tolist() == t


def test_each_block_is_a_csv_file(session: Session, tmp_path: Path) -> None:
    x = np.arange(N)
    parameters = {"datasets": [session.put(x)], "col_names": ["x"], "col_delim": ",", "overwrite": False}
    session.text("writecsv", filename=str(tmp_path / "f.csv"), **parameters)
    files = sorted(tmp_path.iterdir())
    assert [f.name for f in files] == [f"f_LOCALE{k:04d}.csv" for k in range(session.ex.width)]
    got = read(session, "readcsv", filenames=[str(f) for f in files], datasets=["x"], col_delim=",")
    assert_column(got["x"], x)


@pytest.mark.parametrize("file_format", [0, 1])
def test_workers_write_and_read_hdf5(session: Session, tmp_path: Path, file_format: int) -> None:
    x, t = np.arange(N) * 3, [f"é{k}" * (k % 3) for k in range(N)]
    segments = np.arange(0, N, 2)
    shared = {"filename": str(tmp_path / "f"), "file_format": file_format, "write_mode": 1}
    session.text("tohdf", dset="x", objType="pdarray", values=session.put(x), **shared)
    session.text("tohdf", dset="t", objType="Strings", values=session.put(t), save_offsets=True, **shared)
    lists = {"segments": session.put(segments), "values": session.put(t)}
    session.text("tohdf", dset="l", objType="SegArray", **lists, **shared)
    files = [str(f) for f in sorted(tmp_path.iterdir())]
    width = session.ex.width
    assert [Path(f).name for f in files] == ([f"f_LOCALE{k:04d}" for k in range(width)] if file_format else ["f"])
    before = session.engine.symbols.names()
    got = read(session, "readAllHdf", filenames=files, dsets=["x", "t", "l"])
    assert_column(got["x"], x)
    assert got["t"] == t
    assert got["l"] == [t[a : a + 2] for a in segments.tolist()]
    session.engine.symbols.discard(before)
    assert len(holders(session)) == width


def test_errors_of_workers_name_the_file(session: Session, tmp_path: Path) -> None:
    good = parquet_file(tmp_path / "good", table(N), 10)
    bad = Path(parquet_file(tmp_path / "bad", table(N), 10))
    contents = bytearray(bad.read_bytes())
    contents[4:200] = bytes(196)
    bad.write_bytes(contents)
    assert str(bad) in session.error("readAllParquet", filenames=[good, str(bad)], dsets=["i"])
    (tmp_path / "x.csv").write_text("**HEADER**\nint64\n*/HEADER/*\nx\n1\nseven\n")
    parameters = {"datasets": ["x"], "col_delim": ",", "filenames": [str(tmp_path / "x.csv")]}
    assert str(tmp_path / "x.csv") in session.error("readcsv", **parameters)
    folder = tmp_path / "none"
    written = session.error(
        "writeParquet", values=session.put(np.arange(N)), prefix=str(folder / "f"), dset="x", mode=0
    )
    assert f"{folder}/f_LOCALE000" in written


def test_workers_may_have_another_folder(
    remote: ClusterExecutor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    session = Session(remote)
    pd.DataFrame({"x": range(N)}).to_csv("x.csv", index=False)
    parquet_file(Path("x.parquet"), table(N), 10)
    assert_column(read(session, "readTable", filenames=["x.csv"], format="csv")["x"], np.arange(N))
    assert_table(read(session, "readAllColsParquet", filenames=["x.parquet"]), table(N))
    session.text("writeParquet", values=session.put(np.arange(N)), prefix="y", dset="x", mode=0)
    assert pd.concat(map(pd.read_parquet, sorted(tmp_path.glob("y_LOCALE*"))))["x"].tolist() == list(range(N))
