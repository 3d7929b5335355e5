"""The registry of objects, as a client uses it: every kind, pinned, attached, listed, freed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from arkserver.engine.local import LocalExecutor
from tests.support.session import Session

SEPARATOR = "+|+"


class Client(Session):
    """A session with an array and strings in it."""

    def __init__(self) -> None:
        super().__init__(LocalExecutor())
        self.x, self.y = self.put(np.arange(3)), self.put(np.arange(4.0))
        self.s = self.put(["a", "b"])
        self.category = {"codes": self.x, "categories": self.s, "NA_codes": self.y}

    def registers(self, kind: str, **parameters: Any) -> Any:
        """Register an object, check what is pinned, attach, free it; what attaching gave."""
        self.text("register", name="mine", objType=kind, **parameters)
        listed = json.loads(self.text("list_registry"))
        names, kinds, pinned = (json.loads(listed[key]) for key in ("Objects", "Object_Types", "Components"))
        assert (names, kinds) == (["mine"], [kind.upper()])
        for symbol in pinned:
            assert self.text("delete", name=symbol) == f"registered symbol, {symbol}, not deleted"
        assert "already in use" in self.error("register", name="mine", objType=kind, **parameters).lower()
        attached = json.loads(self.text("attach", name="mine"))
        assert attached["objType"] == kind.upper()
        assert self.text("unregister", name="mine") == f"Unregistered {kind.upper()} mine"
        assert json.loads(self.text("list_registry"))["Components"] == "[]"
        assert "unknown symbol" in self.error("attach", name="mine")
        self.pinned = pinned
        return attached["create"]

    def line(self, symbol: str) -> str:
        """How a symbol is announced."""
        if symbol == self.s:
            return f"created {symbol} str 2 1 [2] 1+created bytes.size 4"
        return f"created {symbol} int64 3 1 [3] 8" if symbol == self.x else f"created {symbol} float64 4 1 [4] 8"


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.mark.parametrize("kind", ["pdarray", "Datetime", "Timedelta", "IPv4"])
def test_arrays(client: Client, kind: str) -> None:
    assert client.registers(kind, array=client.x) == client.line(client.x)


def test_strings(client: Client) -> None:
    assert client.registers("Strings", array=client.s) == client.line(client.s)


def test_segmented_arrays_and_bit_vectors(client: Client) -> None:
    create = json.loads(client.registers("SegArray", segments=client.x, values=client.s, val_type="Strings"))
    assert create == {"segments": client.line(client.x), "values": client.line(client.s)}
    create = json.loads(client.registers("BitVector", values=client.x, width=8, reverse=True))
    assert create == {"values": client.line(client.x), "width": "8", "reverse": "true"}


def test_categoricals(client: Client) -> None:
    parts = {"codes": client.x, "categories": client.s, "_akNAcode": client.y}
    create = json.loads(client.registers("Categorical", **parts, segments="", permutation=""))
    assert create == {role: client.line(symbol) for role, symbol in parts.items()}
    full = json.loads(client.registers("Categorical", **parts, segments=client.x, permutation=client.x))
    assert set(full) == {*parts, "segments", "permutation"}
    assert client.pinned.count(client.x) == 3


def test_tables(client: Client) -> None:
    columns = [client.x, client.s, json.dumps(client.category), json.dumps({"segments": client.x, "values": client.y})]
    bits = json.dumps({"name": client.x, "width": 4, "reverse": False})
    create = json.loads(
        client.registers(
            "DataFrame", idx=client.y, num_cols=5, column_names=["a", "b c", "cat", "seg", "bits"],
            columns=[*columns, bits], col_objTypes=["pdarray", "Strings", "Categorical", "SegArray", "BitVector"],
        )
    )  # fmt: skip
    assert create["a"] == f"PDARRAY{SEPARATOR}{client.line(client.x)}"
    assert create["b c"] == f"STRINGS{SEPARATOR}{client.line(client.s)}"
    kind, inner = create["cat"].split(SEPARATOR)
    assert (kind, json.loads(inner)["_akNAcode"]) == ("CATEGORICAL", client.line(client.y))
    assert json.loads(create["bits"].split(SEPARATOR)[1])["reverse"] == "false"
    assert client.pinned[0] == client.y


def test_groups_indexes_and_series(client: Client) -> None:
    parts = {"segments": client.x, "permutation": client.x, "uki": client.x}
    keys = {"keys": [client.s, json.dumps(client.category)], "key_objTypes": ["Strings", "Categorical"]}
    create = json.loads(client.registers("GroupBy", **parts, num_keys=2, **keys))
    assert list(create) == [*parts, "KEY_0", "KEY_1"]
    levels = {"num_idxs": 2, "idx_names": [client.x, client.s], "idx_types": ["pdarray", "Strings"]}
    told = [f"PDARRAY{SEPARATOR}{client.line(client.x)}", f"STRINGS{SEPARATOR}{client.line(client.s)}"]
    assert json.loads(client.registers("MultiIndex", **levels)) == told
    one = {"num_idxs": 1, "idx_names": [client.x], "idx_types": ["pdarray"]}
    assert json.loads(client.registers("Index", **one)) == told[:1]
    series = json.loads(client.registers("Series", **one, values=client.s, val_type="Strings"))
    assert json.loads(series["index"]) == told[:1]
    assert series["value"] == told[1]


def test_what_cannot_be_registered(client: Client) -> None:
    assert "cannot be registered" in client.error("register", name="n", objType="Matrix", array=client.x)
    assert "unknown symbol" in client.error("register", name="n", objType="pdarray", array="nothing")
    wrong = {"num_idxs": 1, "idx_names": [client.x], "idx_types": ["Datetime"]}
    assert "cannot be registered" in client.error("register", name="n", objType="Index", **wrong)
    short = {"idx": client.x, "num_cols": 2, "column_names": ["a"], "columns": [client.x], "col_objTypes": []}
    assert "1 columns and 0" in client.error("register", name="n", objType="DataFrame", **short)
    assert json.loads(client.text("list_registry"))["Objects"] == "[]"
