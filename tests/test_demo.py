"""The demo and the notebook, as a user runs them."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pandas as pd
import pytest
from nbclient import NotebookClient

from arkserver.demo import __main__ as demo
from arkserver.demo import data
from tests.support.server import running_server

ROOT = Path(__file__).parents[1]


@pytest.mark.xdist_group("flights")
def test_the_demo_gives_the_answers_of_pandas() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "arkserver.demo"], capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.rstrip().endswith("all answers equal those of pandas")
    assert len(re.findall(r"ms, equals pandas\]", done.stdout)) == 6
    assert "336776" in done.stdout


@pytest.mark.xdist_group("flights")
def test_the_notebook_runs() -> None:
    notebook = nbformat.read(ROOT / "docs" / "flights.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    assert any("text/html" in o.get("data", {}) for o in outputs)
    assert not any(o.output_type == "error" for o in outputs)


@pytest.mark.xdist_group("flights")
def test_the_notebook_for_kubernetes_runs_with_another_address(monkeypatch: pytest.MonkeyPatch) -> None:
    notebook = nbformat.read(ROOT / "docs" / "kubernetes.ipynb", as_version=4)  # type: ignore[no-untyped-call]
    with running_server("--scheduler", "true", "--authenticate", "--token", "right") as server:
        monkeypatch.setenv("ARKSERVER_URL", server.address)
        monkeypatch.setenv("ARKSERVER_TOKEN", "right")
        NotebookClient(notebook, timeout=200, resources={"metadata": {"path": str(ROOT)}}).execute()
    outputs = [o for c in notebook.cells if c.cell_type == "code" for o in c.outputs]
    pages = [o["data"]["text/html"] for o in outputs if "text/html" in o.get("data", {})]
    assert not any(o.output_type == "error" for o in outputs)
    assert any("336776 rows x 19 columns" in page for page in pages)
    assert any("Mesa Airlines" in page or "United Air Lines" in page for page in pages)
    assert any(re.search(r"sleep: \d+\.\d s", page) for page in pages)  # what is left of the bar


@pytest.mark.xdist_group("flights")
def test_the_files_hold_all_flights_with_what_is_missing(tmp_path: Path) -> None:
    files = data.flight_files(tmp_path)
    flights = pd.read_parquet(files.flights)
    assert len(flights) == data.FLIGHTS
    assert flights["arr_delay"].isna().sum() == 9430
    assert flights["tailnum"].isna().sum() == 2512
    before = files.flights.stat().st_mtime_ns
    assert data.flight_files(tmp_path).flights.stat().st_mtime_ns == before


def test_a_wrong_answer_is_told() -> None:
    answer = pd.DataFrame({"a": [1.0, 2.0]})
    assert demo.equal(answer, answer + 1e-12)
    assert not demo.equal(answer, answer + 1e-3)
    assert not demo.equal(answer, answer.head(1))
