"""The two commands of Arkouda's clients, its error texts, and the checkpoints that it wrote itself."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from arkserver.engine.local import LocalExecutor
from tests.support.session import Session


@pytest.fixture
def session() -> Session:
    return Session(LocalExecutor(2))


def test_save_change_and_load(session: Session, tmp_path: Path) -> None:
    x, s = session.put(np.arange(10)), session.put(["a", "b"])
    name = session.text("save_checkpoint", name="", path=str(tmp_path), mode="overwrite")
    assert x.startswith(f"{name}_"), "an empty name means the server's id"
    assert json.loads((tmp_path / name / "server.md").read_text()) == {"serverid": name, "numLocales": 1}
    session.text("[int]=val<int64,1>", array=x, idx=[3], value=77)
    session.text("delete", name=s)
    assert session.text("load_checkpoint", name=name, path=str(tmp_path)) == name
    assert session.get(x).tolist() == list(range(10))
    assert session.get(s).tolist() == [b"a", b"b"]


def test_a_checkpoint_that_does_not_fit_is_refused(session: Session, tmp_path: Path) -> None:
    session.put(np.arange(100_000))
    session.text("save_checkpoint", name="c", path=str(tmp_path), mode="overwrite")
    small = Session(session.ex, limit=500_000)
    assert "requiring 800000 bytes" in small.error("load_checkpoint", name="c", path=str(tmp_path))
    assert len(small.engine.symbols) == 0


@pytest.mark.parametrize("name", ["", "..", "a/b", "/etc", ".hidden"])
def test_names_are_names(session: Session, tmp_path: Path, name: str) -> None:
    for cmd in ("save_checkpoint", "load_checkpoint"):
        if name or cmd == "load_checkpoint":
            assert "no name for a checkpoint" in session.error(cmd, name=name, path=str(tmp_path), mode="overwrite")


def test_what_is_not_there(session: Session, tmp_path: Path) -> None:
    missing = session.error("load_checkpoint", name="c", path=str(tmp_path / "gone"))
    assert f"The base checkpoint directory not found: {tmp_path / 'gone'}" in missing
    assert f"The checkpoint directory not found: {tmp_path / 'c'}" in session.error(
        "load_checkpoint", name="c", path=str(tmp_path)
    )
    assert 'invalid checkpointing mode "x"' in session.error("save_checkpoint", name="c", path=str(tmp_path), mode="x")
    assert "--checkpoint-folder" in session.error("checkpoint")
    assert session.text("wait_for_async_activity") == "completed"


# --- Arkouda's own ---------------------------------------------------------------------------------------------------


def arkoudas(folder: Path, *, locales: int = 1) -> Path:
    folder.mkdir()
    (folder / "server.md").write_text(json.dumps({"serverid": "id_abc", "numLocales": locales}))
    return folder


def described(folder: Path, name: str, about: dict[str, object], *lines: str) -> None:
    entry = {"entryName": name, "entryType": "PrimitiveTypedArraySymEntry"}
    (folder / f"{name}.md").write_text("\n".join([json.dumps(entry), json.dumps(about), *lines]))


ABOUT = {"dtype": "int64", "size": 5, "ndim": 1, "numTargetLocales": 1, "numChunks": 1}


@pytest.mark.parametrize(
    "values", [[3, -1, 0, 9, 2**62], [0.5, np.inf, -0.0, 1.0, 2.0], [True, False, True, True, False]]
)
def test_arrays_that_arkouda_wrote(session: Session, tmp_path: Path, values: list[float]) -> None:
    folder = arkoudas(tmp_path / "c")
    x = np.array(values)
    for i, part in enumerate((x[:2], x[2:])):
        pq.write_table(pa.table({"data": part}), folder / f"a_LOCALE000{i}.data")
    chunks = [json.dumps({"filename": f"/moved/a_LOCALE000{i}.data", "numElems": n}) for i, n in enumerate((2, 3))]
    described(folder, "a", ABOUT | {"dtype": x.dtype.name, "numChunks": 2}, *chunks)
    session.text("load_checkpoint", name="c", path=str(tmp_path))
    np.testing.assert_array_equal(session.get("a"), x, strict=True)


def test_bigint_that_arkouda_wrote(session: Session, tmp_path: Path) -> None:
    folder = arkoudas(tmp_path / "c")
    data = (3).to_bytes(8, "little")
    data += (2).to_bytes(4, "little") + b"\x01\x00" + (1 << 31 | 1).to_bytes(4, "little") + b"\x07" + bytes(4)
    (folder / "b_LOCALE0001.bin").write_bytes(data)
    described(folder, "b", ABOUT | {"dtype": "bigint", "size": 3, "numChunks": 0}, str(folder / "b"))
    session.text("load_checkpoint", name="c", path=str(tmp_path))
    assert session.get("b").tolist() == [256, -7, 0]


def test_what_is_wrong_with_arkoudas_files_is_said_in_its_words(session: Session, tmp_path: Path) -> None:
    folder = arkoudas(tmp_path / "c")

    def error() -> str:
        return session.error("load_checkpoint", name="c", path=str(tmp_path))

    described(folder, "a", ABOUT)
    assert f"could not read chunk 1 metadata from {folder / 'a.md'}" in error()
    described(folder, "a", {k: v for k, v in ABOUT.items() if k != "size"})
    assert f"invalid array metadata in {folder / 'a.md'}: field 'size' not found" in error()
    (folder / "a.md").write_text("{")
    assert "could not read entry metadata" in error()
    (folder / "a.md").write_text('{"entryName": "a", "entryType": "SegStringSymEntry"}')
    assert "SegStringSymEntry" in error()
    (folder / "server.md").write_text("")
    assert "could not read server metadata" in error()
    (folder / "server.md").write_text('{"serverid": "x", "numLocales": 7}')
    assert "made with a different number of locales (7) than the current execution (1)" in error()
