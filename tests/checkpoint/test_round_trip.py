"""Every kind of value goes to the disk and comes back, over 1, 2, 3 and 7 blocks."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from arkserver.engine import layout
from arkserver.engine.algorithms import sparse
from arkserver.engine.algorithms.generators import Generator
from arkserver.engine.checkpoint import blockfile, folders, manifest, restoring, saving
from arkserver.engine.checkpoint.folders import Mode
from arkserver.engine.executor import Executor
from arkserver.engine.local import LocalExecutor
from arkserver.engine.memory import MemoryAccounts
from arkserver.engine.registry import RegisteredObject
from arkserver.engine.state import Engine
from arkserver.engine.values import BIGINT, LAYOUTS, Array, Strings
from arkserver.errors import StorageError, UnsupportedError
from tests.support import texts as strings
from tests.support.arrays import ELEMENTS, SHAPES, arrays, filled

DTYPES = sorted(ELEMENTS)


def new_engine(ex: Executor) -> Engine:
    return Engine(ex, MemoryAccounts(1 << 33))


def back(engine: Engine, ex: Executor | None = None) -> Engine:
    """What another server has after it loaded a checkpoint of `engine`."""
    other = new_engine(ex or engine.executor)
    with tempfile.TemporaryDirectory() as scratch:
        saving.save(engine, Path(scratch) / "c", Mode.ERROR)
        restoring.load(other, Path(scratch) / "c")
    return other


def contents(engine: Engine, name: str) -> Any:
    value = engine.symbols.get(name)
    if isinstance(value, Strings):
        return strings.raw_of(layout.text_here(engine.executor, value))
    assert sum(value.rows) == (value.shape[0] if value.shape else 1)
    return layout.to_numpy(engine.executor, value)


def assert_equal(got: NDArray[Any], expected: NDArray[Any]) -> None:
    assert (got.dtype, got.shape) == (expected.dtype, expected.shape)
    if expected.dtype == BIGINT:
        assert got.tolist() == expected.tolist()
    else:
        assert got.tobytes() == expected.tobytes()  # bit for bit: the signs of zeros and of nan too


@pytest.mark.parametrize("order", LAYOUTS)
def test_sparse_matrices(ex: Executor, order: str) -> None:
    engine = new_engine(ex)
    m = sparse.random(ex, (40, 30), 0.3, order, np.dtype(np.float64))
    values = np.random.default_rng(0).random(m.entries)
    name = engine.symbols.add(sparse.filled(ex, m, layout.from_numpy(ex, values)))
    other = back(engine, LocalExecutor(2))
    got = other.symbols.get(name)
    assert (got.shape, got.layout, got.dtype) == (m.shape, order, m.dtype)
    for part, expected in zip(got.parts, (m.rows, m.columns), strict=False):
        assert_equal(layout.to_numpy(other.executor, part), layout.to_numpy(ex, expected))
    assert_equal(layout.to_numpy(other.executor, got.values), values)
    assert other.accounts.live == engine.accounts.live


@st.composite
def of_each_dtype(draw: st.DrawFn) -> list[NDArray[Any]]:
    """An array of each dtype, of any shape."""
    return [draw(filled(dtype, draw(SHAPES))) for dtype in DTYPES]


@given(columns=of_each_dtype(), max_bits=st.sampled_from([-1, 256]))
def test_arrays_of_every_dtype_and_shape(ex: Executor, columns: list[NDArray[Any]], max_bits: int) -> None:
    engine = new_engine(ex)
    bounds = [max_bits if x.dtype == BIGINT else -1 for x in columns]
    names = [engine.symbols.add(layout.from_numpy(ex, x, b)) for x, b in zip(columns, bounds, strict=True)]
    other = back(engine, LocalExecutor(2))
    for name, x, bound in zip(names, columns, bounds, strict=True):
        assert_equal(contents(other, name), x)
        assert other.symbols.get(name).max_bits == bound
    assert other.accounts.live == engine.accounts.live


@given(items=strings.raw_texts)
def test_strings_that_need_not_be_valid_utf8(ex: Executor, items: list[str | bytes]) -> None:
    engine = new_engine(ex)
    name = engine.symbols.add(strings.strings(ex, items))
    assert contents(back(engine), name) == contents(engine, name)


def test_all_of_it_is_in_its_folder(ex: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)  # as a server and its workers do, whose working folder is not that of checkpoints
    engine = new_engine(ex)
    engine.symbols.add(layout.from_numpy(ex, np.arange(9)))
    engine.symbols.add(strings.strings(ex, ["a", "b", "c"]))
    saving.save(engine, Path("of") / "c", Mode.ERROR)
    assert [path.name for path in tmp_path.iterdir()] == ["of"]
    assert [path.name for path in (tmp_path / "of").iterdir()] == ["c"]
    blocks = sum(len(engine.symbols.get(name).blocks) for name in engine.symbols.names())
    assert len(list((tmp_path / "of" / "c").glob("*.parquet"))) == blocks


@given(x=arrays(), items=strings.raw_texts)
def test_many_row_groups(x: NDArray[Any], items: list[str | bytes]) -> None:
    with pytest.MonkeyPatch.context() as patch:
        for limit in ("GROUP_ELEMENTS", "GROUP_BYTES", "BIGINT_ELEMENTS"):
            patch.setattr(blockfile, limit, 2)
        ex = LocalExecutor(3)
        engine = new_engine(ex)
        names = [engine.symbols.add(layout.from_numpy(ex, x)), engine.symbols.add(strings.strings(ex, items))]
        for width in (1, 2, 7):
            other = back(engine, LocalExecutor(width))
            assert_equal(contents(other, names[0]), x)
            assert contents(other, names[1]) == contents(engine, names[1])


def test_generators_and_registered_objects(ex: Executor) -> None:
    engine = new_engine(ex)
    codes, labels = (engine.symbols.add(layout.from_numpy(ex, np.arange(n))) for n in (5, 3))
    generator = engine.symbols.add(Generator(np.dtype(np.float64), 2**64 - 1))
    column = RegisteredObject("CATEGORICAL", {"codes": codes, "categories": labels})
    table = RegisteredObject("DATAFRAME", {}, {"width": "3"}, {"a": column}, (labels,))
    engine.registry.register("table", table)
    other = back(engine)
    assert other.symbols.get(generator) == engine.symbols.get(generator)
    assert other.registry.items() == [("table", table)]
    assert not other.symbols.delete(codes), "the parts of a registered object are pinned"
    assert other.symbols.names() == engine.symbols.names()


def test_a_checkpoint_replaces_names_that_are_there_and_leaves_others(tmp_path: Path) -> None:
    ex = LocalExecutor()
    engine = new_engine(ex)
    kept = engine.symbols.add(layout.from_numpy(ex, np.arange(3)))
    engine.registry.register("x", RegisteredObject("PDARRAY", {"array": kept}))
    saving.save(engine, tmp_path / "c", Mode.ERROR)
    engine.symbols.put(kept, layout.from_numpy(ex, np.zeros(9)))
    later = engine.symbols.add(layout.from_numpy(ex, np.ones(2)))
    engine.registry.unregister("x")
    engine.registry.register("x", RegisteredObject("PDARRAY", {"array": later}))
    restoring.load(engine, tmp_path / "c")
    assert_equal(contents(engine, kept), np.arange(3))
    assert_equal(contents(engine, later), np.ones(2))
    assert engine.registry.get("x").symbols == {"array": kept}
    assert engine.accounts.live == 8 * 5
    engine.symbols.clear()
    assert engine.symbols.names() == [kept]


def test_what_is_no_value_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    class Strange:
        nbytes = 0

    engine = new_engine(LocalExecutor())
    engine.symbols.add(Strange())
    with pytest.raises(UnsupportedError, match="Strange"):
        saving.save(engine, tmp_path / "c", Mode.ERROR)
    assert list(tmp_path.iterdir()) == []


def test_others_can_read_it(tmp_path: Path) -> None:
    ex = LocalExecutor(2)
    engine = new_engine(ex)
    engine.symbols.add(layout.from_numpy(ex, np.arange(6.0).reshape(3, 2)))
    engine.symbols.add(strings.strings(ex, ["one", "deux", "drei"]))
    saving.save(engine, tmp_path / "c", Mode.ERROR)
    read = [t for p in sorted((tmp_path / "c").glob("*.parquet")) for t in pq.read_table(p)["data"].to_pylist()]
    assert read == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, "one", "deux", "drei"]
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "-c", "--quiet", manifest.SUMS], cwd=tmp_path / "c", check=True)


# --- folders ---------------------------------------------------------------------------------------------------------


def engine_with(x: NDArray[Any]) -> tuple[Engine, str]:
    ex = LocalExecutor()
    engine = new_engine(ex)
    return engine, engine.symbols.add(layout.from_numpy(ex, x))


def test_modes(tmp_path: Path) -> None:
    engine, name = engine_with(np.zeros(1))
    target = tmp_path / "deep" / "c"
    for i, mode in enumerate((Mode.ERROR, Mode.OVERWRITE, Mode.PRESERVE_PREVIOUS, Mode.PRESERVE_PREVIOUS)):
        engine.symbols.put(name, layout.from_numpy(engine.executor, np.full(1, float(i))))
        saving.save(engine, target, mode)
    with pytest.raises(StorageError, match="A file already exists"):
        saving.save(engine, target, Mode.ERROR)
    assert sorted(p.name for p in target.parent.iterdir()) == ["c", "c.prev"]
    for folder, expected in (("c", 3.0), ("c.prev", 2.0)):
        restoring.load(engine, target.parent / folder)
        assert_equal(contents(engine, name), np.full(1, expected))


@pytest.mark.parametrize("mode", [Mode.OVERWRITE, Mode.PRESERVE_PREVIOUS])
def test_what_is_half_removed_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: Mode) -> None:
    def killed(path: Path, **_: object) -> None:
        if path.exists():
            next(path.iterdir()).unlink()
            raise SystemExit

    engine, _ = engine_with(np.zeros(1))
    for _ in range(2):
        saving.save(engine, tmp_path / "c", Mode.PRESERVE_PREVIOUS)
    monkeypatch.setattr("shutil.rmtree", killed)
    with pytest.raises(SystemExit):
        saving.save(engine, tmp_path / "c", mode)
    monkeypatch.undo()
    found = folders.newest_first(tmp_path)
    assert len(found) >= 1
    for folder in found:
        manifest.verified(folder)


def test_the_newest_are_kept_and_half_written_ones_swept(tmp_path: Path) -> None:
    engine, _ = engine_with(np.zeros(1))
    for i in range(5):
        saving.save(engine, tmp_path / f"own-{4 - i}", Mode.ERROR)
    saving.save(engine, tmp_path / "another", Mode.ERROR)
    (tmp_path / ".own-9.abcd.partial").mkdir()
    folders.keep_newest(tmp_path, "own-", 2)
    folders.sweep(tmp_path)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["another", "own-0", "own-1"]


# --- damage ----------------------------------------------------------------------------------------------------------


def damage(path: Path, how: str) -> None:
    content = bytearray(path.read_bytes())
    if how == "flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif how == "cut":
        path.write_bytes(content[: len(content) // 2])
    else:
        path.unlink()


@pytest.mark.parametrize("how", ["flipped", "cut", "gone"])
@pytest.mark.parametrize("file", ["00000_LOCALE0000.parquet", manifest.MANIFEST, manifest.SUMS, manifest.SERVER])
def test_damage_is_found_and_nothing_is_changed(tmp_path: Path, file: str, how: str) -> None:
    engine, name = engine_with(np.arange(1000))
    saving.save(engine, tmp_path / "c", Mode.ERROR)
    engine.symbols.put(name, layout.from_numpy(engine.executor, np.zeros(3)))
    damage(tmp_path / "c" / file, how)
    with pytest.raises(StorageError, match=r"c/|c$"):
        restoring.load(engine, tmp_path / "c")
    assert_equal(contents(engine, name), np.zeros(3))
    assert restoring.latest(tmp_path)[0] is None


def test_the_newest_good_one_is_found(tmp_path: Path) -> None:
    engine, _ = engine_with(np.arange(1000))
    for name in ("a", "b", "c"):
        saving.save(engine, tmp_path / name, Mode.ERROR)
    damage(tmp_path / "c" / "00000_LOCALE0000.parquet", "flipped")
    found, damaged = restoring.latest(tmp_path)
    assert found is not None
    assert found[0].name == "b"
    assert len(damaged) == 1
    assert "00000_LOCALE0000.parquet is damaged" in damaged[0]


def test_a_manifest_of_another_version_is_refused(tmp_path: Path) -> None:
    engine, _ = engine_with(np.zeros(1))
    saving.save(engine, tmp_path / "c", Mode.ERROR)
    path = tmp_path / "c" / manifest.MANIFEST
    path.write_text(path.read_text().replace('"version": 1', '"version": 2'))
    with pytest.raises(StorageError, match="checkpoint 2"):
        manifest.read(tmp_path / "c")


# --- beside other commands -------------------------------------------------------------------------------------------


def test_a_writer_waits_until_its_array_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine, first = engine_with(np.zeros(4))
    second = engine.symbols.add(layout.from_numpy(engine.executor, np.zeros(4)))
    reached, go_on = threading.Event(), threading.Event()
    write = saving._write_value

    def slow(ex: Executor, out: Path, stem: str, name: str, *more: Any) -> Any:
        if name == second:
            reached.set()
            assert go_on.wait(30)
        return write(ex, out, stem, name, *more)

    monkeypatch.setattr(saving, "_write_value", slow)
    saver = threading.Thread(target=saving.save, args=(engine, tmp_path / "c", Mode.ERROR))
    saver.start()
    assert reached.wait(30)
    changed = threading.Event()

    def change(name: str) -> None:
        with engine.locks.hold((), (name,)):
            value = engine.symbols.get(name)
            assert isinstance(value, Array)
            value.blocks[0][:] = 1
            changed.set()

    change(first)  # is written already
    changed.clear()
    writer = threading.Thread(target=change, args=(second,))
    writer.start()
    assert not changed.wait(0.1)
    go_on.set()
    writer.join()
    saver.join()
    restoring.load(engine, tmp_path / "c")
    assert_equal(contents(engine, first), np.zeros(4))
    assert_equal(contents(engine, second), np.zeros(4))


def test_an_array_that_is_changed_for_too_long(tmp_path: Path) -> None:
    engine, name = engine_with(np.zeros(4))
    with engine.locks.hold((), (name,)), pytest.raises(StorageError, match="changed by other commands"):
        saving.save(engine, tmp_path / "c", Mode.ERROR, seconds=0.01)
    saving.save(engine, tmp_path / "c", Mode.ERROR)


def test_a_block_that_is_written_again_replaces_the_first(tmp_path: Path) -> None:
    (tmp_path / f"b.{0:08x}.part").write_bytes(b"of a worker that was killed")
    first, second = (blockfile.write_block(str(tmp_path), "b", "int64", np.arange(5)) for _ in range(2))
    assert first == second
    assert pq.read_table(tmp_path / "b")["data"].to_pylist() == [0, 1, 2, 3, 4]
