"""The page beside Dask's dashboard and a notebook in JupyterLab, in Chromium.

Screenshots go to the folder of the tests; with ``ARKSERVER_SCREENSHOTS=docs/images`` to the documentation.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from arkserver.client import ServerError, Session, connect
from arkserver.demo.data import FLIGHTS, flight_files
from tests.support.ports import free_port
from tests.support.server import Raw, RunningServer, running_server

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("browser")]

SIZE = {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("MISSING: Chromium (apt-get install chromium fonts-dejavu-core)")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    flags = "--workers", "2", "--worker-memory", "1GB", "--memory-limit", "2GB", "--distribute-from", "2MB"
    with running_server("--scheduler", "true", *flags) as found:
        yield found


@pytest.fixture
def tab(browser: Browser) -> Iterator[Page]:
    """A tab in which nothing may go wrong, and which asks nobody but the server."""
    wrong: list[str] = []
    with browser.new_context(viewport=SIZE) as context:  # type: ignore[arg-type]
        page = context.new_page()
        page.on("pageerror", lambda e: wrong.append(str(e)))
        page.on("request", lambda r: None if "//127.0.0.1:" in r.url or r.url == "data:," else wrong.append(r.url))
        yield page
    assert not wrong


def screenshot(page: Page, name: str, tmp_path: Path) -> None:
    folder = Path(os.environ.get("ARKSERVER_SCREENSHOTS", tmp_path))
    folder.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=folder / f"{name}.png")


@contextmanager
def sleeping(server: RunningServer, seconds: float) -> Iterator[list[str]]:
    """A long command, and the error that it ends with."""
    errors: list[str] = []

    def work() -> None:
        with connect(server.address) as session:
            try:
                session.text("sleep", seconds=seconds)
            except ServerError as e:
                errors.append(str(e))

    thread = threading.Thread(target=work)
    thread.start()
    yield errors
    thread.join(seconds)


@pytest.fixture
def flights(server: RunningServer) -> Iterator[Session]:
    with connect(server.address) as session:
        table = session.read_parquet(str(flight_files().flights))
        yield session
        assert len(table) == FLIGHTS


def test_the_page_shows_what_the_server_does(
    server: RunningServer, flights: Session, tab: Page, tmp_path: Path
) -> None:
    prices = flights.ones((2000, 300))
    flights.register("prices", prices)
    with Raw(server.address, user="eve") as raw:
        raw.error("<img src=x onerror=alert(1)>")
    with pytest.raises(ServerError):
        flights.arange(10**10)
    with sleeping(server, 30.0) as errors:
        tab.goto(server.address_of("page"))
        expect(tab.locator("#state")).to_have_text("live")
        expect(tab.locator("#workers tbody tr")).to_have_count(2)
        row = tab.locator("#symbols tbody tr", has_text=prices.name)
        expect(row).to_contain_text("2000 x 300")
        expect(row).to_contain_text("4.80 MB")
        expect(row).to_contain_text("2 blocks on workers")
        expect(row).to_contain_text("registered")
        expect(tab.locator("#errors")).to_contain_text("<img src=x onerror=alert(1)>")
        expect(tab.locator("#errors")).to_contain_text("80000000000 bytes of memory exceeds")
        assert tab.locator("#errors img").count() == 0
        running = tab.locator("#running tbody tr", has_text="sleep")
        # It goes on by itself.
        expect(running.locator(".progress span")).to_have_text(re.compile(r"^[2-9]\d%$"), timeout=30_000)
        screenshot(tab, "page", tmp_path)
        tab.emulate_media(color_scheme="dark")
        screenshot(tab, "page-dark", tmp_path)
        running.get_by_role("button").click()
        expect(running).to_have_count(0)
    assert "sleep was cancelled" in errors[0]
    flights.unregister("prices")


def test_the_page_is_linked_from_dasks(server: RunningServer, flights: Session, tab: Page, tmp_path: Path) -> None:
    tab.goto(server.address_of("dashboard"))
    expect(tab.locator("canvas, .bk-Canvas").first).to_be_visible(timeout=30_000)
    prices = flights.ones(1_000_000)
    for _ in range(30):
        prices = prices * 2 + 1
    prices.sum()
    tab.wait_for_timeout(2000)  # until the picture has the tasks, too
    screenshot(tab, "dask", tmp_path)
    tab.get_by_role("link", name="Arkserver").click()
    expect(tab.locator("#state")).to_have_text("live")
    tab.get_by_role("link", name="Dask dashboard").click()
    expect(tab).to_have_title("Dask: Status")


def test_a_server_without_workers_that_asks_for_a_token(tab: Page) -> None:
    with running_server("--scheduler", "true", "--authenticate", "--token", "right") as server:
        tab.goto(server.address_of("page"))
        tab.get_by_label("Token").fill("wrong")
        tab.get_by_role("button", name="Show").click()
        expect(tab.locator(".wrong")).to_have_text("This token is not the server's.")
        tab.get_by_label("Token").fill("right")
        tab.get_by_role("button", name="Show").click()
        expect(tab.locator("#state")).to_have_text("live")
        expect(tab.get_by_text("No worker has joined")).to_be_visible()
        server.process.terminate()
        expect(tab.locator("#state")).to_have_text("the server does not answer", timeout=30_000)
        deadline = time.monotonic() + 30
        while server.process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.05)


# --- JupyterLab ------------------------------------------------------------------------------------------------------

NOTEBOOK = Path(__file__).parents[2] / "docs" / "kubernetes.ipynb"


@pytest.fixture
def jupyter(server: RunningServer, tmp_path: Path) -> Iterator[str]:
    """A JupyterLab with the notebook; its address, with a slash at the end."""
    shutil.copy(NOTEBOOK, tmp_path)
    port = free_port()
    argv = [sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", f"--ServerApp.port={port}"]
    quiet = ["--IdentityProvider.token=", "--LabApp.news_url=", "--LabApp.check_for_updates_class="]
    env = os.environ | {"ARKSERVER_URL": server.address, "JUPYTER_CONFIG_DIR": str(tmp_path), "HOME": str(tmp_path)}
    with (tmp_path / "jupyter.log").open("wb") as log:
        process = subprocess.Popen([*argv, *quiet], cwd=tmp_path, env=env, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}/"
    try:
        wait_for(f"{url}api", process)
        yield url
    finally:
        process.terminate()
        process.wait(30)


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 120
    while True:
        try:
            httpx.get(url, timeout=5).raise_for_status()
        except httpx.HTTPError:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.1)
        else:
            return


def test_the_notebook_in_jupyterlab(jupyter: str, tab: Page, tmp_path: Path) -> None:
    news = tab.get_by_text("Would you like to get notified")
    tab.add_locator_handler(news, lambda: tab.get_by_role("button", name="No", exact=True).click())
    tab.goto(f"{jupyter}doc/tree/{NOTEBOOK.name}")
    expect(tab.get_by_text("| Idle")).to_be_visible(timeout=120_000)
    tab.get_by_role("menuitem", name="Run", exact=True).click()
    tab.locator(".lm-Menu-itemLabel:text-is('Run All Cells')").click()
    expect(tab.locator("td", has_text="ExpressJet Airlines Inc.").first).to_be_visible(timeout=120_000)
    bar = tab.locator(".jp-OutputArea-output progress")
    expect(bar).to_be_visible(timeout=60_000)
    tab.locator(".jp-CodeCell", has=bar).scroll_into_view_if_needed()  # the bar itself is drawn anew all the time
    screenshot(tab, "jupyterlab", tmp_path)
    expect(tab.get_by_text(re.compile(r"^sleep: \d+\.\d s$"))).to_be_visible(timeout=60_000)
    expect(bar).to_have_count(0)
    assert tab.locator(".jp-OutputArea-output[data-mime-type*=error]").count() == 0


def test_dashboard_and_page_through_jupyters_proxy(server: RunningServer, jupyter: str, tab: Page) -> None:
    port = server.address_of("dashboard").rpartition(":")[2].partition("/")[0]
    tab.goto(f"{jupyter}proxy/{port}/status")
    expect(tab.locator("canvas, .bk-Canvas").first).to_be_visible(timeout=60_000)
    with sleeping(server, 60.0) as errors:
        tab.get_by_role("link", name="Arkserver").click()
        expect(tab).to_have_url(f"{jupyter}proxy/{port}/arkserver")
        running = tab.locator("#running tbody tr", has_text="sleep")
        running.get_by_role("button").click(timeout=30_000)
        expect(running).to_have_count(0)
    assert "sleep was cancelled" in errors[0]
