"""{internal, external} x {client, metrics} x what can happen x how it ends: the cluster holds what it should."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

import pytest

from tests.real.scenarios import SCENARIOS, Run, Seen, foreign_service, play
from tests.real.site import CLIENT, METRICS, Site

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("cluster")]

Cell = tuple[str, Callable[[Run], None], str, str]
AT_ONCE = 4
"""Servers mostly wait in these scenarios."""


class Player:
    """Plays every scenario that a collected test needs, several at a time; both endpoints are seen in one play."""

    def __init__(self, site: Site, cells: list[Cell]) -> None:
        self._pool = ThreadPoolExecutor(AT_ONCE)
        self._plays: dict[Cell, Future[list[Seen]]] = {
            cell: self._pool.submit(play, site, *cell) for cell in dict.fromkeys(map(_play_of, cells))
        }

    def seen(self, cell: Cell) -> list[Seen]:
        return self._plays[_play_of(cell)].result()

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


def _play_of(cell: Cell) -> Cell:
    """Return the cell whose play shows this one as well."""
    deployment, scenario, end_by, endpoint = cell
    return deployment, scenario, end_by, endpoint if scenario is foreign_service else CLIENT


@pytest.fixture(scope="module")
def player(site: Site, request: pytest.FixtureRequest) -> Iterator[Player]:
    items = [item for item in request.session.items if item.get_closest_marker("cell")]
    calls = [item.callspec.params for item in items]  # type: ignore[attr-defined]
    cells = [(call["deployment"], call["scenario"], call["end_by"], call["endpoint"]) for call in calls]
    player = Player(site, cells)
    yield player
    player.close()


@pytest.mark.cell
@pytest.mark.timeout(900)
@pytest.mark.parametrize("end_by", ["shutdown", "SIGTERM", "SIGINT"])
@pytest.mark.parametrize("endpoint", [CLIENT, METRICS], ids=["client", "metrics"])
@pytest.mark.parametrize("deployment", ["STANDARD", "KUBERNETES"], ids=["external", "internal"])
@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.__name__)
def test_cell(player: Player, scenario: Callable[[Run], None], deployment: str, endpoint: str, end_by: str) -> None:
    seen = player.seen((deployment, scenario, end_by, endpoint))
    of_this_endpoint = [one for one in seen if one.endpoint in ("", endpoint)]
    assert of_this_endpoint
    for one in of_this_endpoint:
        assert one.found == one.wanted, one.what
