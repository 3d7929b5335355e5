"""The client is light: what it imports, and how long that takes."""

from __future__ import annotations

import subprocess
import sys

_MODULES = """
import sys
import msgspec, numpy, zmq
before = set(sys.modules)
import arkserver.client
print(*(set(sys.modules) - before - set(sys.stdlib_module_names)))
"""

_SECONDS = """
import time
import numpy
start = time.process_time()
import arkserver.client
print(time.process_time() - start)
"""


def _run(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout


def test_it_imports_numpy_pyzmq_and_msgspec_and_nothing_of_the_rest_of_arkserver() -> None:
    roots = {m if m.startswith("arkserver") else m.partition(".")[0] for m in _run(_MODULES).split()}
    own = {m for m in roots if m == "arkserver" or m.startswith("arkserver.client")}
    assert roots - own - set(sys.stdlib_module_names) <= {"msgspec", "numpy", "zmq"}


def test_it_takes_less_than_300_ms_more_than_numpy() -> None:
    # Time of the processor, so that a busy machine does not matter.
    assert min(float(_run(_SECONDS)) for _ in range(3)) < 0.3
