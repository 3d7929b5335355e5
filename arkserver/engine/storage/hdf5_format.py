"""How Arkouda lays objects out in HDF5: the names of members, the attributes, the numbers of the kinds."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from arkserver.engine.storage.extras import package
from arkserver.errors import ArkserverError, StorageError

KINDS = {
    "PDARRAY": 1,
    "STRINGS": 2,
    "SEGARRAY": 3,
    "CATEGORICAL": 4,
    "GROUPBY": 5,
    "DATAFRAME": 6,
    "DATETIME": 7,
    "TIMEDELTA": 8,
    "IPV4": 9,
    "INDEX": 12,
    "MULTIINDEX": 13,
}
"""the attribute ``ObjType`` of an object"""

MEMBERS: Mapping[str, Mapping[str, str]] = {
    "SEGARRAY": {"segments": "segments", "values": "values"},
    "CATEGORICAL": {
        "codes": "codes",
        "categories": "categories",
        "_akNAcode": "NA_Codes",
        "permutation": "permutation",
        "segments": "segments",
    },
    "GROUPBY": {"segments": "segments", "permutation": "permutation", "uki": "unique_key_idx"},
}
"""by kind: the values of an object and the links to them in its group"""

OPTIONAL = ("permutation", "segments")
"""values that a Categorical may lack"""

PARTS = {"GROUPBY": "KEY_", "INDEX": "IDX_", "MULTIINDEX": "IDX_", "DATAFRAME": ""}
"""by kind: how the links to the parts of an object begin; a number follows, or the name of a column"""

COUNTS = {"GROUPBY": "NumKeys", "INDEX": "NumIdx", "MULTIINDEX": "NumIdx", "DATAFRAME": "NumCols"}
"""by kind: the attribute that counts the parts"""

INDEX = "Index"
"""the part of a DataFrame that is no column"""

METADATA = "_arkouda_metadata"
"""a group of old files that is no object"""

FILE_FORMAT = "File_Format"
"""the attribute of a file: 0 for a single file, 1 for one of several"""

FILE_VERSION = 2.0

SIGNED = "arkserver_signed"
"""an attribute of ours: the uppermost bit of the words of a bigint is their sign"""


def library() -> Any:
    """The package h5py."""
    return package("h5py", "hdf5")


@contextmanager
def opened(path: str, mode: str = "r") -> Iterator[Any]:
    """A file; ``r`` to read, ``r+`` to change it, ``w`` to make it anew.

    Raises
    ------
    StorageError
        In place of what the system or the HDF5 library raises.
    """
    h5py = library()
    try:
        # What all versions of the library can read; Arkouda's may be older than ours.
        with h5py.File(path, mode, libver=("earliest", "latest")) as file:
            yield file
    except ArkserverError:
        raise
    except FileNotFoundError:
        raise StorageError(_missing(path, mode)) from None
    except PermissionError as e:
        raise StorageError(f"Permission error {e.strerror or e} opening {path}") from None
    except OSError as e:
        raise StorageError(_unreadable(path, e)) from None
    except (RuntimeError, KeyError, ValueError) as e:  # what h5py makes of damaged contents
        raise StorageError(f"Other error in accessing file {path}: {e}") from None


def _missing(path: str, mode: str) -> str:
    return f"The file {path} cannot be created: its folder does not exist" if mode == "w" else f"File {path} not found"


def _unreadable(path: str, error: OSError) -> str:
    if Path(path).is_file() and not library().is_hdf5(path):
        return f"The file {path} is not an HDF5 file: {error}"
    return f"Other error in accessing file {path}: {error}"


def describe(member: Any, kind: str, version: str, counts: Mapping[str, int]) -> None:
    """Write the attributes of an object, in the types that Arkouda reads them in.

    Parameters
    ----------
    member : h5py.Group or h5py.Dataset
    version : str
        The version of Arkouda.
    counts : mapping of str to int
        Further attributes.
    """
    for name, value in {"ObjType": KINDS[kind], **counts}.items():
        member.attrs.create(name, value, dtype=np.int64)
    member.attrs.create("file_version", FILE_VERSION, dtype=np.float32)
    _write_text(member, "arkouda_version", version.encode())


def _write_text(member: Any, name: str, value: bytes) -> None:
    """A text of fixed length with a NUL at its end: h5py itself would leave the NUL out."""
    h5py = library()
    kind = h5py.h5t.C_S1.copy()
    kind.set_size(len(value) + 1)
    kind.set_strpad(h5py.h5t.STR_NULLTERM)
    attribute = h5py.h5a.create(member.id, name.encode(), kind, h5py.h5s.create(h5py.h5s.SCALAR))
    attribute.write(np.array(value, f"S{len(value) + 1}"), mtype=kind)
