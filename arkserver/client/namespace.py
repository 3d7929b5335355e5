"""``xp``: functions, constants and dtypes as the Python array API standard 2024.12 names them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from arkserver.client.dtypes import DTYPES
from arkserver.client.errors import SessionClosedError
from arkserver.client.functions import FUNCTIONS

if TYPE_CHECKING:
    from arkserver.client.session import Session

VERSION = "2024.12"
MAX_RANK = 3

_CONSTANTS = {"e": np.e, "inf": np.inf, "nan": np.nan, "pi": np.pi, "newaxis": None}

# Functions that make arrays: methods of the session.
_CREATION = (
    "arange",
    "asarray",
    "empty",
    "empty_like",
    "eye",
    "from_dlpack",
    "full",
    "full_like",
    "linspace",
    "meshgrid",
    "ones",
    "ones_like",
    "zeros",
    "zeros_like",
)


class Namespace:
    """Functions on the arrays of one session.

    Parameters
    ----------
    session : callable
        Gives the session that creation functions use; None when there is none (any more).
    """

    __array_api_version__ = VERSION

    def __init__(self, session: Callable[[], Session | None]) -> None:
        self._session = session

    def __getattr__(self, name: str) -> Any:
        if name in FUNCTIONS:
            return FUNCTIONS[name]
        if name in _CREATION:
            return getattr(self._session_here(), name)
        if name in DTYPES and name != "bigint":
            return DTYPES[name]
        if name in _CONSTANTS:
            return _CONSTANTS[name]
        raise AttributeError(f"the array namespace has no {name}")

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *FUNCTIONS, *_CREATION, *DTYPES, *_CONSTANTS} - {"bigint"})

    def _session_here(self) -> Session:
        session = self._session()
        if session is None:
            raise SessionClosedError("there is no session that could make an array; connect first")
        return session

    # --- dtypes ------------------------------------------------------------------------------------------------------

    def can_cast(self, from_: Any, to: Any, /) -> bool:
        """Whether a cast loses nothing, by NumPy's rules."""
        return np.can_cast(getattr(from_, "dtype", from_), to)

    def finfo(self, type: Any, /) -> np.finfo[Any]:  # noqa: A002 - the standard's name
        """Facts about a float dtype."""
        return np.finfo(getattr(type, "dtype", type))

    def iinfo(self, type: Any, /) -> np.iinfo[Any]:  # noqa: A002
        """Facts about an integer dtype."""
        return np.iinfo(getattr(type, "dtype", type))

    def isdtype(self, dtype: Any, kind: Any) -> bool:
        """Whether `dtype` is of a kind, such as ``integral``."""
        return np.isdtype(dtype, kind)

    def result_type(self, *arrays_and_dtypes: Any) -> np.dtype[Any]:
        """The common dtype, by NumPy's rules."""
        return np.result_type(*[getattr(a, "dtype", a) for a in arrays_and_dtypes])

    # --- inspection --------------------------------------------------------------------------------------------------

    def __array_namespace_info__(self) -> Info:
        return Info()


class Info:
    """What there is, for `__array_namespace_info__`."""

    def capabilities(self) -> dict[str, Any]:
        """Masks work; nothing is lazy to the caller; at most three axes."""
        return {"boolean indexing": True, "data-dependent shapes": True, "max dimensions": MAX_RANK}

    def default_device(self) -> str:
        """The one device."""
        return "server"

    def devices(self) -> list[str]:
        """All devices."""
        return ["server"]

    def default_dtypes(self, *, device: Any = None) -> dict[str, np.dtype[Any]]:  # noqa: ARG002 - one device
        """The dtypes of results when none is given."""
        floating, integral = DTYPES["float64"], DTYPES["int64"]
        return {"real floating": floating, "integral": integral, "indexing": integral}

    def dtypes(self, *, device: Any = None, kind: Any = None) -> dict[str, np.dtype[Any]]:  # noqa: ARG002
        """The dtypes, all or those of a kind."""
        fixed = {name: dtype for name, dtype in DTYPES.items() if name != "bigint"}
        return {name: d for name, d in fixed.items() if kind is None or np.isdtype(d, kind)}
