"""The page in the dashboard's web server, as a browser asks for it; tests/real has a browser look at it."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from arkserver.client import connect
from tests.support.server import Raw, RunningServer, running_server


@pytest.fixture(scope="module")
def server() -> Iterator[RunningServer]:
    with running_server("--scheduler", "true", "--memory-limit", "1GB") as found:
        yield found


@pytest.fixture
def web(server: RunningServer) -> Iterator[httpx.Client]:
    with browser(server) as client:
        yield client


@contextmanager
def browser(server: RunningServer) -> Iterator[httpx.Client]:
    base = server.address_of("page").removesuffix("/arkserver")
    with httpx.Client(base_url=base, follow_redirects=True, timeout=60) as client:
        yield client


def xsrf(page: str) -> str:
    found = re.search(r'name="_?xsrf" (?:content|value)="([^"]+)"', page)
    assert found is not None
    return found[1]


@contextmanager
def sleeper(server: RunningServer) -> Iterator[list[str]]:
    """A command that takes a minute; its answer once it has ended."""
    answers: list[str] = []
    with Raw(server.address) as raw, Raw(server.address) as other:
        thread = threading.Thread(target=lambda: answers.append(raw.error("sleep", seconds=60.0)))
        thread.start()
        try:
            yield answers
        finally:
            for item in running(other):
                other.text("cancel", number=item)
            thread.join(20)


def running(raw: Raw) -> list[int]:
    return [int(n) for n in re.findall(r'"number":(\d+)', raw.text("status"))]


def number_of_sleeper(web: httpx.Client) -> int:
    end = time.monotonic() + 20
    while not (found := web.get("/arkserver/facts").json()["running"]):
        assert time.monotonic() < end
        time.sleep(0.02)
    return int(found[0]["number"])


def test_it_tells_of_symbols_and_errors(server: RunningServer, web: httpx.Client) -> None:
    with connect(server.address) as session:
        kept = session.ones((30, 5)), session.array(["<b>one</b>", "two"])
        session.register("kept", kept[0])
        session.connection.text("noop", {})
        with Raw(server.address, user="<i>eve</i>") as raw:
            raw.error("<script>alert(1)</script>")
        facts = web.get("/arkserver/facts").json()
        found = {s["name"]: s for s in facts["symbols"]}
        assert found[kept[0].name] == {
            "name": kept[0].name,
            "dtype": "float64",
            "shape": "30 x 5",
            "bytes": 1200,
            "where": "server",
            "registered": True,
        }
        assert found[kept[1].name]["dtype"] == "str"
        session.unregister("kept")
    assert facts["server"]["live"] >= 1200
    assert facts["workers"] == []
    assert facts["errors"][0] | {"time": ""} == {
        "time": "",
        "user": "<i>eve</i>",
        "command": "<script>alert(1)</script>",
        "text": "Unrecognized command: <script>alert(1)</script>",
    }


def test_it_loads_nothing_from_elsewhere(web: httpx.Client) -> None:
    page = web.get("/arkserver")
    assert "default-src 'none'" in page.headers["content-security-policy"]
    for name in re.findall(r'(?:src|href)="(arkserver/[^"]+)"', page.text):
        answer = web.get(f"/{name}")
        assert answer.status_code == 200
        assert "://" not in answer.text
    assert "://" not in page.text
    assert web.get("/arkserver/page.py").status_code == 404


def test_dasks_own_pages_are_still_there(web: httpx.Client) -> None:
    page = web.get("/status").text
    assert "Dask Diagnostic UI" in page
    assert '<a href="arkserver">Arkserver</a>' in page


def test_a_command_is_cancelled(server: RunningServer, web: httpx.Client) -> None:
    token = xsrf(web.get("/arkserver").text)
    with sleeper(server) as answers:
        number = number_of_sleeper(web)
        done = web.post("/arkserver/cancel", data={"number": number}, headers={"X-XSRFToken": token})
        assert done.json() == {"cancelled": number}
    assert "sleep was cancelled" in answers[0]
    again = web.post("/arkserver/cancel", data={"number": number}, headers={"X-XSRFToken": token})
    assert again.status_code == 404
    wrong = web.post("/arkserver/cancel", data={"number": "-1"}, headers={"X-XSRFToken": token})
    assert wrong.status_code == 404


def test_other_sites_cannot_cancel(server: RunningServer, web: httpx.Client) -> None:
    with sleeper(server), browser(server) as other:
        number = number_of_sleeper(web)
        web.get("/arkserver")  # the browser has the cookie, another site has not the token
        foreign = xsrf(other.get("/arkserver").text)
        for headers in ({}, {"X-XSRFToken": "guess"}, {"X-XSRFToken": foreign}):
            answer = web.post("/arkserver/cancel", data={"number": number}, headers=headers)
            assert answer.status_code == 403
        assert web.get(f"/arkserver/cancel?number={number}").status_code == 405
        assert number_of_sleeper(web) == number


@pytest.fixture(scope="module")
def closed_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningServer]:
    users = tmp_path_factory.mktemp("users") / "tokens"
    users.write_text("ada,adas-own\n")
    flags = "--authenticate", "--token", "right", "--user-tokens", str(users)
    with running_server("--scheduler", "true", *flags) as found:
        yield found


def test_without_the_servers_token_nothing_is_shown(closed_server: RunningServer) -> None:
    with browser(closed_server) as web:
        for path in ("/arkserver", "/arkserver?token=wrong", "/arkserver?token=", "/arkserver/facts"):
            answer = web.get(path)
            assert answer.status_code == 403
            assert closed_server.address not in answer.text
        token = xsrf(web.get("/arkserver").text)
        cancelled = web.post("/arkserver/cancel", data={"number": "1"}, headers={"X-XSRFToken": token})
        assert cancelled.status_code == 403
        assert web.post("/arkserver", data={"token": "right"}).status_code == 403  # from another site


@pytest.mark.parametrize("token", ["right", "adas-own"])
def test_a_token_opens_it(closed_server: RunningServer, token: str) -> None:
    with browser(closed_server) as web:
        page = web.get(f"/arkserver?token={token}")
        assert page.status_code == 200
        assert token not in str(page.url)
        assert web.get("/arkserver/facts").json()["server"]["url"] == closed_server.address
    with browser(closed_server) as web:
        form = xsrf(web.get("/arkserver").text)
        assert web.post("/arkserver", data={"token": "wrong", "_xsrf": form}).status_code == 403
        assert web.post("/arkserver", data={"token": token, "_xsrf": form}).status_code == 200
        assert web.get("/arkserver/facts").status_code == 200


def test_a_wrong_token_is_no_text_of_the_page(closed_server: RunningServer) -> None:
    with Raw(closed_server.address, token="almost-right") as raw:
        raw.error("noop")
    with browser(closed_server) as web:
        web.get("/arkserver?token=right")
        (error, *_) = web.get("/arkserver/facts").json()["errors"]
    assert error["text"] == "the token was missing or wrong"
