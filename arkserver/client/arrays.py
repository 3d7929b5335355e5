"""The array: what the server holds, with the operators and methods of a NumPy array."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import DTypeLike, NDArray

from arkserver.client import (
    display,
    dtypes,
    elementwise,
    indexing,
    manipulation,
    operators,
    reductions,
    searching,
    transfer,
    ufuncs,
)
from arkserver.client.dtypes import DType
from arkserver.client.operators import rank
from arkserver.client.remote import Remote

if TYPE_CHECKING:
    from arkserver.client.namespace import Namespace
    from arkserver.client.session import Session


Operator = Callable[["Array", Any], "Array"]


def _operator(op: str) -> tuple[Operator, Operator, Operator]:
    """The three methods of an operator: ``x op y``, ``y op x`` and ``x op= y``."""

    def forward(x: Array, y: Any) -> Array:
        return operators.binary(op, x, y)

    def reflected(x: Array, y: Any) -> Array:
        return operators.binary(op, x, y, reflected=True)

    def in_place(x: Array, y: Any) -> Array:
        return operators.in_place(op, x, y)

    return forward, reflected, in_place


def _comparison(op: str) -> Operator:
    return _operator(op)[0]


class Array(Remote):
    """An N-dimensional array on the server.

    Operators, indexing and methods follow NumPy; every result is a new array on the server, never a view. Only what is
    asked for comes here: scalars, ``numpy.asarray(x)``, and the few elements that are shown.

    Parameters
    ----------
    session : Session
    name : str
        Its symbol on the server.
    dtype : dtype
        int64, uint64, uint8, float64, bool, or object for bigint.
    shape : tuple of int
    """

    __slots__ = ("dtype", "shape")
    __hash__ = None  # type: ignore[assignment]

    def __init__(self, session: Session, name: str, dtype: DType, shape: tuple[int, ...]) -> None:
        super().__init__(session, name)
        self.dtype = dtype
        self.shape = shape

    # --- facts -------------------------------------------------------------------------------------------------------

    @property
    def dtype_name(self) -> str:  # type: ignore[override]
        """The dtype as the protocol calls it."""
        return dtypes.dtype_name(self.dtype)

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def nbytes(self) -> int:
        """Bytes on the server; 16 an element for bigint."""
        return self.size * (16 if self.dtype == dtypes.BIGINT else self.dtype.itemsize)

    @property
    def device(self) -> str:
        """Where it lives: ``server``."""
        return "server"

    def to_device(self, device: Any, /, *, stream: Any = None) -> Self:
        """The array itself: there is one device."""
        if device != self.device or stream is not None:
            raise ValueError(f"there is no device {device!r}; the only one is {self.device!r}")
        return self

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a 0-d array")
        return self.shape[0]

    def __array_namespace__(self, *, api_version: str | None = None) -> Namespace:
        return self.session.namespace(api_version)

    # --- contents ----------------------------------------------------------------------------------------------------

    def to_numpy(self) -> NDArray[Any]:
        """The contents, here."""
        return transfer.download(self)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("the contents are on the server; they cannot be had without a copy")
        x = self.to_numpy()
        return x if dtype is None else x.astype(dtype, copy=False)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **keywords: Any) -> Any:
        return ufuncs.dispatch(ufunc, method, inputs, keywords)

    def tolist(self) -> Any:
        """The contents as nested lists of Python numbers."""
        return self.to_numpy().tolist()

    def item(self) -> Any:
        """The only element, as a Python number.

        Raises
        ------
        ValueError
            If there is not exactly one.
        """
        value = self.item_scalar()
        return value.item() if isinstance(value, np.generic) else value

    def item_scalar(self) -> Any:
        """The only element, as a NumPy scalar."""
        if self.size != 1:
            raise ValueError(f"an array of shape {self.shape} is not one element")
        zeros = (0,) * rank(self)
        return self.session.scalar(f"[int]<{self.dtype_name},{rank(self)}>", array=self, idx=zeros)

    def __bool__(self) -> bool:
        if self.size != 1:
            raise ValueError(f"the truth of an array of shape {self.shape} is ambiguous; use any() or all()")
        return bool(self.item())

    def __int__(self) -> int:
        return int(self.item())

    def __float__(self) -> float:
        return float(self.item())

    def __complex__(self) -> complex:
        return complex(self.item())

    def __index__(self) -> int:
        if not dtypes.is_integer(self.dtype):
            raise TypeError(f"an array of {self.dtype_name} is no index")
        return int(self.item())

    def __iter__(self) -> Iterator[Any]:
        if not self.shape:
            raise TypeError("iteration over a 0-d array")
        if self.ndim == 1:
            return iter(self.to_numpy())
        return (self[i] for i in range(len(self)))

    def __contains__(self, value: Any) -> bool:
        return bool((self == value).any())

    # --- display -----------------------------------------------------------------------------------------------------

    def __repr__(self) -> str:
        return display.array_repr(self)

    def __str__(self) -> str:
        return display.array_str(self)

    def __format__(self, spec: str) -> str:
        return format(self.item(), spec) if spec else str(self)

    def _repr_html_(self) -> str:
        return display.array_html(self)

    # --- parts -------------------------------------------------------------------------------------------------------

    def __getitem__(self, key: Any) -> Any:
        return indexing.get(self, key)

    def __setitem__(self, key: Any, value: Any) -> None:
        indexing.put(self, key, value)

    # --- operators ---------------------------------------------------------------------------------------------------

    __add__, __radd__, __iadd__ = _operator("+")
    __sub__, __rsub__, __isub__ = _operator("-")
    __mul__, __rmul__, __imul__ = _operator("*")
    __truediv__, __rtruediv__, __itruediv__ = _operator("/")
    __floordiv__, __rfloordiv__, __ifloordiv__ = _operator("//")
    __mod__, __rmod__, __imod__ = _operator("%")
    __pow__, __rpow__, __ipow__ = _operator("**")
    __and__, __rand__, __iand__ = _operator("&")
    __or__, __ror__, __ior__ = _operator("|")
    __xor__, __rxor__, __ixor__ = _operator("^")
    __lshift__, __rlshift__, __ilshift__ = _operator("<<")
    __rshift__, __rrshift__, __irshift__ = _operator(">>")
    __lt__, __le__, __gt__, __ge__ = map(_comparison, ("<", "<=", ">", ">="))
    __eq__, __ne__ = map(_comparison, ("==", "!="))  # type: ignore[assignment]

    def __divmod__(self, other: Any) -> tuple[Any, Any]:
        return self // other, self % other

    def __neg__(self) -> Array:
        return operators.negative(self)

    def __pos__(self) -> Array:
        return self.copy()

    def __abs__(self) -> Array:
        return operators.absolute(self)

    def __invert__(self) -> Array:
        return operators.invert(self)

    def __matmul__(self, other: Any) -> Any:
        return searching.matmul(self, self.session.asarray(other))

    def __rmatmul__(self, other: Any) -> Any:
        return searching.matmul(self.session.asarray(other), self)

    # --- other shapes and dtypes -------------------------------------------------------------------------------------

    def copy(self) -> Array:
        """The same contents under a new name."""
        return self.session.create(f"deepcopy<{self.dtype_name},{rank(self)}>", x=self)

    def astype(self, dtype: DTypeLike, *, copy: bool = False) -> Array:
        """The elements as another dtype; floats are cut off towards zero."""
        return manipulation.astype(self, dtype, copy=copy)

    def reshape(self, *shape: Any) -> Array:
        """The elements in C order in another shape; one extent may be -1."""
        return manipulation.reshape(self, shape[0] if len(shape) == 1 else shape)

    def flatten(self) -> Array:
        """One axis, C order."""
        return self if self.ndim == 1 else manipulation.reshape(self, (self.size,))

    @property
    def T(self) -> Array:  # noqa: N802 - NumPy's name
        """The transpose of a matrix."""
        return manipulation.matrix_transpose(self) if self.ndim == 2 else manipulation.reversed_axes(self)

    @property
    def mT(self) -> Array:  # noqa: N802 - the standard's name
        """The transpose of the last two axes."""
        return manipulation.matrix_transpose(self)

    # --- reductions --------------------------------------------------------------------------------------------------

    def sum(self, axis: reductions.Axis = None, *, dtype: DTypeLike | None = None, keepdims: bool = False) -> Any:
        """Sum of all elements or along axes."""
        return reductions.sum(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def prod(self, axis: reductions.Axis = None, *, dtype: DTypeLike | None = None, keepdims: bool = False) -> Any:
        """Product of all elements or along axes."""
        return reductions.prod(self, axis=axis, dtype=dtype, keepdims=keepdims)

    def min(self, axis: reductions.Axis = None, *, keepdims: bool = False) -> Any:
        """Minimum of all elements or along axes."""
        return reductions.min(self, axis=axis, keepdims=keepdims)

    def max(self, axis: reductions.Axis = None, *, keepdims: bool = False) -> Any:
        """Maximum of all elements or along axes."""
        return reductions.max(self, axis=axis, keepdims=keepdims)

    def mean(self, axis: reductions.Axis = None, *, keepdims: bool = False) -> Any:
        """Mean of all elements or along axes."""
        return reductions.mean(self, axis=axis, keepdims=keepdims)

    def var(self, axis: reductions.Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
        """Variance of all elements or along axes."""
        return reductions.var(self, axis=axis, correction=ddof, keepdims=keepdims)

    def std(self, axis: reductions.Axis = None, *, ddof: float = 0, keepdims: bool = False) -> Any:
        """Standard deviation of all elements or along axes."""
        return reductions.std(self, axis=axis, correction=ddof, keepdims=keepdims)

    def any(self, axis: reductions.Axis = None, *, keepdims: bool = False) -> Any:
        """Whether any element is non-zero."""
        return reductions.any(self, axis=axis, keepdims=keepdims)

    def all(self, axis: reductions.Axis = None, *, keepdims: bool = False) -> Any:
        """Whether all elements are non-zero."""
        return reductions.all(self, axis=axis, keepdims=keepdims)

    def argmin(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Position of the first minimum."""
        return reductions.argmin(self, axis=axis, keepdims=keepdims)

    def argmax(self, axis: int | None = None, *, keepdims: bool = False) -> Any:
        """Position of the first maximum."""
        return reductions.argmax(self, axis=axis, keepdims=keepdims)

    def cumsum(self, axis: int | None = None) -> Array:
        """Running sum; without `axis` of the flattened array."""
        x = self.flatten() if axis is None else self
        return reductions.cumulative_sum(x, axis=axis or 0)

    def cumprod(self, axis: int | None = None) -> Array:
        """Running product; without `axis` of the flattened array."""
        x = self.flatten() if axis is None else self
        return reductions.cumulative_prod(x, axis=axis or 0)

    # --- order -------------------------------------------------------------------------------------------------------

    def argsort(self, axis: int = -1) -> Array:
        """The stable permutation that sorts."""
        return searching.argsort(self, axis=axis)

    def sorted(self, axis: int = -1) -> Array:
        """A sorted copy."""
        return searching.sort(self, axis=axis)

    def isnan(self) -> Array:
        """Where elements are nan."""
        return elementwise.isnan(self)

    def round(self, decimals: int = 0) -> Array:
        """Rounded to `decimals`, halves to even."""
        if self.dtype.kind != "f":
            return self.copy()
        return self.session.create(f"round<{self.dtype_name},{rank(self)}>", x=self, n=decimals)

    def clip(self, min: Any = None, max: Any = None) -> Array:  # noqa: A002 - the standard's names
        """Elements below `min` become `min`, those above `max` become `max`."""
        return elementwise.clip(self, min, max)

    def register(self, name: str) -> Self:
        """Keep it on the server under `name` until it is unregistered, whatever becomes of this object."""
        self.session.register(name, self)
        return self
