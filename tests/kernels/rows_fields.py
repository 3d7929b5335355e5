"""Rows of the comparison table: fields of delimited text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from arkserver.engine.blocks import fields
from tests.kernels.rows import Arguments, Comparison, special_floats

Array = NDArray[Any]
COMMA, COLUMNS = ord(","), 3

INTEGER, BOOL = re.compile(r"-?[0-9]{1,19}"), {"true": True, "True": True, "TRUE": True, "1": True}
BOOL |= {"false": False, "False": False, "FALSE": False, "0": False}
FLOAT = re.compile(r"(-?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][-+]?[0-9]{1,4})?|nan)")


def _text(lines: list[str]) -> Array:
    data = "".join(f"{line}\n" for line in lines).encode()
    return np.frombuffer(data + bytes(fields.SPARE), np.uint8)[: len(data)]


def _searched(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    text = rng.integers(97, 123, n, np.uint8)
    yield text, 1, 2
    for byte in (1, 2):
        for at in {0, n // 2, n - 1} if n else ():
            found = text.copy()
            found[at] = byte
            yield found, 1, 2


def _lines(rng: np.random.Generator, n: int) -> list[list[str]]:
    """Rows of texts."""
    return [["x" * k for k in row] for row in rng.integers(0, 20, (n, COLUMNS)).tolist()]


def _split(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    rows = _lines(rng, n)
    yield _text([",".join(r) for r in rows]), COLUMNS
    if n:
        rows[-1].append("")
        yield _text([",".join(r) for r in rows]), COLUMNS
        yield _text([",".join(r) for r in [*rows, ["a"]]]), COLUMNS


def _ends(text: Array, columns: int) -> Array | None:
    found = fields.split(text, COMMA, columns)
    return None if found is None else found.ends


def _ends_by_numpy(text: Array, columns: int) -> Array | None:
    rows = text.tobytes().decode().split("\n")[:-1]
    same = all(row.count(",") == columns - 1 for row in rows)
    return np.flatnonzero((text == COMMA) | (text == ord("\n"))).astype(np.int32) if same else None


def _spelt(rng: np.random.Generator, n: int) -> Iterator[tuple[list[str], Any, bool]]:
    """Numbers and what they are to be read as; some cannot be."""
    powers = 10.0 ** rng.integers(-290, 290, n)
    yield [repr(x) for x in (rng.normal(size=n) * powers).tolist()], np.float64, False
    yield [repr(x) for x in special_floats(rng, n).tolist() if abs(x) != np.inf and x != 5e-324], np.float64, True
    yield [f"{x}e{q}" for x, q in zip(*rng.integers(-270, 270, (2, n)).tolist(), strict=True)], np.float64, False
    ties = (rng.integers(2**52, 2**53, n) * 2 + 1).tolist()
    yield [str(x << (i % 5)) for i, x in enumerate(ties)], np.float64, False
    yield [f"{x * 5**q}e-{q}" for x, q in zip(ties, rng.integers(0, 4, n).tolist(), strict=True)], np.float64, False
    yield [str(x) for x in rng.integers(-(2**63), 2**63 - 1, n).tolist()], np.int64, False
    yield [str(x) for x in rng.integers(0, 10**19, n, np.uint64).tolist()], np.uint64, False
    yield rng.choice(list(BOOL), n).tolist(), np.bool_, False
    for odd in ("", "-", ".", "+1", "1e", "1e+", " 1", "1 ", "1.2.3", "0x1", "inf", "1e999", "5e-324", "-0", "9" * 20):
        for dtype in (np.float64, np.int64, np.uint64, np.bool_):
            yield ["1", odd], dtype, False
    for dtype in (np.float64, np.int64, np.bool_):
        yield ["1", "", "0"], dtype, True


def _numbers(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for texts, dtype, blanks in _spelt(rng, n):
        yield texts, np.dtype(dtype), blanks


def _ours(texts: list[str], dtype: np.dtype[Any], blanks: bool) -> Array | None:
    found = fields.split(_text([f"x,{t},y" for t in texts]), COMMA, COLUMNS)
    assert found is not None
    return fields.numbers(found, 1, dtype, blanks=blanks)


def _by_python(texts: list[str], dtype: np.dtype[Any], blanks: bool) -> Array | None:
    values = [_value(t, dtype.kind, blanks=blanks) for t in texts]
    return None if None in values else np.array(values, dtype)


def _value(text: str, kind: str, *, blanks: bool) -> Any:
    if kind == "b":
        return BOOL.get(text)
    if kind == "f":
        value = np.nan if blanks and not text else float(text) if FLOAT.fullmatch(text) else None
        out_of_range = value is not None and (abs(value) == np.inf or 0 < abs(value) < np.finfo(np.float64).tiny)
        return None if out_of_range or sum(map(str.isdigit, text.split("e")[0])) > 19 else value
    low, high = (-(2**63), 2**63 - 1) if kind == "i" else (0, 2**64 - 1)
    good = INTEGER.fullmatch(text) and low <= int(text) <= high and not (kind == "u" and text[0] == "-")
    return int(text) if good else None


def _strings(rng: np.random.Generator, n: int) -> Iterator[Arguments]:
    for column in range(COLUMNS):
        yield _lines(rng, n), column


def _our_strings(rows: list[list[str]], column: int) -> tuple[Array, Array]:
    found = fields.split(_text([",".join(r) for r in rows]), COMMA, COLUMNS)
    assert found is not None
    return fields.strings(found, column)


def _strings_by_python(rows: list[list[str]], column: int) -> tuple[Array, Array]:
    texts = [r[column].encode() for r in rows]
    return np.cumsum([0, *map(len, texts)]), np.frombuffer(b"".join(texts), np.uint8)


ROWS: dict[str, Comparison] = {
    "fields.holds_either": Comparison(
        fields.holds_either, lambda text, a, b: bool(np.isin(text, (a, b)).any()), _searched
    ),
    "fields.split": Comparison(_ends, _ends_by_numpy, _split),
    "fields.numbers": Comparison(_ours, _by_python, _numbers),
    "fields.strings": Comparison(_our_strings, _strings_by_python, _strings),
}
