"""A long session leaves nothing behind on the scheduler. The long form is bench/cluster/session.py."""

from __future__ import annotations

import dataclasses

from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from bench.cluster import session

FEW, MANY = 100, 350
"""commands, of several tasks each"""


def counts(remote: ClusterExecutor) -> dict[str, int]:
    found = dataclasses.asdict(session.state(remote.cluster))
    return {name: found[name] for name in ("tasks", "groups", "handles", "files")}


def test_what_a_session_holds_does_not_grow(remote: ClusterExecutor) -> None:
    commands = session.Commands(remote.cluster)
    commands.run(0, FEW)
    before = counts(remote)
    commands.run(FEW, MANY)
    after = counts(remote)
    assert after["handles"] == before["handles"]
    assert after["files"] <= after["handles"]
    # Lineage is cut between one and two times LINEAGE; a step has up to 8 tasks (an exchange between two blocks).
    assert max(after["tasks"], before["tasks"]) < 2 * LINEAGE * 8
    assert max(after["groups"], before["groups"]) < 2 * LINEAGE * 4
    assert not remote.cluster.scheduler.extensions["spans"].spans
