"""Compilation: by a helper on a cold cache, from the disk on a warm one; and what sorts take of memory."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from arkserver_kernels import policy, warmup

COLD = """
import numpy as np
from arkserver_kernels import moving, policy
out = np.empty(2, np.int64)
moving.minmax(np.array([3, 1, 2]), out)
print(out.tolist(), sum(moving.minmax.stats.cache_hits.values()), sum(moving.minmax.stats.cache_misses.values()))
"""

PREPARED = """
import sys
import numpy as np
from arkserver_kernels import moving, warmup
warmup.prepare()
before = set(sys.modules)
moving.minmax(np.array([3, 1, 2]), np.empty(2, np.int64))
print([name for name in set(sys.modules) - before if name.startswith("numba")])
"""

SEVERAL = """
import numba, numpy as np, psutil
from arkserver_kernels import moving
def use(dtype):
    moving.minmax(np.array([3, 1, 2], dtype), np.empty(2, dtype))
    return [child.pid for child in psutil.Process().children() if child.status() != psutil.STATUS_ZOMBIE]
(first,) = use(np.int64)
assert use(np.float64) == [first]
psutil.Process(first).kill()
(second,) = use(np.uint64)
try:
    moving.minmax("text", np.empty(2))
except numba.TypingError:
    print(second != first, sum(moving.minmax.stats.cache_hits.values()))
"""

CALLEE = """
from arkserver_kernels.policy import inlined
@inlined
def answer():
    return {}
"""

CALLER = """
from arkserver_kernels.callee import answer
from arkserver_kernels.policy import kernel
@kernel("i8")
def ask(x):
    return x + answer()
"""

PEAK = """
import numpy as np
from arkserver.engine import buffers, threads
from arkserver.engine.blocks import grouping, sorting
threads.configure(2)
rng, n = np.random.default_rng(0), 1 << 21
skewed = (rng.pareto(0.5, n) * 10).clip(0, 2**60).astype(np.int64)
shapes = [rng.integers(-(2**63), 2**63 - 1, n), rng.random(n), skewed]
for x in [*shapes, rng.choice(shapes[0][:1000], n)]:
    sorting.sort(x)
    sorting.argsort(x)
    grouping.group([x])
print(buffers._pool().max_memory() / (8 * n))
"""


def run(code: str, folder: Path | str) -> str:
    environment = {**os.environ, "ARKSERVER_KERNEL_CACHE": str(folder), "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.strip()


def test_once_prepared_the_first_kernel_has_no_more_of_numba_to_import(tmp_path: Path) -> None:
    run(COLD, tmp_path)
    assert run(PREPARED, tmp_path) == "[]"


def test_a_missing_signature_is_compiled_by_a_helper_and_loaded(tmp_path: Path) -> None:
    assert run(COLD, tmp_path) == "[1, 3] 1 0"
    assert len(list(tmp_path.rglob("*minmax*.nbc"))) == 1


def test_one_helper_compiles_for_all_and_is_replaced_when_it_has_ended(tmp_path: Path) -> None:
    assert run(SEVERAL, tmp_path) == "True 3"


def test_a_cache_that_cannot_be_written_compiles_in_the_process(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    assert run(COLD, tmp_path / "file") == "[1, 3] 0 1"


def test_a_full_cache_that_nobody_writes_to_is_read(tmp_path: Path) -> None:
    assert run(COLD, tmp_path / "full") == "[1, 3] 1 0"
    (tmp_path / "file").write_text("no folder")
    folders = os.pathsep.join(str(tmp_path / name) for name in ("file", "mine", "full"))
    assert run(COLD, folders) == "[1, 3] 1 0"
    assert list((tmp_path / "mine").rglob("*.nbc")) == []


def test_a_kernel_is_compiled_again_when_one_that_it_calls_has_changed(tmp_path: Path) -> None:
    package = tmp_path / "arkserver_kernels"
    package.mkdir()
    for name in ("__init__", "policy", "compiling", "compiler"):
        shutil.copy(Path(policy.__file__).with_name(f"{name}.py"), package)
    (package / "caller.py").write_text(CALLER)
    for value in (1, 20):
        (package / "callee.py").write_text(CALLEE.format(value))
        code = (
            f"import sys; sys.path[0] = {str(tmp_path)!r}; from arkserver_kernels import caller; print(caller.ask(10))"
        )
        assert run(code, tmp_path / "cache") == str(10 + value)


def test_files_of_signatures_do_not_meet(tmp_path: Path) -> None:
    files = policy._Files(tmp_path, "kernel", b"source")
    files.save("a", (1, 2))
    files.save("b", (3,))
    assert files.load("a") == (1, 2)
    assert files.load("c") is None
    assert policy._Files(tmp_path, "kernel", b"changed").load("a") is None
    files.flush()
    assert files.load("b") is None


def test_signatures_are_spelt_in_codes() -> None:
    pairs = list(policy._signatures("T[] i8 T", {"T": "f8 u1"}))
    assert [[str(t) for t in types] for types in pairs] == [
        ["array(float64, 1d, C)", "int64", "float64"],
        ["array(uint8, 1d, C)", "int64", "uint8"],
    ]


def test_every_kernel_has_signatures_to_warm() -> None:
    assert {name for name, _, _ in warmup._warm_list()} == {n for n, (_, s) in policy.REGISTRY.items() if s}
    assert [n for n, (_, signatures) in policy.REGISTRY.items() if not signatures] == []


def test_sorts_and_groups_take_at_most_three_times_their_input() -> None:
    folder = policy.cache_folder()
    assert folder is not None
    assert float(run(PEAK, folder.parent)) < 3.0
