"""Strings on the server: comparison, search, parts, concatenation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from arkserver.client import display, indexing, transfer
from arkserver.client.arrays import Array
from arkserver.client.dtypes import dtype_name, resolve
from arkserver.client.remote import Remote
from arkserver.client.wire import unescaped

if TYPE_CHECKING:
    from arkserver.client.session import Session

SHOWN = 3
"""texts shown on either side of the dots"""


class Strings(Remote):
    """A one-dimensional array of UTF-8 strings on the server.

    Missing values are empty strings. Lengths count bytes; order is by bytes.
    """

    __slots__ = ("nbytes", "size")
    __hash__ = None  # type: ignore[assignment]
    dtype_name = "str"
    ndim = 1

    def __init__(self, session: Session, name: str, size: int, nbytes: int) -> None:
        super().__init__(session, name)
        self.size = size
        self.nbytes = nbytes

    @property
    def shape(self) -> tuple[int]:
        """``(size,)``"""
        return (self.size,)

    @property
    def dtype(self) -> np.dtype[Any]:
        """NumPy's string dtype."""
        return np.dtype(np.str_)

    def __len__(self) -> int:
        return self.size

    # --- contents ----------------------------------------------------------------------------------------------------

    def tolist(self) -> list[str]:
        """The texts, here."""
        return transfer.download_strings(self)

    def to_numpy(self) -> NDArray[Any]:
        """The texts, here, in an array of NumPy's str dtype."""
        return np.array(self.tolist(), np.str_)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the contents are on the server; they cannot be had without a copy")
        return self.to_numpy() if dtype is None else np.array(self.tolist(), dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(self.tolist())

    def __repr__(self) -> str:
        return f"Strings([{', '.join(self._shown())}], size={self.size})"

    def __str__(self) -> str:
        return f"[{', '.join(self._shown())}]"

    def _repr_html_(self) -> str:
        facts = display.note(f"str, {self.size} strings, {display.size_text(self.nbytes)}")
        return display.column_html(self) + facts

    def _shown(self) -> list[str]:
        if self.size <= 2 * SHOWN + 1:
            return [repr(t) for t in self.tolist()]
        head, tail = self[:SHOWN].tolist(), self[-SHOWN:].tolist()
        return [*map(repr, head), "...", *map(repr, tail)]

    # --- parts -------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, slice):
            at = key.indices(self.size)
            # The end of a backward slice that goes to the front is -1, as the protocol has it.
            return self._indexed("sliceIndex", list(at))
        if isinstance(key, list | np.ndarray):
            key = self.session.asarray(np.asarray(key) if len(key) else np.empty(0, np.int64))
        if isinstance(key, Array):
            return self._gathered(key)
        position = indexing.position(int(key), self.size)
        text = self.session.text("segmentedIndex", subcmd="intIndex", **self._self(), key=position)
        return item_text(text)

    def _self(self) -> dict[str, Any]:
        return {"objType": "Strings", "dtype": "str", "obj": self}

    def _indexed(self, subcommand: str, key: Any) -> Strings:
        return self.session.create_strings("segmentedIndex", subcmd=subcommand, **self._self(), key=key)

    def _gathered(self, index: Array) -> Strings:
        if index.dtype.kind == "b" and index.shape != self.shape:
            raise IndexError(f"the mask has shape {index.shape}; there are {self.size} strings")
        return indexing.retrying(self.size, index, lambda at: self._indexed("pdarrayIndex", at))

    # --- comparison --------------------------------------------------------------------------------------------------

    def __eq__(self, other: object) -> Any:
        return self._compared("==", other)

    def __ne__(self, other: object) -> Any:
        return self._compared("!=", other)

    def _compared(self, op: str, other: object) -> Any:
        shared = {"op": op, "objType": "Strings", "obj": self, "left": False, "delim": ""}
        if isinstance(other, str):
            return self.session.create("segmentedBinopvs", **shared, otherType="str", other=other)
        if isinstance(other, list | np.ndarray):
            other = self.session.asarray(other)
        if not isinstance(other, Strings):
            return NotImplemented
        if other.size != self.size:
            raise ValueError(f"{self.size} and {other.size} strings cannot be compared")
        return self.session.create("segmentedBinopvv", **shared, otherType="Strings", other=other)

    def isin(self, texts: Any, *, invert: bool = False) -> Array:
        """Which are among `texts`."""
        other = texts if isinstance(texts, Strings) else self.session.strings(list(texts))
        shared = {"objType": "Strings", "obj": self, "otherType": "Strings", "other": other}
        return self.session.create("segmentedIn1d", **shared, invert=invert)

    # --- search ------------------------------------------------------------------------------------------------------

    def search(self, pattern: str) -> Array:
        """Where the regular expression (RE2 syntax) matches somewhere."""
        return self.session.create("segmentedSearch", objType="Strings", obj=self, valType="str", val=pattern)

    def contains(self, text: str, *, regex: bool = False) -> Array:
        """Where `text` occurs."""
        return self.search(text if regex else quoted(text))

    def startswith(self, text: str) -> Array:
        """Where `text` is the beginning."""
        return self.search(f"^{quoted(text)}")

    def endswith(self, text: str) -> Array:
        """Where `text` is the end."""
        return self.search(f"{quoted(text)}$")

    def lengths(self) -> Array:
        """Bytes of each."""
        return self.session.create("segmentLengths", objType="Strings", obj=self)

    # --- new strings -------------------------------------------------------------------------------------------------

    def lower(self) -> Strings:
        """In lower case, as `str.lower` has it."""
        return self._cased("toLower")

    def upper(self) -> Strings:
        """In upper case, as `str.upper` has it; a sharp s becomes two letters."""
        return self._cased("toUpper")

    def _cased(self, subcommand: str) -> Strings:
        return self.session.create_strings("caseChange", subcmd=subcommand, objType="Strings", obj=self)

    def strip(self, characters: str = "") -> Strings:
        """Without these characters (white space if none are given) at both ends."""
        return self.session.create_strings("segmentedStrip", objType="Strings", name=self, chars=characters)

    def stick(self, other: Strings, delimiter: str = "") -> Strings:
        """Each joined with the one of `other` at the same position."""
        shared = {"op": "stick", "objType": "Strings", "obj": self, "otherType": "Strings", "other": other}
        return self.session.create_strings("segmentedBinopvv", **shared, left=False, delim=delimiter)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, str):
            other = self.session.create_strings("segmentedFull", size=str(self.size), fill_value=other)
        return self.stick(other) if isinstance(other, Strings) else NotImplemented

    def concatenate(self, *others: Strings) -> Strings:
        """These, followed by `others`."""
        names = [self, *others]
        return self.session.create_strings("concatenateStr", objType="Strings", names=names, mode="append")

    def astype(self, dtype: DTypeLike) -> Any:
        """The numbers that the texts spell.

        Raises
        ------
        ServerError
            If one spells none.
        """
        wanted = np.dtype(dtype)
        if wanted.kind in "UO":
            return self
        return self.session.create(f"castStringsTo<{dtype_name(resolve(wanted))}>", name=self, opt="strict")

    # --- order -------------------------------------------------------------------------------------------------------

    def argsort(self) -> Array:
        """The stable permutation that sorts by bytes."""
        return self.session.create("argsortStrings", name=self, algoName="RadixSortLSD")

    def register(self, name: str) -> Strings:
        """Keep them on the server under `name` until they are unregistered."""
        self.session.register(name, self)
        return self


def item_text(reply: str) -> str:
    """The text of a reply ``item str "..."``."""
    return unescaped(reply.removeprefix("item str ")[1:-1])


def quoted(text: str) -> str:
    """`text` as a regular expression that matches just it."""
    return "".join(f"\\{c}" if c in r"\.+*?()|[]{}^$" else c for c in text)
