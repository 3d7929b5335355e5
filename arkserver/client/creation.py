"""Functions that make arrays, as methods of the session; names and arguments of the array API standard."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, cast

import numpy as np
from numpy.typing import DTypeLike

from arkserver.client import conversion, dtypes, transfer
from arkserver.client.arrays import Array
from arkserver.client.dtypes import DType, dtype_name
from arkserver.client.operators import typed
from arkserver.client.remote import Remote
from arkserver.client.requests import Requests
from arkserver.client.strings import Strings

Shape = int | tuple[int, ...]


def _shape(shape: Shape) -> tuple[int, ...]:
    return (int(shape),) if isinstance(shape, int | np.integer) else tuple(int(n) for n in shape)


class Creation(Requests):
    """Makes arrays on the server."""

    # --- from contents -----------------------------------------------------------------------------------------------

    def array(self, values: Any, dtype: DTypeLike | None = None) -> Any:
        """An array (or strings, for texts) of the server with the contents of `values`.

        Parameters
        ----------
        values : array_like
            A NumPy array, nested lists, a pandas Series, texts; narrower dtypes are widened.
        dtype : dtype, optional
        """
        return self.asarray(values, dtype=dtype, copy=True)

    def asarray(
        self,
        obj: Any,
        /,
        *,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002 - one device
        copy: bool | None = None,
    ) -> Any:
        """`obj` itself if it is on the server, otherwise what `array` makes of it."""
        if isinstance(obj, Array):
            return obj.astype(obj.dtype if dtype is None else dtype, copy=bool(copy))
        if isinstance(obj, Remote):
            return obj
        found = conversion.local(obj, dtype)
        if isinstance(found, list):
            return transfer.upload_strings(cast("Any", self), found)
        return transfer.upload(cast("Any", self), found)

    def strings(self, texts: Sequence[Any]) -> Strings:
        """Strings of the server; what is missing (None, nan) becomes the empty string."""
        return transfer.upload_strings(cast("Any", self), conversion.texts(texts))

    def from_dlpack(self, x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
        """An array of the server from an array of another library."""
        return self.asarray(np.from_dlpack(x), device=device, copy=copy)

    # --- filled ------------------------------------------------------------------------------------------------------

    def zeros(self, shape: Shape, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:  # noqa: ARG002
        """Zeros."""
        wanted = _shape(shape)
        if not wanted:
            return self.scalar_array(0, dtypes.resolve(dtype))
        name = dtype_name(dtypes.resolve(dtype))
        return self.create(f"create<{name},{len(wanted)}>", shape=wanted)

    empty = zeros

    def full(
        self,
        shape: Shape,
        fill_value: Any,
        *,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002
    ) -> Array:
        """One value everywhere."""
        wanted = dtypes.resolve(np.asarray(fill_value).dtype if dtype is None else dtype)
        if not _shape(shape):
            return self.scalar_array(fill_value, wanted)
        name = f"create<{dtype_name(wanted)},{len(_shape(shape))}>"
        return self.create(name, shape=_shape(shape), val=typed(fill_value, wanted))

    def scalar_array(self, value: Any, dtype: DType) -> Array:
        """A 0-d array."""
        return self.create(f"createScalarArray<{dtype_name(dtype)}>", value=typed(value, dtype))

    def ones(self, shape: Shape, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:  # noqa: ARG002
        """Ones."""
        return self.full(shape, 1, dtype=dtypes.resolve(dtype))

    def zeros_like(self, x: Array, /, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:  # noqa: ARG002
        """Zeros of the shape, and unless given the dtype, of `x`."""
        return self.zeros(x.shape, dtype=x.dtype if dtype is None else dtype)

    empty_like = zeros_like

    def ones_like(self, x: Array, /, *, dtype: DTypeLike | None = None, device: Any = None) -> Array:  # noqa: ARG002
        """Ones of the shape, and unless given the dtype, of `x`."""
        return self.ones(x.shape, dtype=x.dtype if dtype is None else dtype)

    def full_like(
        self,
        x: Array,
        /,
        fill_value: Any,
        *,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002
    ) -> Array:
        """One value in the shape, and unless given the dtype, of `x`."""
        return self.full(x.shape, fill_value, dtype=x.dtype if dtype is None else dtype)

    # --- ranges ------------------------------------------------------------------------------------------------------

    def arange(
        self,
        start: float,
        /,
        stop: float | None = None,
        step: float = 1,
        *,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002
    ) -> Array:
        """Numbers from `start` (0 if there is no `stop`) up to, not including, `stop`."""
        first, end = (0, start) if stop is None else (start, stop)
        wanted = dtypes.resolve(np.result_type(first, end, step) if dtype is None else dtype)
        count = max(0, math.ceil((end - first) / step))
        if wanted.kind not in "iu" or not all(float(v).is_integer() for v in (first, step)):
            return (self._counted(count) * step + first).astype(wanted)
        low = typed(int(first), wanted)
        return (
            self.create(
                f"arange<{dtype_name(wanted)},1>",
                start=low,
                stop=typed(int(first + count * step), wanted),
                step=typed(int(step), wanted),
            )
            if step > 0
            else (self._counted(count) * int(step) + int(first)).astype(wanted)
        )

    def _counted(self, n: int) -> Array:
        return self.create("arange<int64,1>", start=0, stop=n, step=1)

    def linspace(
        self,
        start: float,
        stop: float,
        /,
        num: int,
        *,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002
        endpoint: bool = True,
    ) -> Array:
        """`num` numbers at equal distances from `start` to `stop`."""
        steps = num - 1 if endpoint else num
        step = (stop - start) / steps if steps else 0.0
        x = self._counted(num) * step + float(start)
        if endpoint and num > 1:
            x[num - 1] = float(stop)
        return x.astype(dtypes.resolve(dtype))

    def eye(
        self,
        n_rows: int,
        n_cols: int | None = None,
        /,
        *,
        k: int = 0,
        dtype: DTypeLike | None = None,
        device: Any = None,  # noqa: ARG002
    ) -> Array:
        """A matrix with ones on the `k`-th diagonal."""
        columns = n_rows if n_cols is None else n_cols
        name = dtype_name(dtypes.resolve(dtype))
        return self.create(f"eye<{name}>", N=n_rows, M=columns, k=k)

    def meshgrid(self, *arrays: Array, indexing: str = "xy") -> list[Array]:
        """Coordinate arrays of a grid."""
        n = len(arrays)
        order = [1, 0, *range(2, n)] if indexing == "xy" and n > 1 else list(range(n))
        shape = tuple(arrays[i].size for i in order)
        grids = []
        for i, x in enumerate(arrays):
            axis = order.index(i)
            along = x.reshape(tuple(-1 if j == axis else 1 for j in range(n)))
            grids.append(along.session.xp.broadcast_to(along, shape))
        return grids
