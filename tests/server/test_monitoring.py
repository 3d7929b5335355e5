"""Alert rules and dashboard name figures that a server exports, and the page about operation names all of them."""

from __future__ import annotations

import json
import re
import urllib.request
from pathlib import Path

import pytest

from arkserver.settings import ServerSettings
from tests.support.server import Raw, RunningServer

ROOT = Path(__file__).parents[2]
MONITORING = ROOT / "deploy" / "monitoring"
PAGE = (ROOT / "docs" / "operate.md").read_text()
NAME = re.compile(r"\b(?:arkserver|process)_[a-z_]+")


def expressions() -> dict[str, str]:
    """Where a query stands, and the query."""
    dashboard = json.loads((MONITORING / "dashboard.json").read_text())
    panels = {p["title"]: p.get("targets", []) for p in dashboard["panels"]}
    found = {f"{title} {t['refId']}": t["expr"] for title, targets in panels.items() for t in targets}
    variables = {v["name"]: v["query"]["query"] for v in dashboard["templating"]["list"] if v["type"] == "query"}
    return {**found, **variables, "alerts": (MONITORING / "alerts.yaml").read_text()}


@pytest.fixture(scope="module")
def exported(server: RunningServer) -> set[str]:
    with Raw(server.address) as raw:
        raw.text("noop")
        raw.error("frobnicate")
    with urllib.request.urlopen(server.address_of("metrics"), timeout=10) as answer:
        return {re.split(r"[{ ]", line)[0] for line in answer.read().decode().splitlines() if line[0] != "#"}


@pytest.mark.parametrize("place", expressions())
def test_each_query_asks_for_what_is_exported(place: str, exported: set[str]) -> None:
    names = set(NAME.findall(expressions()[place]))
    assert names <= exported
    assert names or "up{" in expressions()[place]


def test_each_alert_is_explained() -> None:
    alerts = re.findall(r"alert: (\w+)", expressions()["alerts"])
    assert len(alerts) >= 10
    assert [a for a in alerts if f"`{a}`" not in PAGE] == []
    assert [a for a in re.findall(r"`(Arkserver\w+)`", PAGE) if a not in alerts] == []


def test_the_page_names_figures_and_settings_that_exist(exported: set[str]) -> None:
    assert set(re.findall(r"`((?:arkserver|process)_[a-z_]+)", PAGE)) <= exported
    own = {f"--{name.replace('_', '-')}" for name in ServerSettings.model_fields}
    others = set(re.findall(r"(--[a-z-]+)", (ROOT / "docs" / "integration.md").read_text()))
    elsewhere = {"--signal", "--path", "--url"}
    assert set(re.findall(r"(--[a-z][a-z-]+)", PAGE)) <= own | others | elsewhere
