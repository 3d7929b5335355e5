"""A long session leaves nothing behind on the scheduler. The long form is bench/cluster/session.py."""

from __future__ import annotations

import dataclasses

from arkserver.cluster.executor import LINEAGE, ClusterExecutor
from bench.cluster import session

FEW, MANY = 150, 450
"""commands"""


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
    # The lineage of two arrays of two blocks, cut between one and two LINEAGE; every other command is such a step.
    assert max(after["tasks"], after["groups"], before["tasks"]) < 6 * LINEAGE < MANY
    assert not remote.cluster.scheduler.extensions["spans"].spans
