"""Blocks as Arrow arrays."""

from __future__ import annotations

import subprocess
import sys

import hypothesis.extra.numpy as hnp
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from arkserver.engine.blocks import arrow

DTYPES = ("int64", "uint64", "float64", "bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "float32")

WRITE = """
import sys
import numpy as np
from arkserver.engine.storage import arrow
arrow.to_arrow(np.arange(3))
arrow.to_arrow(np.array([True, False]))
print("pandas" in sys.modules)
"""


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_numbers_are_those_that_pyarrow_makes(dtype: str, data: st.DataObject) -> None:
    x = data.draw(hnp.arrays(dtype, st.integers(0, 40)))[:: data.draw(st.sampled_from([1, 2, -1]))]
    made, expected = arrow.from_numbers(x), pa.array(x)
    assert made.type == expected.type
    np.testing.assert_array_equal(made.to_numpy(zero_copy_only=False), expected.to_numpy(zero_copy_only=False))


def test_numbers_are_not_copied() -> None:
    x = np.arange(5)
    assert arrow.from_numbers(x).buffers()[1].address == x.ctypes.data


def test_no_array_imports_pandas() -> None:
    done = subprocess.run([sys.executable, "-c", WRITE], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
