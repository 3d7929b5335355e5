"""Tables: named columns of one length on the server."""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client import display, indexing, joining
from arkserver.client.arrays import Array
from arkserver.client.groupby import REDUCTIONS, Column, GroupBy
from arkserver.client.operators import is_scalar
from arkserver.client.searching import lexsort
from arkserver.client.strings import Strings

if TYPE_CHECKING:
    from arkserver.client.session import Session

STATISTICS = ("count", "mean", "std", "min", "25%", "50%", "75%", "max")


class DataFrame:
    """A table: columns by name, no index.

    Columns are shared, not copied: a table costs nothing beside its columns.

    Parameters
    ----------
    columns : mapping of str to array or strings
        All of one length, all of one session.
    """

    __hash__ = None  # type: ignore[assignment]

    def __init__(self, columns: Mapping[str, Column]) -> None:
        self._columns = dict(columns)
        lengths = {c.shape[0] if c.ndim == 1 else -1 for c in self._columns.values()}
        if len(lengths) != 1 or -1 in lengths:
            shapes = {n: c.shape for n, c in self._columns.items()}
            raise ValueError(f"the columns of a table have one axis and one length; these have {shapes}")
        self._length = lengths.pop()

    # --- facts -------------------------------------------------------------------------------------------------------

    @property
    def session(self) -> Session:
        """The session of the columns."""
        return next(iter(self._columns.values())).session

    @property
    def columns(self) -> list[str]:
        """Names of the columns."""
        return list(self._columns)

    @property
    def dtypes(self) -> dict[str, str]:
        """Dtypes of the columns by name; ``str`` for strings."""
        return {name: c.dtype_name for name, c in self._columns.items()}

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return len(self), len(self._columns)

    @property
    def nbytes(self) -> int:
        """Bytes on the server."""
        return sum(c.nbytes for c in self._columns.values())

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __contains__(self, name: object) -> bool:
        return name in self._columns

    def info(self) -> str:
        """A text with the name, the dtype and the bytes of each column."""
        rows = [self.columns, list(self.dtypes.values()), [display.size_text(c.nbytes) for c in self.values()]]
        table = display.table_text(["column", "dtype", "bytes"], rows, [""] * len(self._columns))
        return f"{len(self)} rows, {len(self._columns)} columns, {display.size_text(self.nbytes)}\n{table}"

    def values(self) -> list[Column]:
        """The columns."""
        return list(self._columns.values())

    # --- display -----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return self._shown(display.table_text)

    def _repr_html_(self) -> str:
        return self._shown(display.table_html)

    def _shown(self, write: Any) -> str:
        """The first and the last rows."""
        n = len(self)
        parts = display.edges(n)
        picked = self if len(parts) == 1 else self.take([i for a, b in parts for i in range(a, b)])
        index = display.positions(parts)
        columns = [c.tolist() for c in picked.values()]
        if len(parts) > 1:
            for c in columns:
                c.insert(parts[0][1], "...")
        note = f"[{n} rows x {len(self._columns)} columns]"
        text = write(self.columns, columns, index)
        return f"{text}{display.note(note)}" if write is display.table_html else f"{text}\n{note}"

    # --- columns -----------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, str):
            return self._column(key)
        if isinstance(key, slice | Array | np.ndarray):
            return self.take(key)
        return DataFrame({name: self._column(name) for name in key})

    def _column(self, name: str) -> Column:
        try:
            return self._columns[name]
        except KeyError:
            raise KeyError(f"there is no column {name!r}; there are {', '.join(self._columns)}") from None

    def __setitem__(self, name: str, value: Any) -> None:
        column = self.session.full(len(self), value) if is_scalar(value) else self.session.asarray(value)
        if column.shape != (len(self),):
            raise ValueError(f"the column {name} has shape {column.shape}; the table has {len(self)} rows")
        self._columns[name] = column

    def assign(self, **columns: Any) -> DataFrame:
        """A table with further columns."""
        found = DataFrame(self._columns)
        for name, value in columns.items():
            found[name] = value(found) if callable(value) else value
        return found

    def drop(self, *names: str) -> DataFrame:
        """A table without these columns."""
        for name in names:
            self._column(name)
        return DataFrame({n: c for n, c in self._columns.items() if n not in names})

    def rename(self, names: Mapping[str, str]) -> DataFrame:
        """A table whose columns have other names."""
        return DataFrame({names.get(n, n): c for n, c in self._columns.items()})

    # --- rows --------------------------------------------------------------------------------------------------------

    def take(self, rows: Any) -> DataFrame:
        """The rows that a mask, a slice or positions pick."""
        if isinstance(rows, slice) or not self._columns:
            return DataFrame({n: c[rows] for n, c in self._columns.items()})
        key = self.session.asarray(np.empty(0, np.int64) if isinstance(rows, list) and not rows else rows)
        found = indexing.take_rows(list(self._columns.values()), key)
        return DataFrame(dict(zip(self._columns, found, strict=True)))

    def filter(self, mask: Array) -> DataFrame:
        """The rows where `mask` holds."""
        return self.take(mask)

    def head(self, n: int = 5) -> DataFrame:
        """The first rows."""
        return self.take(slice(0, max(0, n)))

    def tail(self, n: int = 5) -> DataFrame:
        """The last rows."""
        return self.take(slice(max(0, len(self) - max(0, n)), None))

    def sort_values(self, by: str | Sequence[str], *, ascending: bool | Sequence[bool] = True) -> DataFrame:
        """The rows in the order of one or several columns; equal ones keep theirs, nan comes last."""
        names = [by] if isinstance(by, str) else list(by)
        directions = [ascending] * len(names) if isinstance(ascending, bool) else list(ascending)
        keys = [_key(self._column(n), ascending=up) for n, up in zip(names, directions, strict=True)]
        return self.take(lexsort(keys))

    def nlargest(self, n: int, by: str) -> DataFrame:
        """The rows with the `n` largest values of a column, the largest first."""
        return self.sort_values(by, ascending=False).head(n)

    # --- groups and joins --------------------------------------------------------------------------------------------

    def groupby(self, by: str | Sequence[str], *, dropna: bool = True) -> FrameGroupBy:
        """Groups of rows with equal values in the columns `by`."""
        names = [by] if isinstance(by, str) else list(by)
        return FrameGroupBy(self, GroupBy([self._column(n) for n in names], dropna=dropna, names=names))

    def value_counts(self, by: str | Sequence[str]) -> DataFrame:
        """How often each value (or combination) occurs, the most frequent first."""
        groups = self.groupby(by).groups
        return groups.table({"count": groups.size()}).sort_values("count", ascending=False)

    def merge(
        self,
        right: DataFrame,
        on: str | Sequence[str] | None = None,
        how: str = "inner",
        *,
        left_on: str | Sequence[str] | None = None,
        right_on: str | Sequence[str] | None = None,
        suffixes: tuple[str, str] = ("_x", "_y"),
    ) -> DataFrame:
        """Rows of both tables with equal keys, side by side, in pandas' order.

        Parameters
        ----------
        on : str or sequence of str, optional
            Keys, by their names in both tables; without any the columns that both have.
        how : str
            ``inner``, ``left``, ``right`` or ``outer``. Where a row has no partner, numbers become nan (integers and
            bools turn into float64) and texts empty.
        left_on, right_on : str or sequence of str, optional
            Keys whose names differ.
        suffixes : tuple of str
            For columns other than keys whose name both tables have.
        """
        keys = joining.keys(self, right, on, left_on, right_on)
        return DataFrame(joining.merge(self, right, keys, how, suffixes))

    # --- statistics --------------------------------------------------------------------------------------------------

    def describe(self) -> DataFrame:
        """Count, mean, deviation and quantiles of the numeric columns, nan left out."""
        numeric = {n: c for n, c in self._columns.items() if isinstance(c, Array) and c.dtype.kind in "iuf"}
        described = {n: self.session.array(_statistics(c), dtype="float64") for n, c in numeric.items()}
        return DataFrame({"statistic": self.session.array(list(STATISTICS)), **described})

    # --- elsewhere ---------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The columns, here: NumPy arrays, and lists of texts."""
        return {n: c.tolist() if isinstance(c, Strings) else c.to_numpy() for n, c in self._columns.items()}

    def to_pandas(self) -> Any:
        """The table as a pandas DataFrame."""
        import pandas as pd

        return pd.DataFrame(self.to_dict(), columns=builtins.list(self._columns))

    def to_parquet(self, path: str, *, compression: str = "snappy") -> None:
        """Let the server write Parquet files: ``x.parquet`` becomes ``x_LOCALE0000.parquet`` and so on."""
        self.session.write_parquet(self, path, compression=compression)

    def to_csv(self, path: str, *, delimiter: str = ",", overwrite: bool = False) -> None:
        """Let the server write CSV files: ``x.csv`` becomes ``x_LOCALE0000.csv`` and so on."""
        self.session.write_csv(self, path, delimiter=delimiter, overwrite=overwrite)


