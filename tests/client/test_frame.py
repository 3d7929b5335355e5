"""Groups and tables against pandas."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from arkserver.client import Array, DataFrame, GroupBy, Session, Strings

few = settings(max_examples=20, deadline=None)

NUMERIC = ("sum", "prod", "mean", "count", "min", "max", "median", "std", "var", "nunique", "first", "any", "all")


def _pandas(n: int = 60, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "k": rng.integers(-2, 3, n),
            "s": rng.choice(["", "b", "aa", "longer than sixteen bytes", "ü"], n),
            "f": np.where(rng.random(n) < 0.3, np.nan, rng.integers(-5, 6, n) / 2),
            "i": rng.integers(-9, 9, n),
            "u": rng.integers(0, 9, n).astype(np.uint64),
            "b": rng.random(n) < 0.5,
        }
    )


@pytest.fixture(scope="module")
def pandas() -> pd.DataFrame:
    return _pandas()


@pytest.fixture(scope="module")
def frame(session: Session, pandas: pd.DataFrame) -> DataFrame:
    return session.frame(pandas)


def same(got: DataFrame, expected: pd.DataFrame) -> None:
    """Equal names, dtypes and rows."""
    here = got.to_pandas()
    assert list(here.columns) == list(expected.columns)
    for name in expected:
        want = expected[name]
        if want.dtype.kind == "O":
            assert here[name].tolist() == ["" if v != v or v is None else v for v in want.astype(object)]
        else:
            np.testing.assert_allclose(here[name].to_numpy(float), want.to_numpy(float), rtol=1e-12, atol=1e-12)


# --- groups ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", NUMERIC)
@pytest.mark.parametrize("column", ["f", "i", "u", "b"])
def test_reductions(frame: DataFrame, pandas: pd.DataFrame, how: str, column: str) -> None:
    got = GroupBy(frame["k"]).aggregate(frame[column], how).to_numpy()
    grouped = pandas.groupby("k")[column]
    if how == "first":
        expected = grouped.apply(lambda g: g.iloc[0])
    elif column == "f" and how in ("any", "all"):
        expected = grouped.apply(lambda g: getattr(g.dropna().astype(bool), how)())
    elif column == "b" and how in ("std", "var", "median", "mean"):
        expected = pandas.assign(b=pandas.b.astype(float)).groupby("k")["b"].agg(how)
    else:
        expected = grouped.agg(how)
    np.testing.assert_allclose(got.astype(float), expected.to_numpy(float), rtol=1e-12)


@pytest.mark.parametrize("keys", [["k"], ["s"], ["k", "s"], ["b", "k"], ["f"], ["f", "s"]])
def test_keys(frame: DataFrame, pandas: pd.DataFrame, keys: list[str]) -> None:
    got = frame.groupby(keys).agg(total=("i", "sum"), rows=("i", "size"))
    expected = pandas.groupby(keys, as_index=False).agg(total=("i", "sum"), rows=("i", "size"))
    expected = expected.sort_values(keys, key=lambda c: c.map(str.encode) if c.dtype == "str" else c)
    same(got, expected)


def test_nan_among_the_keys(session: Session, frame: DataFrame, pandas: pd.DataFrame) -> None:
    kept = frame.groupby("f", dropna=False).agg(rows=("i", "size"))
    same(kept, pandas.groupby("f", as_index=False, dropna=False).agg(rows=("i", "size")))
    nothing = session.array([np.nan, np.nan])
    assert len(GroupBy(nothing)) == 0
    assert len(GroupBy(nothing, dropna=False)) == 1


@pytest.mark.parametrize("how", ["count", "first", "nunique", "min", "max"])
def test_reductions_of_strings(frame: DataFrame, pandas: pd.DataFrame, how: str) -> None:
    got = GroupBy(frame["k"]).aggregate(frame["s"], how)
    by_bytes = pandas.assign(s=pandas.s.astype(object).map(str.encode)).groupby("k")["s"].agg(how)
    assert [v.encode() if isinstance(v, str) else v for v in got.tolist()] == by_bytes.tolist()


@pytest.mark.parametrize("q", [0.0, 0.05, 0.25, 0.5, 0.95, 1.0])
@pytest.mark.parametrize("column", ["f", "i"])
def test_quantiles(frame: DataFrame, pandas: pd.DataFrame, q: float, column: str) -> None:
    got = frame.groupby(["k", "b"]).quantile(column, q)
    expected = pandas.groupby(["k", "b"], as_index=False)[[column]].quantile(q)
    same(got, expected)


def test_quantile_of_a_group_of_nan_is_nan(session: Session) -> None:
    groups = GroupBy(session.array([0, 0, 1]))
    got = groups.quantile(session.array([np.nan, np.nan, 2.0]), 0.5)
    np.testing.assert_array_equal(got.to_numpy(), [np.nan, 2.0])


def test_values_of_groups_back_to_rows(frame: DataFrame, pandas: pd.DataFrame) -> None:
    groups = frame.groupby(["s", "k"]).groups
    means = groups.mean(frame["i"])
    assert isinstance(means, Array)
    got = groups.broadcast(means)
    expected = pandas.groupby(["s", "k"])["i"].transform("mean")
    np.testing.assert_allclose(got.to_numpy(), expected)


def test_ways_to_aggregate(frame: DataFrame, pandas: pd.DataFrame) -> None:
    groups, expected = frame.groupby("k"), pandas.groupby("k", as_index=False)
    same(groups.agg({"i": "sum", "f": "max"}), expected.agg({"i": "sum", "f": "max"}))
    many = groups.agg({"i": ["min", "max"]})
    assert many.columns == ["k", "i_min", "i_max"]
    all_numbers = groups.agg("sum")
    assert all_numbers.columns == ["k", "f", "i", "u", "b"]
    same(groups.size(), pd.DataFrame(expected.size()))
    same(groups["f"].median(), expected[["f"]].median())
    same(groups["f"].quantile(0.9), expected[["f"]].quantile(0.9))
    with pytest.raises(AttributeError, match="groups have no skew"):
        groups["f"].skew()


def test_what_groups_refuse(session: Session, frame: DataFrame) -> None:
    groups = GroupBy(frame["k"])
    with pytest.raises(ValueError, match="groups of numbers have no skew"):
        groups.aggregate(frame["i"], "skew")
    with pytest.raises(ValueError, match="groups of strings have no sum"):
        groups.sum(frame["s"])
    with pytest.raises(ValueError, match="the keys have"):
        groups.sum(session.arange(3))
    with pytest.raises(ValueError, match="one length"):
        GroupBy([frame["k"], session.arange(3)])
    with pytest.raises(ValueError, match="lies between"):
        groups.quantile(frame["i"], 2)


@few
@given(rows=st.lists(st.tuples(st.integers(-2, 2), st.sampled_from(["", "x", "y"]), st.floats(-9, 9)), max_size=25))
def test_groups_of_any_rows(session: Session, rows: list[tuple[int, str, float]]) -> None:
    table = pd.DataFrame(rows, columns=["k", "s", "v"]).astype({"k": "int64", "v": "float64", "s": "str"})
    got = session.frame(table).groupby(["s", "k"]).agg(mean=("v", "mean"), rows=("v", "count"))
    same(got, table.groupby(["s", "k"], as_index=False).agg(mean=("v", "mean"), rows=("v", "count")))


# --- tables ----------------------------------------------------------------------------------------------------------


def test_there_and_back(frame: DataFrame, pandas: pd.DataFrame) -> None:
    same(frame, pandas)
    assert frame.shape == pandas.shape
    assert frame.columns == list(pandas.columns)
    assert frame.dtypes == {"k": "int64", "s": "str", "f": "float64", "i": "int64", "u": "uint64", "b": "bool"}
    assert list(frame) == frame.columns
    assert "k" in frame


def test_every_kind_of_pandas_column(session: Session) -> None:
    table = pd.DataFrame(
        {
            "text": pd.array(["a", None, "c"], dtype="str"),
            "objects": np.array(["a", None, np.nan], dtype=object),
            "category": pd.Categorical(["x", "y", "x"]),
            "integers": pd.array([1, None, 3], dtype="Int64"),
            "whole": pd.array([1, 2, 3], dtype="Int32"),
            "truth": pd.array([True, None, False], dtype="boolean"),
            "time": pd.to_datetime(["1970-01-01", "1970-01-02", "1970-01-03"]),
            "zone": pd.to_datetime(["1970-01-01", "1970-01-02", "1970-01-03"], utc=True),
            "narrow": np.array([1, 2, 3], np.int8),
        }
    )
    got = session.frame(table).to_dict()
    day = 86_400_000_000_000
    assert got["text"] == ["a", "", "c"]
    assert got["objects"] == ["a", "", ""]
    assert got["category"] == ["x", "y", "x"]
    np.testing.assert_array_equal(got["integers"], [1, np.nan, 3])
    assert got["whole"].tolist() == [1, 2, 3]
    np.testing.assert_array_equal(got["truth"], [1, np.nan, 0])
    assert got["time"].tolist() == got["zone"].tolist() == [0, day, 2 * day]
    assert got["narrow"].dtype == np.int64


def test_rows(session: Session, frame: DataFrame, pandas: pd.DataFrame) -> None:
    same(frame.head(3), pandas.head(3))
    same(frame.tail(4), pandas.tail(4))
    same(frame[5:50:7], pandas[5:50:7])
    same(frame[frame["i"] > 0], pandas[pandas["i"] > 0])
    same(frame.filter((frame["s"] == "aa") & frame["b"]), pandas[(pandas["s"] == "aa") & pandas["b"]])
    same(frame.take([4, 4, 0]), pandas.iloc[[4, 4, 0]])
    same(frame.take([-1, 0]), pandas.iloc[[-1, 0]])
    assert frame.take([]).shape == (0, len(frame.columns))
    same(frame[["s", "k"]], pandas[["s", "k"]])
    assert len(frame.head(0)) == 0
    with pytest.raises(IndexError, match="the index has shape"):
        frame.take(session.array([True]))
    with pytest.raises(IndexError, match=r"the index has shape \(\)"):
        frame.take(3)
    with pytest.raises(IndexError, match="is no index"):
        frame.take([0.5])
    assert isinstance(session.frame({"s": []})["s"].size, int)


@pytest.mark.parametrize("by", ["i", "s", "f", ["s", "i"], ["b", "f", "k"]])
@pytest.mark.parametrize("ascending", [True, False])
def test_sorting(frame: DataFrame, pandas: pd.DataFrame, by: Any, ascending: bool) -> None:
    got = frame.sort_values(by, ascending=ascending)
    expected = pandas.sort_values(
        by, ascending=ascending, kind="stable", key=lambda c: c.map(str.encode) if c.dtype == "str" else c
    )
    same(got, expected)


def test_sorting_each_column_its_way(frame: DataFrame, pandas: pd.DataFrame) -> None:
    got = frame.sort_values(["k", "u"], ascending=[False, True])
    same(got, pandas.sort_values(["k", "u"], ascending=[False, True], kind="stable"))
    same(frame.nlargest(3, "i")[["i"]], pandas.nlargest(3, "i")[["i"]])


def test_columns(session: Session, frame: DataFrame) -> None:
    more = frame.assign(twice=lambda f: f["i"] * 2, one=1, texts=["t"] * len(frame))
    assert more["twice"].tolist() == [2 * v for v in frame["i"].tolist()]
    assert more["one"].dtype == np.int64
    assert isinstance(more["texts"], Strings)
    assert "twice" not in frame
    assert more.drop("one", "texts").columns == [*frame.columns, "twice"]
    assert frame.rename({"k": "key"}).columns[0] == "key"
    with pytest.raises(KeyError, match="there is no column 'nope'"):
        frame["nope"]
    with pytest.raises(ValueError, match="the table has 60 rows"):
        more["x"] = session.arange(3)
    with pytest.raises(ValueError, match="one length"):
        session.frame({"a": [1], "b": [1, 2]})


def test_statistics(frame: DataFrame, pandas: pd.DataFrame) -> None:
    got = frame.describe().drop("statistic").to_pandas()
    expected = pandas.describe()
    np.testing.assert_allclose(got.to_numpy(), expected[got.columns].to_numpy())
    counts = frame.value_counts("s").to_pandas()
    expected_counts = pandas["s"].value_counts()
    assert dict(zip(counts["s"], counts["count"], strict=True)) == expected_counts.to_dict()
    assert counts["count"].is_monotonic_decreasing


def test_display(session: Session, frame: DataFrame) -> None:
    small = session.frame({"name": ["a", "bb"], "value": [1.5, np.nan]})
    assert repr(small) == "   name  value\n0  a       1.5\n1  bb      nan\n[2 rows x 2 columns]"
    lines = repr(frame).splitlines()
    assert len(lines) == 13
    assert lines[6].split() == ["..."] * 7
    assert lines[-1] == "[60 rows x 6 columns]"
    html = small._repr_html_()
    assert html.count("<tr>") == 3
    assert "2 rows x 2 columns" in html
    assert "value" in small.info()
    assert "float64" in small.info()


# --- joins -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["inner", "left", "right", "outer"])
def test_merge(session: Session, how: Any) -> None:
    left = pd.DataFrame(
        {"k": [1, 2, 2, 5, 7], "s": ["a", "b", "b", "c", "d"], "v": [1, 2, 3, 4, 5], "t": list("pqrst")}
    )
    right = pd.DataFrame(
        {"k": [2, 2, 9, 1, 7], "s": ["b", "b", "z", "a", "x"], "v": [10, 20, 30, 40, 50], "w": list("ABCDE")}
    )
    a, b = session.frame(left), session.frame(right)
    for on in (["k"], ["s"], ["k", "s"]):
        got = a.merge(b, on, how)
        expected = left.merge(right, on=on, how=how)
        same(got, expected)
    same(a.merge(b[["k", "s", "w"]], how=how), left.merge(right[["k", "s", "w"]], how=how))


@few
@given(data=st.data(), how=st.sampled_from(["inner", "left", "right", "outer"]))
def test_merge_of_any_tables(session: Session, data: st.DataObject, how: Any) -> None:
    def table(name: str) -> pd.DataFrame:
        keys = data.draw(st.lists(st.integers(0, 4), max_size=8))
        return pd.DataFrame({"k": np.array(keys, np.int64), name: np.arange(len(keys))})

    left, right = table("a"), table("b")
    same(session.frame(left).merge(session.frame(right), "k", how), left.merge(right, on="k", how=how))


def test_merge_on_other_names(session: Session) -> None:
    left = pd.DataFrame({"from": ["x", "y", "z"], "n": [1, 2, 3]})
    right = pd.DataFrame({"code": ["z", "x"], "n": [10, 20]})
    got = session.frame(left).merge(session.frame(right), None, "left", left_on="from", right_on="code")
    same(got, left.merge(right, how="left", left_on="from", right_on="code"))


def test_what_merge_refuses(session: Session) -> None:
    a, b = session.frame({"k": [1], "x": ["t"]}), session.frame({"k": ["t"], "y": [1]})
    with pytest.raises(ValueError, match="cannot be joined"):
        a.merge(b, "k")
    with pytest.raises(ValueError, match="how is 'cross'"):
        a.merge(a, "k", "cross")
    with pytest.raises(ValueError, match="cannot be joined"):
        a.merge(b[["y"]])
    with pytest.raises(ValueError, match="either by on="):
        a.merge(b, "k", left_on="k", right_on="k")


# --- files -----------------------------------------------------------------------------------------------------------


def test_parquet(session: Session, pandas: pd.DataFrame, tmp_path: Path) -> None:
    pq.write_table(pa.Table.from_pandas(pandas), tmp_path / "a.parquet", row_group_size=7)
    same(session.read_parquet(tmp_path / "a.parquet"), pandas)
    same(session.read_parquet(str(tmp_path / "*.parquet"), ["f", "s"]), pandas[["f", "s"]])
    same(session.read_parquet([tmp_path / "a.parquet"] * 2), pd.concat([pandas, pandas]))
    session.frame(pandas).to_parquet(str(tmp_path / "b.parquet"))
    same(session.read_parquet(tmp_path / "b_*.parquet"), pandas)


def test_csv(session: Session, pandas: pd.DataFrame, tmp_path: Path) -> None:
    pandas.to_csv(tmp_path / "a.csv", index=False)
    got = session.read_csv(tmp_path / "a.csv")
    same(got, pandas)
    assert got.dtypes["u"] == "int64"
    session.frame(pandas).to_csv(str(tmp_path / "b.csv"), delimiter="|")
    back = session.read_csv(tmp_path / "b_*.csv", delimiter="|")
    same(back, pandas)
    assert back.dtypes["u"] == "uint64"
