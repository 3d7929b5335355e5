"""CSV: quoting, delimiters of any length, declared and guessed types, over every number of blocks."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from arkserver.engine.blocks import fields
from arkserver.engine.storage import csv_parsing
from tests.storage.columns import assert_column, errors, read
from tests.support.session import Session

HEADER = "**HEADER**\n{}\n*/HEADER/*\n"


def _file(folder: Path, text: str, name: str = "a.csv") -> str:
    path = folder / name
    path.write_bytes(text.encode())
    return str(path)


def _read(session: Session, *files: str, names: list[str], delimiter: str = ",", **more: Any) -> dict[str, Any]:
    return read(session, "readcsv", filenames=list(files), datasets=names, col_delim=delimiter, **more)


def test_without_a_header_all_columns_are_text(session: Session, tmp_path: Path) -> None:
    path = _file(tmp_path, "a, b ,c\n1,x,\n2,,3.5\n")
    assert json.loads(session.text("lscsv", filename=path, col_delim=",")) == ["a", "b", "c"]
    assert _read(session, path, names=["c", "a"]) == {"c": ["", "3.5"], "a": ["1", "2"]}


def test_a_header_declares_dtypes(session: Session, tmp_path: Path) -> None:
    rows = "s,i,f,b,u\nx,-1,nan,true,18446744073709551615\n,2,inf,False,0\n"
    text = HEADER.format("str,int64,float64,bool,uint64") + rows
    found = _read(session, _file(tmp_path, text), names=list("sifbu"))
    assert_column(found["s"], ["x", ""])
    assert_column(found["i"], [-1, 2])
    assert_column(found["f"], [np.nan, np.inf])
    assert_column(found["b"], [True, False])
    assert_column(found["u"], np.array([2**64 - 1, 0], np.uint64))
    assert session.text("getfiletype", filename=str(tmp_path / "a.csv")) == "CSV"


@pytest.mark.parametrize("delimiter", [",", "|", "\t", ";", "|*|", "many"])
def test_quotes_protect_delimiters_quotes_and_line_ends(session: Session, tmp_path: Path, delimiter: str) -> None:
    rows = [[f"a{delimiter}b", 'say "hi"', "two\nlines"], ["", '"', delimiter]]
    lines = ["name" + delimiter + '"a, b"' + delimiter + "x"]
    lines += [delimiter.join('"' + v.replace('"', '""') + '"' for v in row) for row in rows]
    path = _file(tmp_path, "\n".join(lines) + "\n")
    found = _read(session, path, names=["name", "a, b", "x"], delimiter=delimiter)
    assert list(zip(*found.values(), strict=True)) == [tuple(r) for r in rows]


def test_files_follow_each_other(session: Session, tmp_path: Path) -> None:
    for i in range(5):
        _file(tmp_path, f"x\nv{i}\nw{i}\n", f"{i}.csv")
    expected = [f"{c}{i}" for i in range(5) for c in "vw"]
    assert _read(session, str(tmp_path / "*.csv"), names=["x"]) == {"x": expected}


def test_a_single_column_may_hold_empty_texts(session: Session, tmp_path: Path) -> None:
    assert _read(session, _file(tmp_path, "x\na\n\nb\n"), names=["x"]) == {"x": ["a", "", "b"]}


def test_values_that_do_not_fit_are_errors_unless_allowed(session: Session, tmp_path: Path) -> None:
    path = _file(tmp_path, HEADER.format("int64,float64") + "i,f\n1,1.5\n,\nx,y\n")
    request: dict[str, Any] = {"filenames": [path], "datasets": ["i", "f"], "col_delim": ","}
    assert "set allow_errors to True" in session.error("readcsv", **request)
    found = read(session, "readcsv", **request, allow_errors=True)
    assert_column(found["i"], [1, np.iinfo(np.int64).min, np.iinfo(np.int64).min])
    assert_column(found["f"], [1.5, np.finfo(np.float64).min, np.finfo(np.float64).min])


def test_errors_name_what_is_wrong(session: Session, tmp_path: Path) -> None:
    path = _file(tmp_path, "a,b\n1,2\n")
    request: dict[str, Any] = {"datasets": ["c"], "col_delim": ","}
    assert "The dataset c was not found in" in session.error("readcsv", filenames=[path], **request)
    assert "does not exist" in session.error("readcsv", filenames=["no.csv", path], **request)
    empty = _file(tmp_path, "", "empty.csv")
    assert "is empty" in session.error("readcsv", filenames=[empty], **request)
    odd = _file(tmp_path, HEADER.format("complex") + "c\n1\n", "odd.csv")
    assert "Invalid DType Found, complex" in session.error("readcsv", filenames=[odd], **request)
    other = _file(tmp_path, HEADER.format("int64") + "c\n1\n", "other.csv")
    third = _file(tmp_path, "c\n1\n", "third.csv")
    assert "different dtypes" in session.error("readcsv", filenames=[other, third], **request)
    assert "no.csv" in errors(session, "readcsv", filenames=["no.csv", third], **request, allow_errors=True)[0]


# --- writing ---------------------------------------------------------------------------------------------------------


def _write(session: Session, prefix: str, columns: dict[str, Any], **more: Any) -> tuple[str, str]:
    names = [session.put(v) for v in columns.values()]
    return session.reply("writecsv", datasets=names, col_names=list(columns), filename=prefix, col_delim=",", **more)


def test_the_text_that_is_written(session: Session, tmp_path: Path) -> None:
    columns = {"i": np.array([-1]), "f": np.array([0.5]), "b": np.array([True]), "s": ["a,b"]}
    assert _write(session, str(tmp_path / "o.csv"), columns) == ("NORMAL", "CSV Data written successfully!")
    text = (tmp_path / "o_LOCALE0000.csv").read_text()
    assert text == '**HEADER**\nint64,float64,bool,str\n*/HEADER/*\ni,f,b,s\n-1,0.5,true,"a,b"\n'


@pytest.mark.parametrize("odd", ["", "a,b"])
def test_many_rows_are_written_as_they_are(session: Session, tmp_path: Path, odd: str) -> None:
    n = 70_000
    numbers = np.random.default_rng(3).normal(size=n)
    numbers[:4] = [np.nan, np.inf, -0.0, 5e-324]
    texts = [f"\u00e9{i % 700}" for i in range(n - 1)] + [odd]
    columns = {"f": numbers, "i": np.arange(n) * 2**40, "b": np.arange(n) % 3 == 0, "s": texts}
    _write(session, str(tmp_path / "o.csv"), columns)
    found = _read(session, str(tmp_path / "o_*"), names=list(columns))
    for name, expected in columns.items():
        assert_column(found[name], expected)


def test_files_are_only_replaced_when_told(session: Session, tmp_path: Path) -> None:
    prefix = str(tmp_path / "o.csv")
    _write(session, prefix, {"x": np.arange(20)})
    kind, text = _write(session, prefix, {"x": np.arange(3)})
    assert kind == "ERROR"
    assert f"Overwrite must be set to true in order to save with the name {prefix}" in text
    assert _write(session, prefix, {"x": np.arange(3)}, overwrite=True)[0] == "NORMAL"
    assert_column(_read(session, str(tmp_path / "*.csv"), names=["x"])["x"], [0, 1, 2])


def test_what_csv_cannot_hold_is_refused(session: Session, tmp_path: Path) -> None:
    prefix = str(tmp_path / "o.csv")
    assert "cannot be written to CSV" in _write(session, prefix, {"x": np.array([1], object)})[1]
    assert "axes" in _write(session, prefix, {"x": np.ones((2, 2))})[1]
    assert "different lengths" in _write(session, prefix, {"x": np.ones(2), "y": np.ones(3)})[1]
    assert "does not exist" in _write(session, str(tmp_path / "no" / "o.csv"), {"x": np.ones(2)})[1]


_TEXTS = st.text(st.characters(exclude_characters="\0\r", exclude_categories=["Cs"]), max_size=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(), st.booleans(), _TEXTS), max_size=30))
def test_round_trip(session: Session, tmp_path: Path, rows: list[tuple[int, float, bool, str]]) -> None:
    columns = list(zip(*rows, strict=True)) or [(), (), (), ()]
    values = [np.array(columns[0], np.int64), np.array(columns[1], np.float64), np.array(columns[2], np.bool_)]
    named = dict(zip("ifbs", [*values, list(columns[3])], strict=True))
    _write(session, str(tmp_path / "o.csv"), named, overwrite=True)
    found = _read(session, str(tmp_path / "o_*"), names=list(named))
    for name, expected in named.items():
        assert_column(found[name], expected)


# --- guessing --------------------------------------------------------------------------------------------------------


def _table(session: Session, *files: str, **more: Any) -> dict[str, Any]:
    return read(session, "readTable", filenames=list(files), **more)


def test_types_are_guessed_as_pandas_guesses_them(session: Session, tmp_path: Path) -> None:
    text = "i,f,b,s,holes,mixed\n1,1.5,true,x,1,1\n2,,false,,,y\n3,nan,true,z,3,2\n"
    found = _table(session, _file(tmp_path, text), format="csv")
    expected = pd.read_csv(io.StringIO(text))
    assert list(found) == list(expected.columns)
    for name in ("i", "f", "b", "holes"):
        assert found[name].dtype == expected[name].dtype
        assert_column(found[name], expected[name])
    assert found["s"] == ["x", "", "z"]
    assert found["mixed"] == ["1", "y", "2"]


def test_a_guess_that_does_not_hold_is_widened(session: Session, tmp_path: Path) -> None:
    n = 200_000
    late = csv.writer(buffer := io.StringIO(), lineterminator="\n")
    late.writerow(["a", "b"])
    late.writerows((i, i) for i in range(n))
    late.writerow([0.5, "text"])
    found = _table(session, _file(tmp_path, buffer.getvalue()), format="csv")
    assert found["a"].dtype == np.float64
    assert found["a"][-1] == 0.5
    assert found["b"][:2] == ["0", "1"]
    assert found["b"][-1] == "text"


def test_columns_of_a_table_can_be_chosen(session: Session, tmp_path: Path) -> None:
    path = _file(tmp_path, "a|b|c\n1|2|3\n")
    found = _table(session, path, columns=["c", "a"], format="csv", col_delim="|")
    assert list(found) == ["c", "a"]
    assert_column(found["c"], [3])
    missing = session.error("readTable", filenames=[path], columns=["d"], format="csv", col_delim="|")
    assert "The dataset d was not found" in missing


# --- kernels and Arrow -----------------------------------------------------------------------------------------------


ODD = {
    "i": [" 7", "", "-0", "00000000000000000000005", "-9223372036854775808", "9223372036854775807", "NA"],
    "f": [" 0.5", "", "nan", "NaN", "-inf", "1e400", "5e-324", "1.", ".5", "-0", "123456789012345678901e-5", "NA"],
    "b": ["TRUE", "False", "1", "0", "", "NULL"],
    "s": ["", "\u00e9t\u00e9", "NA", " x ", "0"],
}


def _odd_rows(n: int) -> list[list[str]]:
    """Rows that are plain in most pieces of a file."""
    rng = np.random.default_rng(8)
    plain = [
        [str(x) for x in rng.integers(-(10**6), 10**6, n)],
        [repr(x) for x in (rng.normal(size=n) * 10.0 ** rng.integers(-30, 30, n)).tolist()],
        ["true" if x else "false" for x in rng.random(n) < 0.5],
        [f"text {x}" for x in rng.integers(0, 99, n)],
    ]
    for column, odd in zip(plain, ODD.values(), strict=True):
        for k, at in enumerate(rng.choice(np.arange(n // 2, n), len(odd), replace=False)):
            column[at] = odd[k]
    return [list(row) for row in zip(*plain, strict=True)]


def _as_ours(column: Any) -> Any:
    if pa.types.is_string(column.type):
        return column.to_pylist()
    return column.cast(pa.float64(), safe=False).to_numpy() if column.null_count else column.to_numpy()


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("last", [True, False])
@pytest.mark.parametrize("piece", [1, 500, 1 << 20])
def test_pieces_are_what_arrow_makes_of_the_whole(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, piece: int, last: bool, end: str
) -> None:
    monkeypatch.setattr(csv_parsing, "SMALL_PIECE", 1)
    monkeypatch.setattr(csv_parsing, "LARGE_PIECE", piece)
    rows = _odd_rows(400)
    text = end.join(["i,f,b,s", *(",".join(r) for r in rows)]) + (end if last else "")
    path = _file(tmp_path, text)
    expected = pacsv.read_csv(path)
    found = _table(session, path, format="csv")
    for name in "ifbs":
        assert_column(found[name], _as_ours(expected.column(name)))


@pytest.mark.parametrize("last", range(1, 12))
def test_behind_every_piece_there_is_memory_to_spare(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, last: int
) -> None:
    monkeypatch.setattr(csv_parsing, "SMALL_PIECE", 1)
    monkeypatch.setattr(csv_parsing, "LARGE_PIECE", 5)
    text = "s\n" + "abcdefgh\n" * 9 + "x" * last
    pieces = list(csv_parsing._pieces(_file(tmp_path, text), ","))
    assert len(pieces) > 2
    assert b"".join(p.text.tobytes() for p in pieces).decode() == text[2:] + "\n"
    for piece in pieces:
        whole = piece.text.base
        assert isinstance(whole, np.ndarray)
        end = whole.ctypes.data + whole.nbytes
        assert piece.text.ctypes.data + piece.text.nbytes + fields.SPARE <= end


def test_names_may_be_quoted(session: Session, tmp_path: Path) -> None:
    assert _table(session, _file(tmp_path, '"a","b,c"\n1,x\n'), format="csv") == {"a": np.array([1]), "b,c": ["x"]}
    two_lines = _table(session, _file(tmp_path, '"a","b\nc"\n1,x\n'), format="csv")
    assert two_lines == {"a": np.array([1]), "b\nc": ["x"]}


def test_lines_of_other_lengths_are_errors(session: Session, tmp_path: Path) -> None:
    for rows in ("1,2\n3\n", "1\n2,3,4\n", "1,2,3\n", "1,2\n\n3,4,5\n"):
        path = _file(tmp_path, "a,b\n" + rows)
        assert "Expected 2 columns" in session.error("readTable", filenames=[path], format="csv")
    path = _file(tmp_path, "a,b\n1,2\n\n3,4\n\n")
    found = _table(session, path, format="csv")
    assert_column(found["b"], [2, 4])


def test_a_file_of_names_alone_has_no_rows(session: Session, tmp_path: Path) -> None:
    for text in ("a,b", "a,b\n"):
        assert _read(session, _file(tmp_path, text), names=["a", "b"]) == {"a": [], "b": []}


def test_text_that_is_not_utf8_is_an_error(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"s\nx\n\xff\n")
    assert "UTF8" in session.error("readcsv", filenames=[str(path)], datasets=["s"], col_delim=",")
