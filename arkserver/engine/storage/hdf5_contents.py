"""What is in HDF5 files: objects as Arkouda lays them out, and the datasets that others have made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from arkserver.engine.composites import ARRAYS
from arkserver.engine.storage import hdf5_format, paths, raw
from arkserver.engine.storage.hdf5_format import FILE_FORMAT, KINDS, MEMBERS, METADATA, OPTIONAL, PARTS
from arkserver.errors import StorageError, UnsupportedError

MAX_RANK = 3

_KINDS = {number: kind for kind, number in KINDS.items()}


@dataclass(frozen=True, slots=True)
class Vector:
    """A dataset of one file."""

    file: str
    path: str
    dtype: np.dtype[Any] | None
    """in the file; None for strings of the library's own types"""
    shape: tuple[int, ...]
    place: int | None
    """the byte where the elements begin, if they lie one behind the other"""
    is_bool: bool = False
    stamp: raw.Stamp | None = None
    """of the file in which that byte was found"""

    @property
    def rows(self) -> int:
        """Positions of the first axis."""
        return self.shape[0]

    @property
    def target(self) -> np.dtype[Any] | None:
        """The dtype that the elements become."""
        if self.dtype is None:
            return None
        if self.is_bool:
            return np.dtype(np.bool_)
        if self.dtype.kind == "f":
            return np.dtype(np.float64)
        return np.dtype(np.uint64 if self.dtype.kind == "u" and self.dtype.itemsize == 8 else np.int64)

    @property
    def nbytes(self) -> int:
        """Bytes of the elements when they are read; a guess for strings."""
        size = int(np.prod(self.shape, dtype=np.int64))
        return size * (32 if self.dtype is None else 1 if self.dtype.itemsize == 1 else 8)


@dataclass(frozen=True, slots=True)
class Node:
    """An object of one file."""

    kind: str
    vector: Vector | None = None
    """what it is, or"""
    members: Mapping[str, Node] = field(default_factory=dict)
    """by their links, what it is made of"""
    max_bits: int | None = None
    """for bigint"""
    signed: bool = False
    """for bigint"""

    @property
    def is_bigint(self) -> bool:
        """Whether the members are words of 64 bits."""
        return self.max_bits is not None

    @property
    def vectors(self) -> Iterator[Vector]:
        """All datasets in it."""
        if self.vector is not None:
            yield self.vector
        for member in self.members.values():
            yield from member.vectors

    @property
    def rows(self) -> int:
        """Elements of an array, strings of strings, lists of a SegArray.

        Raises
        ------
        UnsupportedError
            For strings of which only the bytes were written, and objects that have no number of rows.
        """
        if self.vector is not None:
            return self.vector.rows
        for name in ("segments", "Limb_0"):
            if name in self.members:
                return self.members[name].rows
        raise UnsupportedError(f"an object of type {self.kind} has no rows that could be counted without reading it")


def names(path: str) -> list[str]:
    """The objects at the top of a file."""
    with hdf5_format.opened(path) as file:
        return [name for name in file if name != METADATA]


def is_distributed(path: str) -> bool:
    """Whether a file is one of several that hold the blocks of an object."""
    with hdf5_format.opened(path) as file:
        found = file.attrs.get(FILE_FORMAT)
    if found is None:
        return paths.is_block_path(path)
    if int(found) not in (0, 1):
        raise StorageError(f"Unknown file formatting, {int(found)}, in {path}")
    return bool(found)


def nodes(path: str, wanted: Sequence[str]) -> dict[str, Node]:
    """Objects of a file by their names.

    Raises
    ------
    StorageError
        If the file cannot be read or lacks one of them.
    """
    with hdf5_format.opened(path) as file:
        return {name: _named(file, name, path) for name in wanted if name != METADATA}


def _named(file: Any, name: str, path: str) -> Node:
    if name not in file:
        raise StorageError(f"Dataset {name} not found in file {path}")
    return _node(file[name], path)


def _node(found: Any, path: str) -> Node:
    """An object; what it is, its attribute says, or in old files and those of others its contents."""
    if isinstance(found, hdf5_format.library().Dataset):
        return _of_dataset(found, path)
    kind = _kind(found)
    if kind in ARRAYS and found.attrs.get("isBigInt"):
        limbs = {f"Limb_{i}": _member(found, f"Limb_{i}", path) for i in range(int(found.attrs["NumLimbs"]))}
        max_bits = int(found.attrs.get("MaxBits", -1))
        return Node(kind, None, limbs, max_bits, signed=bool(found.attrs.get(hdf5_format.SIGNED)))
    if kind == "STRINGS":
        optional = {"segments"} & {*found}
        return Node(kind, None, {name: _member(found, name, path) for name in ("values", *optional)})
    if kind in MEMBERS or kind in PARTS:
        return Node(kind, None, {name: _member(found, name, path) for name in _links(found, kind)})
    raise StorageError(
        f"Other error in accessing file {path}: {found.name} is a group that holds no object of Arkouda's"
    )


def _kind(group: Any) -> str:
    number = group.attrs.get("ObjType")
    if number is not None:
        return _KINDS.get(int(number), str(number))
    if group.attrs.get("isBigInt"):
        return "PDARRAY"
    if "values" not in group:
        return ""
    # Arkouda does not mark a SegArray that is a column, so that only its values tell it from strings.
    values = group["values"]
    is_bytes = getattr(values, "dtype", None) == np.uint8 and not values.attrs.get("isBool")
    return "STRINGS" if is_bytes or "segments" not in group else "SEGARRAY"


