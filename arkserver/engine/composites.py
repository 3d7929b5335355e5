"""Objects of several values, as clients have them: Categorical, DataFrame, GroupBy, Index and others.

The engine knows no operation on them; they are what files and other servers exchange.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from arkserver.engine.values import Array, Column

ARRAYS = ("PDARRAY", "STRINGS", "DATETIME", "TIMEDELTA", "IPV4")
"""kinds that are one value, called ``array``"""


@dataclass(frozen=True, slots=True)
class Composite:
    """An object and what it is made of, as in `registry.RegisteredObject`, but with values in place of symbols."""

    kind: str
    """object type in capitals: PDARRAY, STRINGS, DATAFRAME, ..."""
    values: Mapping[str, Column] = field(default_factory=dict)
    """the values that it is made of, by what they are in it"""
    parts: Mapping[str, Composite] = field(default_factory=dict)
    """columns, keys or levels by their names"""

    @property
    def columns(self) -> Iterator[Column]:
        """All values in it."""
        yield from self.values.values()
        for part in self.parts.values():
            yield from part.columns

    @property
    def leader(self) -> Column:
        """The value by whose blocks it is cut into files."""
        named = [self.values[role] for role in ("codes", "permutation", "segments") if role in self.values]
        return named[0] if named else next(self.columns)


def single(value: Column, kind: str = "") -> Composite:
    """One value as an object, of its own kind unless another is given."""
    return Composite(kind or ("PDARRAY" if isinstance(value, Array) else "STRINGS"), {"array": value})