class FrameGroupBy:
    """Groups of rows of a table."""

    def __init__(self, frame: DataFrame, groups: GroupBy) -> None:
        self.frame = frame
        self.groups = groups

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, column: str) -> ColumnGroupBy:
        return ColumnGroupBy(self, column)

    def agg(self, how: str | Mapping[str, str | Sequence[str]] | None = None, **named: tuple[str, str]) -> DataFrame:
        """A table with one row a group: the keys, and reductions of columns.

        Parameters
        ----------
        how : str or mapping, optional
            One reduction for all columns that have it, or by column one (the column keeps its name) or several (named
            ``column_reduction``).
        **named : tuple of str
            ``name=("column", "reduction")``.
        """
        wanted = {**self._wanted(how), **named}
        columns = {name: (self.frame[column], reduction) for name, (column, reduction) in wanted.items()}
        return self.groups.agg(**columns)

    def _wanted(self, how: str | Mapping[str, str | Sequence[str]] | None) -> dict[str, tuple[str, str]]:
        if how is None:
            return {}
        if isinstance(how, str):
            others = [n for n in self.frame.columns if n not in self.groups.names]
            return {n: (n, how) for n in others if isinstance(self.frame[n], Array)}
        wanted: dict[str, tuple[str, str]] = {}
        for column, reductions in how.items():
            if isinstance(reductions, str):
                wanted[column] = (column, reductions)
            else:
                wanted |= {f"{column}_{r}": (column, r) for r in reductions}
        return wanted

    def size(self) -> DataFrame:
        """The keys and the rows of each group."""
        return self.groups.table({"size": self.groups.size()})

    def quantile(self, column: str, q: float = 0.5) -> DataFrame:
        """The keys and a quantile of a column."""
        return self.groups.table({column: self.groups.quantile(self.frame[column], q)})


