"""Groups of rows with equal keys, and what can be said of each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from arkserver.client.arrays import Array
from arkserver.client.searching import lexsort
from arkserver.client.strings import Strings

if TYPE_CHECKING:
    from arkserver.client.frame import DataFrame

Column = Array | Strings

REDUCTIONS = (
    *("sum", "prod", "mean", "count", "min", "max", "median", "std", "var"),
    *("nunique", "first", "any", "all", "mode"),
)
"""what `GroupBy.agg` knows, beside ``size`` and ``quantile``"""

OF_TEXT = ("size", "count", "first", "nunique", "min", "max")
"""those of strings"""


class GroupBy:
    """Rows with equal keys.

    The groups are in the ascending order of their keys. A nan among the keys is no value: with `dropna` its rows belong
    to no group, without it all of them are one group, the last. Empty strings are values like any other (the server
    does not tell missing texts from empty ones).

    Reductions of floats leave nan out, as pandas'; `std` and `var` divide by ``n - ddof``.

    Parameters
    ----------
    keys : array, strings, or sequence of these
        Several make groups of equal combinations.
    dropna : bool
    names : sequence of str, optional
        Of the keys, for tables of results.
    """

    def __init__(self, keys: Column | Sequence[Column], *, dropna: bool = True, names: Sequence[str] = ()) -> None:
        self.keys = [keys] if isinstance(keys, Array | Strings) else list(keys)
        self.names = list(names) or [f"key{i}" for i in range(len(self.keys))]
        if not self.keys or len({k.shape for k in self.keys}) > 1:
            raise ValueError(f"the keys must have one length; they have {[k.shape for k in self.keys]}")
        self.session = self.keys[0].session
        self._rows = _rows_with_keys(self.keys) if dropna else None
        kept = [self._chosen(k) for k in self.keys]
        # Of each row that has keys the number of its group, and the first row of each group.
        self._codes, self._firsts, *found = self.session.create_many("groupCodes", keys=kept, unique=True)
        self.unique_keys: list[Column] = found

    def _chosen(self, column: Any) -> Any:
        """The rows that belong to groups."""
        return column if self._rows is None else column[self._rows]

    def __len__(self) -> int:
        return self._firsts.size

    @property
    def ngroups(self) -> int:
        """Number of groups."""
        return len(self)

    # --- values of groups --------------------------------------------------------------------------------------------

    def size(self) -> Array:
        """Rows of each group."""
        return self._reduced([self._codes], ["count"])[0]

    def aggregate(self, column: Column, how: str, *, ddof: int = 1, skipna: bool = True) -> Column:
        """One reduction of one column.

        Raises
        ------
        ValueError
            For a reduction that is not known, or a column of another length than the keys.
        """
        return self._aggregate_many([(column, how)], ddof=ddof, skipna=skipna)[0]

    def _aggregate_many(
        self, wanted: Sequence[tuple[Column, str]], *, ddof: int = 1, skipna: bool = True
    ) -> list[Column]:
        """All reductions; those of numbers in one request."""
        for column, how in wanted:
            self._check(column, how)
        numeric = [(self._chosen(c), h) for c, h in wanted if _is_numeric(c, h)]
        found = iter(self._numeric(numeric, ddof=ddof, skipna=skipna))
        return [next(found) if _is_numeric(c, h) else self._other(c, h) for c, h in wanted]

    def _check(self, column: Column, how: str) -> None:
        if column.shape != self.keys[0].shape:
            raise ValueError(f"a column of shape {column.shape} was given; the keys have {self.keys[0].shape}")
        known = OF_TEXT if isinstance(column, Strings) else ("size", *REDUCTIONS)
        if how not in known:
            kind = "strings" if isinstance(column, Strings) else "numbers"
            raise ValueError(f"groups of {kind} have no {how}; they have {', '.join(known)}")

    def _numeric(self, wanted: Sequence[tuple[Array, str]], *, ddof: int, skipna: bool) -> list[Column]:
        # nan is counted as one of the different values, and has to be taken off.
        odd = [skipna and h == "nunique" and c.dtype.kind == "f" for c, h in wanted]
        nans = [c.isnan() for (c, _), is_odd in zip(wanted, odd, strict=True) if is_odd]
        values = [*(_reducible(c, h) for c, h in wanted), *nans]
        found = self._reduced(values, [*(h for _, h in wanted), *["any"] * len(nans)], skip_nan=skipna, ddof=ddof)
        surplus = iter(found[len(wanted) :])
        return [x - next(surplus) if is_odd else x for x, is_odd in zip(found, odd, strict=False)]

    def _reduced(self, values: Sequence[Array], ops: Sequence[str], **options: Any) -> list[Any]:
        if not values:
            return []
        parameters = {"codes": self._codes, "groups": len(self), "values": values, "ops": ops, **options}
        return self.session.create_many("codedAggregate", **parameters)

    def _other(self, column: Column, how: str) -> Column:
        """Sizes, first values, and reductions of strings."""
        if how in ("size", "count"):
            return self.size()
        values = self._chosen(column)
        if how == "first":
            return values[self._firsts]
        texts = GroupBy(values)
        found = self._reduced([texts._codes], [how])[0]
        return found if how == "nunique" else texts.unique_keys[0][found]

    def group_of_row(self) -> Array:
        """For each row that belongs to one, the number of its group."""
        return self._codes.copy()

    def broadcast(self, per_group: Array) -> Array:
        """For each row that belongs to one, the value of its group."""
        return per_group[self._codes]

    # --- single reductions -------------------------------------------------------------------------------------------

    def sum(self, column: Column) -> Column:
        """Sums."""
        return self.aggregate(column, "sum")

    def prod(self, column: Column) -> Column:
        """Products, float64."""
        return self.aggregate(column, "prod")

    def mean(self, column: Column) -> Column:
        """Means, float64."""
        return self.aggregate(column, "mean")

    def count(self, column: Column | None = None) -> Column:
        """Values that are not nan; without a column, rows."""
        return self.size() if column is None else self.aggregate(column, "count")

    def min(self, column: Column) -> Column:
        """Minima."""
        return self.aggregate(column, "min")

    def max(self, column: Column) -> Column:
        """Maxima."""
        return self.aggregate(column, "max")

    def median(self, column: Column) -> Column:
        """Medians, float64."""
        return self.aggregate(column, "median")

    def std(self, column: Column, *, ddof: int = 1) -> Column:
        """Standard deviations with divisor ``n - ddof``."""
        return self.aggregate(column, "std", ddof=ddof)

    def var(self, column: Column, *, ddof: int = 1) -> Column:
        """Variances with divisor ``n - ddof``."""
        return self.aggregate(column, "var", ddof=ddof)

    def nunique(self, column: Column) -> Column:
        """Numbers of different values."""
        return self.aggregate(column, "nunique")

    def first(self, column: Column) -> Column:
        """Values of the first row."""
        return self.aggregate(column, "first")

    def any(self, column: Column) -> Column:
        """Whether one value is non-zero."""
        return self.aggregate(column, "any")

    def all(self, column: Column) -> Column:
        """Whether all values are non-zero."""
        return self.aggregate(column, "all")

    def quantile(self, column: Array, q: float = 0.5) -> Array:
        """Quantiles, interpolated linearly between neighbours; nan is left out.

        Raises
        ------
        ValueError
            If `q` is not between 0 and 1.
        """
        if not 0 <= q <= 1:
            raise ValueError(f"q is {q}; a quantile lies between 0 and 1")
        self._check(column, "mean")
        values = self._chosen(column).astype("float64")
        counts = self._reduced([values], ["count"])[0]
        # Within each group the values ascend and nan, if any, comes last.
        ordered = values[lexsort([self._codes, values])]
        starts = self._starts()
        exact = (counts - 1) * q
        return _interpolated(ordered, starts, exact, counts)

    def _starts(self) -> Array:
        """Where each group would begin if the groups stood in the order of their keys."""
        sizes = self.size()
        return sizes.cumsum() - sizes

    # --- tables ------------------------------------------------------------------------------------------------------

    def agg(self, **wanted: tuple[Column, str]) -> DataFrame:
        """A table of the keys and of named reductions, such as ``late=(delay, "mean")``."""
        results = self._aggregate_many(list(wanted.values()))
        return self.table(dict(zip(wanted, results, strict=True)))

    def table(self, columns: Mapping[str, Column]) -> DataFrame:
        """A table of the keys and of columns with one value a group."""
        from arkserver.client.frame import DataFrame

        return DataFrame({**dict(zip(self.names, self.unique_keys, strict=True)), **columns})


def _rows_with_keys(keys: Sequence[Column]) -> Array | None:
    """The rows that have no nan among their keys; None if all are so."""
    floats = [k for k in keys if isinstance(k, Array) and k.dtype.kind == "f"]
    if not floats:
        return None
    there = ~floats[0].isnan()
    for k in floats[1:]:
        there &= ~k.isnan()
    return None if there.all() else there


def _is_numeric(column: Column, how: str) -> bool:
    """Whether the server reduces the values themselves."""
    return isinstance(column, Array) and how not in ("size", "first")


def _reducible(column: Array, how: str) -> Array:
    """Dtypes that the reduction has, where the server's table lacks one."""
    if column.dtype_name == "uint8":
        return column.astype("uint64")
    if column.dtype_name == "bool" and how in ("min", "max", "prod"):
        return column.astype("int64")
    return column


def _interpolated(ordered: Array, starts: Array, exact: Array, counts: Array) -> Array:
    """Values at the positions `exact` of groups; nan for a group without values."""
    xp = ordered.session.xp
    if not ordered.size:
        return xp.full(starts.shape, float("nan"))
    there = counts > 0
    exact = xp.where(there, exact, 0.0)
    low = exact.astype("int64")
    at = xp.clip(starts + low, 0, ordered.size - 1)
    following = xp.clip(starts + xp.minimum(low + 1, counts - 1), 0, ordered.size - 1)
    below, above = ordered[at], ordered[following]
    return xp.where(there, below + (above - below) * (exact - low), float("nan"))
