"""Writing and reading HDF5 files through a session."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.storage.columns import read
from tests.support.session import Session

SINGLE, DISTRIBUTE = 0, 1
TRUNCATE, APPEND = 0, 1

TYPES = {"pdarray": 1, "Strings": 2, "SegArray": 3, "Categorical": 4, "GroupBy": 5, "DataFrame": 6, "Index": 12}

LISTS = [[1, 2], [], [3], [4, 5, 6], [], [], [7]]

both_formats = pytest.mark.parametrize("file_format", [SINGLE, DISTRIBUTE])


def write(session: Session, path: Path, item: Any, **parameters: Any) -> str:
    """Write an array or a list of texts, or what the parameters describe."""
    defaults: dict[str, Any] = {"dset": "x", "write_mode": TRUNCATE, "file_format": SINGLE}
    if item is not None:
        kind = "Strings" if isinstance(item, list) else "pdarray"
        defaults |= {"values": session.put(item), "objType": kind, "save_offsets": True}
    return session.text("tohdf", filename=str(path), **(defaults | parameters))


def refused(session: Session, path: Path, item: Any, **parameters: Any) -> str:
    with pytest.raises(AssertionError) as caught:
        write(session, path, item, **parameters)
    return str(caught.value)


def objects(session: Session, *files: Path | str, dsets: tuple[str, ...] = ("x",), **parameters: Any) -> Any:
    """The answer to reading, as it is."""
    text = session.text("readAllHdf", filenames=list(map(str, files)), dsets=list(dsets), **parameters)
    return {i["dataset_name"]: (i["arkouda_type"], i["created"]) for i in json.loads(json.loads(text)["items"])}


def contents(session: Session, *files: Path | str, **parameters: Any) -> Any:
    """The values of the object ``x``."""
    names = list(map(str, files))
    return read(session, "readAllHdf", filenames=names, dsets=["x"], **parameters)["x"]


def written(path: Path) -> list[Path]:
    """The files of blocks, or the file itself."""
    return sorted(path.parent.glob(f"{path.name}_LOCALE*")) or [path]