class ColumnGroupBy:
    """Groups of the values of one column; every reduction gives a table of the keys and of a column of that name."""

    def __init__(self, groups: FrameGroupBy, column: str) -> None:
        self.groups = groups
        self.column = column

    def agg(self, how: str) -> DataFrame:
        """One reduction."""
        return self.groups.agg({self.column: how})

    def quantile(self, q: float = 0.5) -> DataFrame:
        """A quantile, interpolated linearly."""
        return self.groups.quantile(self.column, q)

    def __getattr__(self, how: str) -> Callable[[], DataFrame]:
        if how not in REDUCTIONS:
            raise AttributeError(f"groups have no {how}; they have {', '.join(REDUCTIONS)}, quantile and agg")
        return lambda: self.agg(how)


def _key(column: Column, *, ascending: bool) -> Column:
    """What sorts as the column does, in the direction that is wanted."""
    if ascending:
        return column
    if isinstance(column, Strings):
        column = GroupBy(column).group_of_row()
    return -column if column.dtype.kind in "fO" else ~column


def _statistics(column: Array) -> list[float]:
    if column.dtype.kind == "f":
        column = column[~column.isnan()]
    n = column.size
    if not n:
        return [0.0] + [float("nan")] * (len(STATISTICS) - 1)
    deviation = float(column.std(ddof=1)) if n > 1 else float("nan")
    quantiles = column.session.xp.quantile(column, [0.25, 0.5, 0.75]).tolist()
    return [float(n), float(column.mean()), deviation, float(column.min()), *quantiles, float(column.max())]
