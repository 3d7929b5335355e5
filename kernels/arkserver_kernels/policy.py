"""The one place that says how kernels are compiled, cached and loaded.

Numba compiles under the GIL (0.2 to 0.7 s a kernel) and loads from its cache in 3 ms. So compiled code is kept on disk,
`arkserver_kernels.warmup` fills the cache with the common signatures, and a signature that is missing is compiled by a
helper process (`compiler.py`) while the calling thread waits without the GIL; then it is loaded like any other.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pickle
import platform
import re
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any, TypeVar, cast

import numba
from llvmlite import binding
from numba import config, types

from arkserver_kernels.compiling import compile_elsewhere

F = TypeVar("F", bound=Callable[..., Any])

# Every kernel with the signatures that `warmup` compiles, as tuples of Numba types.
REGISTRY: dict[str, tuple[Any, list[tuple[Any, ...]]]] = {}

_NAMES = "int64 uint64 float64 int32 uint32 float32 int16 uint16 int8 uint8 boolean"
_CODES = "i8 u8 f8 i4 u4 f4 i2 u2 i1 u1 b1"
_SCALARS = {code: getattr(types, name) for code, name in zip(_CODES.split(), _NAMES.split(), strict=True)}

_helper_allowed = os.environ.get("ARKSERVER_KERNEL_COMPILE", "helper") != "here"


def kernel(*warm: str, **choices: str) -> Callable[[F], F]:
    """Compile the decorated function with Numba at its first call of a signature: no GIL, cached on disk.

    Parameters
    ----------
    *warm : str
        Signatures that `warmup` compiles: argument types as NumPy codes, ``[]`` after a C-ordered 1-D array, such as
        ``"u8[] i8[] i8"``.
    **choices : str
        Type variables in these signatures and what they stand for: ``T="i8 f8"``.
    """

    def decorate(fn: F) -> F:
        dispatcher: Any = numba.njit(nogil=True, error_model="numpy", boundscheck=False)(fn)
        if (folder := cache_folder()) is not None:
            _keep_on_disk(dispatcher, folder)
        name = f"{fn.__module__}:{fn.__qualname__}"
        REGISTRY[name] = dispatcher, [s for text in warm for s in _signatures(text, choices)]
        return cast("F", dispatcher)

    return decorate


def inlined(fn: F) -> F:
    """Compile a helper that kernels call; it is inlined into them and so has no cached code of its own."""
    return cast("F", numba.njit(nogil=True, error_model="numpy", boundscheck=False)(fn))


def _signatures(text: str, choices: dict[str, str]) -> Iterator[tuple[Any, ...]]:
    used = [name for name in choices if any(word.removesuffix("[]") == name for word in text.split())]
    for picked in product(*(choices[name].split() for name in used)):
        names = dict(zip(used, picked, strict=True))
        yield tuple(_type(word, names) for word in text.split())


def _type(word: str, names: dict[str, str]) -> Any:
    base = word.removesuffix("[]")
    scalar = _SCALARS[names.get(base, base)]
    return types.Array(scalar, 1, "C") if word.endswith("[]") else scalar


@cache
def cache_folders() -> tuple[Path, ...]:
    """Where compiled kernels are looked for.

    ``ARKSERVER_KERNEL_CACHE`` (several are separated as in ``PATH``), else ``$XDG_CACHE_HOME/arkserver/kernels``
    (``~/.cache``), and in each a folder for the machine, its CPU, and the versions of Python and Numba. All are read;
    what is compiled goes to the first that can be written. So an image or a shared file system may bring a full cache
    that nobody writes to.
    """
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    roots = os.environ.get("ARKSERVER_KERNEL_CACHE") or str(base / "arkserver" / "kernels")
    python = f"py{sys.version_info[0]}{sys.version_info[1]}"
    cpu = config.CPU_NAME or binding.get_host_cpu_name()  # NUMBA_CPU_NAME: code for others than this machine
    name = f"{platform.machine()}-{cpu}-{python}-numba{numba.__version__}"
    return tuple(Path(root) / name for root in roots.split(os.pathsep))


@cache
def cache_folder() -> Path | None:
    """The first of `cache_folders` that can be written, or None."""
    return next((folder for folder in cache_folders() if _can_be_written(folder)), None)


def _can_be_written(folder: Path) -> bool:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


class _Files:
    """Compiled code, one file a signature, so that processes never write the same index.

    Takes the place of Numba's index file, whose read-modify-write loses entries, and can pair an entry with another's
    code, when several processes write at once.
    """

    def __init__(self, folder: Path, name: str, stamp: bytes, further: Sequence[Path] = ()) -> None:
        self._folder, self._name, self._stamp, self._further = folder, name, stamp, further

    def path(self, key: object) -> Path:
        return self._folder / self._file(key)

    def _file(self, key: object) -> str:
        return f"{self._name}.{hashlib.sha256(self._stamp + repr(key).encode()).hexdigest()[:32]}.nbc"

    def holds(self, key: object) -> bool:
        return any((folder / self._file(key)).exists() for folder in (self._folder, *self._further))

    def load(self, key: object) -> Any:
        for folder in (self._folder, *self._further):
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                return pickle.loads((folder / self._file(key)).read_bytes())  # noqa: S301 (our own cache)
        return None

    def save(self, key: object, data: Any) -> None:
        from numba.core.serialize import dumps

        with tempfile.NamedTemporaryFile(dir=self._folder, delete=False) as file:
            file.write(dumps(data))
        Path(file.name).replace(self.path(key))

    def flush(self) -> None:
        for path in self._folder.glob(f"{self._name}.*.nbc"):
            path.unlink(missing_ok=True)


def _keep_on_disk(dispatcher: Any, folder: Path) -> None:
    """Give `dispatcher` a cache in `folder`, and compile what is missing there in a helper process."""
    # Numba reads the folder from a setting of the whole process: it is ours only for this moment.
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        dispatcher.enable_caching()
    finally:
        config.CACHE_DIR = before
    fn = dispatcher.py_func
    further = [f for f in cache_folders() if f != folder]
    files = _Files(folder, f"{fn.__module__}.{fn.__qualname__}", _stamp(Path(fn.__code__.co_filename)), further)
    dispatcher._cache._cache_file = files
    compile_or_load, lock = dispatcher.compile, threading.Lock()

    def compile(signature: Any) -> Any:  # noqa: A001 (Numba calls it by this name)
        if isinstance(signature, tuple) and signature not in dispatcher.overloads:
            key = dispatcher._cache._index_key(signature, dispatcher.targetctx.codegen())
            with lock:
                if _helper_allowed and not files.holds(key):
                    compile_elsewhere(f"{fn.__module__}:{fn.__qualname__}", signature)  # or here, with its error
        return compile_or_load(signature)

    dispatcher.compile = compile


@cache
def _stamp(path: Path) -> bytes:
    """What cached code depends on: the kernel's file, and every file of this package that it imports, however far.

    Numba asks for the kernel's own file only, but the code of what a kernel calls is part of the kernel's.
    """
    return hashlib.sha256(b"".join(p.read_bytes() for p in sorted(_sources(path)))).digest()


@cache
def _sources(path: Path) -> frozenset[Path]:
    imports = re.findall(r"^from arkserver_kernels(?:\.(\w+) import| import (.+))", path.read_text(), re.MULTILINE)
    names = [name for module, modules in imports for name in (module or modules).split(", ")]
    return frozenset([path]).union(*(_sources(path.with_name(f"{name}.py")) for name in names))


def compile_here() -> None:
    """Compile missing signatures in this process from now on: the helper itself, and tests."""
    global _helper_allowed
    _helper_allowed = False