def _links(group: Any, kind: str) -> list[str]:
    """The members of an object, its parts in order."""
    fixed = MEMBERS.get(kind, {})
    values = [name for role, name in fixed.items() if name in group or not (kind == "CATEGORICAL" and role in OPTIONAL)]
    start = PARTS.get(kind)
    if start is None:
        return values
    parts = [name for name in group if name.startswith(start) and name not in fixed.values()]
    return [*values, *sorted(parts, key=lambda name: int(name.removeprefix(start)) if start else 0)]


def _member(group: Any, name: str, path: str) -> Node:
    if name not in group:
        raise StorageError(f"Other error in accessing file {path}: {group.name} lacks {name}")
    return _node(group[name], path)


def _of_dataset(found: Any, path: str) -> Node:
    if found.shape is None or len(found.shape) > MAX_RANK:
        raise UnsupportedError(f"{found.name} of {path} has no axes, or more than {MAX_RANK}")
    number = found.attrs.get("ObjType")
    kind = "PDARRAY" if number is None else _KINDS.get(int(number), "")
    if kind not in ARRAYS:
        raise StorageError(f"Other error in accessing file {path}: {found.name} is no object of type {number}")
    h5py = hdf5_format.library()
    file = paths.absolute(found.file.filename)  # not always `path`: a link may lead into another file
    if h5py.check_string_dtype(found.dtype) is not None:
        if len(found.shape) > 1:
            raise UnsupportedError(f"{found.name} of {path} has strings along {len(found.shape)} axes")
        return Node("STRINGS", Vector(file, found.name, None, found.shape or (1,), None))
    if found.dtype.kind not in "iufb" or found.dtype.subdtype is not None:
        raise UnsupportedError(
            f"detected unhandled datatype: {found.name} of {path} has elements of type {found.dtype}"
        )
    place = found.id.get_offset() if _is_plain(found) else None
    is_bool = found.dtype.kind == "b" or bool(found.attrs.get("isBool"))
    stamp = None if place is None else raw.stamp(file)
    return Node(kind, Vector(file, found.name, found.dtype, found.shape or (1,), place, is_bool, stamp))


def _is_plain(found: Any) -> bool:
    """Whether the elements lie one behind the other in the file itself, in a type that NumPy has."""
    h5py = hdf5_format.library()
    properties = found.id.get_create_plist()
    is_contiguous = properties.get_layout() == h5py.h5d.CONTIGUOUS and not properties.get_external_count()
    return is_contiguous and bool(found.id.get_type().equal(h5py.h5t.py_create(found.dtype)))


# --- several files ---------------------------------------------------------------------------------------------------


def check_together(name: str, found: Sequence[Node]) -> None:
    """See that positions are positions in all of the files, not in each of them.

    Raises
    ------
    UnsupportedError
        For codes, groups or permutations from several files that were written one by one.
    """
    files = [next(node.vectors).file for node in found]
    if len(files) > 1 and _has_positions(found[0]) and not all(is_distributed(path) for path in files):
        raise UnsupportedError(f"the positions in {name} belong to one file; read the {len(files)} files one by one")


def _has_positions(node: Node) -> bool:
    return node.kind in ("CATEGORICAL", "GROUPBY") or any(_has_positions(member) for member in node.members.values())


def filled(found: Sequence[Node]) -> Sequence[Node]:
    """The parts of an object that tell what it is: in a file without lists, Arkouda writes values of any kind."""
    if found[0].kind != "SEGARRAY":
        return found
    return [node for node in found if node.rows] or found[:1]


def check_alike(name: str, found: Sequence[Node], *, strict: bool) -> None:
    """See that an object is of one kind and type in all files.

    Parameters
    ----------
    strict : bool
        Also of one width and sign.

    Raises
    ------
    StorageError
    """
    found = filled(found)
    first = found[0]
    for node in found[1:]:
        where = next(node.vectors).file
        if node.kind != first.kind or node.is_bigint != first.is_bigint:
            raise StorageError(
                f"Inconsistent objecttype in dataset {name} of file {where}. Expected: {first.kind}, Found: {node.kind}"
            )
        if not node.is_bigint and {*node.members} != {*first.members}:
            raise StorageError(f"Inconsistent objecttype in dataset {name} of file {where}: it has other members")
        if node.vector is not None and first.vector is not None:
            _check_vectors(name, first.vector, node.vector, strict=strict)
    for member in first.members if not first.is_bigint else ():
        check_alike(f"{name}/{member}", [node.members[member] for node in found], strict=strict)


def _check_vectors(name: str, first: Vector, other: Vector, *, strict: bool) -> None:
    where = f"in dataset {name} of file {other.file}"
    a, b = first.dtype, other.dtype
    if _class(first) != _class(other) or first.shape[1:] != other.shape[1:]:
        raise StorageError(f"Inconsistent dtype {where}")
    if a is None or b is None:
        return
    if first.target != other.target or (strict and (a.itemsize, a.kind) != (b.itemsize, b.kind)):
        raise StorageError(
            f"Inconsistent precision or sign {where}\nWith strictTypes, mixing of precision and signedness not "
            "allowed (set strictTypes=False to suppress); uint64 and signed integers have no common type"
        )


def _class(x: Vector) -> str:
    if x.dtype is None:
        return "text"
    return "float" if x.dtype.kind == "f" else "bool" if x.is_bool else "integer"


def peak(found: Sequence[Node]) -> int:
    """Bytes that reading an object of several files may take: bytes of strings are there twice for a while."""
    return sum(v.nbytes * (2 if v.dtype is not None and v.dtype.itemsize == 1 else 1) for n in found for v in n.vectors)
