"""What all tests share."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator

import hypothesis
import pytest

from arkserver.cluster import executor as executor_module
from arkserver.cluster.executor import ClusterExecutor
from arkserver.engine.executor import DEFERRED_FROM, Executor
from arkserver.engine.local import LocalExecutor
from tests.support.cluster import running_cluster

# Timing belongs to the benchmarks: an example may run while the machine compiles something else.
# The same examples in every run: a run that fails can be repeated, and CI does not fail by the luck of the draw.
hypothesis.settings.register_profile("arkserver", deadline=None, max_examples=25, derandomize=True)
hypothesis.settings.load_profile("arkserver")

WIDTHS = (1, 2, 3, 7)
WAITING = (2, 7)
"""widths at which elementwise results, however small, wait until they are needed"""


def pytest_configure() -> None:
    """Let SIGTERM end the tests as Ctrl-C does, so that what fixtures have started is stopped."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--cluster", type=int, default=0, metavar="N", help="run the algorithms on N worker processes")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "ex" in metafunc.fixturenames:
        workers = metafunc.config.getoption("cluster")
        places = [("cluster", workers)] if workers else [("blocks", n) for n in WIDTHS]
        metafunc.parametrize("ex", places, ids=lambda p: f"{p[1]}-{p[0]}", indirect=True, scope="session")


@pytest.fixture(scope="session")
def ex(request: pytest.FixtureRequest) -> Iterator[Executor]:
    """An executor that cuts arrays into 1, 2, 3 and 7 blocks: every algorithm must give the same on each.

    With ``--cluster N`` it runs the algorithms on N worker processes instead.
    """
    place, count = request.param
    if place == "blocks":
        yield LocalExecutor(count, deferred_from=0 if count in WAITING else DEFERRED_FROM)
    else:
        with running_cluster(count) as cluster, pytest.MonkeyPatch.context() as patch:
            patch.setattr(executor_module, "MERGED_HERE_PIECES", 0)  # small results of exchanges would stay here
            yield ClusterExecutor(cluster, deferred_from=0)
