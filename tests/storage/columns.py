"""What the commands that read files answer, as contents."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from tests.support.session import Session


def read(session: Session, cmd: str, **parameters: Any) -> dict[str, Any]:
    """The columns of an answer: arrays, lists of texts, or lists of lists."""
    answer = json.loads(session.text(cmd, **parameters))
    return {i["dataset_name"]: _contents(session, i) for i in json.loads(answer["items"])}


def errors(session: Session, cmd: str, **parameters: Any) -> list[str]:
    """The errors that an answer reports of files that were left out."""
    answer = json.loads(session.text(cmd, **parameters))
    found: list[str] = json.loads(answer["file_errors"])
    assert answer["file_error_count"] == str(len(found))
    return found


def _contents(session: Session, item: dict[str, str]) -> Any:
    if item["arkouda_type"] != "SEGARRAY":
        return _values(session, item["created"])
    parts = json.loads(item["created"])
    starts = _values(session, parts["segments"])
    values = _values(session, parts["values"])
    ends = [*starts[1:], len(values)][: len(starts)]
    return [list(values[a:b]) for a, b in zip(starts, ends, strict=True)]


def _values(session: Session, line: str) -> Any:
    x = session.get(line.split()[1])
    return [t.decode() for t in x] if line.split()[2] == "str" else x


def assert_column(got: Any, expected: Any) -> None:
    """Equal contents; nan equals nan."""
    if isinstance(got, np.ndarray):
        np.testing.assert_array_equal(got, np.asarray(expected))
    else:
        assert got == expected
