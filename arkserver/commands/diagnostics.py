"""Counters of communication between locales. Workers do not count as Chapel does: all are zero, one for each."""

from __future__ import annotations

import numpy as np

from arkserver.commands import projection
from arkserver.commands.context import Context
from arkserver.commands.registry import command
from arkserver.engine.algorithms.creating import zeros
from arkserver.engine.executor import Executor
from arkserver.engine.values import Array

COUNTERS = (
    "Amo",
    "CacheGetHits",
    "CacheGetMisses",
    "CacheNumPageReadaheads",
    "CacheNumPrefetches",
    "CachePrefetchUnused",
    "CachePrefetchWaited",
    "CachePutHits",
    "CachePutMisses",
    "CacheReadaheadUnused",
    "CacheReadaheadWaited",
    "ExecuteOn",
    "ExecuteOnFast",
    "ExecuteOnNb",
    "Get",
    "GetNb",
    "Put",
    "PutNb",
    "TestNb",
    "TryNb",
    "WaitNb",
)

ANSWERS = {
    "startCommDiagnostics": "commDiagnostics started.",
    "stopCommDiagnostics": "commDiagnostics stopped.",
    "resetCommDiagnostics": "commDiagnostics reset.",
    "printCommDiagnosticsTable": "commDiagnostics printed.",
    "startVerboseComm": "commDiagnostics set verbose.",
    "stopVerboseComm": "commDiagnostics unset verbose.",
}
"""The protocol's texts."""


def _counter(name: str) -> None:
    """Register the question for a counter."""

    def counter(ex: Executor, context: Context) -> Array:
        return zeros(ex, (max(1, len(context.server.workers())),), np.dtype(np.int64))

    counter.__doc__ = f"The counter {name} of every locale."
    command(f"getCommDiagnostics{name}", project=projection.nothing)(counter)


def _switch(name: str, answer: str) -> None:
    """Register a command that has nothing to switch."""

    def switch() -> str:
        return answer

    switch.__doc__ = f"Answers: {answer}"
    command(name, inline=True, distributed="server")(switch)


for _name in COUNTERS:
    _counter(_name)
for _name, _answer in ANSWERS.items():
    _switch(_name, _answer)
