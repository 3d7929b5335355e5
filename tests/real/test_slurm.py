"""Workers as jobs of a real Slurm, whose nodes are machines of a network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
import pytest

from arkserver.client import connect
from arkserver.demo import data, questions
from arkserver.demo.__main__ import equal
from tests.support.server import Raw, RunningServer, running_server
from tests.support.servers.process import eventually
from tests.support.servers.slurm import CPUS, Slurm

pytestmark = [pytest.mark.real, pytest.mark.xdist_group("slurm"), pytest.mark.timeout(600)]

JOIN_S = 90
LARGE = 200_000
"""rows; every array of so many goes to the workers"""


@dataclass
class Lab:
    """A server on the network's host whose workers are jobs."""

    slurm: Slurm
    server: RunningServer

    @property
    def url(self) -> str:
        return f"tcp://{self.slurm.network.host}:{self.server.port}"

    def raw(self) -> Raw:
        return Raw(self.url)

    def scale(self, count: int) -> None:
        """``arkserver scale``, as an operator types it."""
        argv = [sys.executable, "-m", "arkserver.cli", "scale", str(count), "--url", self.url]
        done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=120)
        assert done.stdout == f"{count} workers\n", done.stdout + done.stderr

    def workers(self) -> set[str]:
        with connect(self.url) as session:
            return {place["name"] for place in session.config()["LocaleConfigs"]}

    def until_workers(self, count: int) -> None:
        eventually(lambda: len(self.workers()) == count, f"{count} workers\n{self.server.log.read_text()}", JOIN_S)


@contextmanager
def lab(slurm: Slurm, workers: int, *flags: str) -> Iterator[Lab]:
    """A server that has its workers; each fills a node."""
    place = ("--scheduler", "true", "--host", slurm.network.host, "--distribute-from", "1000")
    worker = ("--cluster", "slurm", "--worker-threads", str(CPUS), "--worker-memory", "1GiB")
    logs = ("--slurm-logs", str(slurm.folder / "logs"), "--join-seconds", str(JOIN_S))
    try:
        more = (*logs, "--workers", str(workers), *flags)
        with running_server(*place, *worker, *more, env=slurm.environment) as server:
            found = Lab(slurm, server)
            found.until_workers(workers)
            yield found
    finally:
        slurm.clear()


class Arrays:
    """Arrays of each origin: uploaded, computed, made, changed in place; and what they must hold."""

    def __init__(self, session: Any) -> None:
        self._expected = np.arange(LARGE, dtype=np.int64)
        self.uploaded = session.array(self._expected)
        self.computed = self.uploaded * 2 + 1
        self.made = session.arange(LARGE)
        self.changed = self.uploaded + 0
        self.changed[::2] = -1

    def check(self) -> None:
        assert (self.uploaded.to_numpy() == self._expected).all()
        assert (self.computed.to_numpy() == self._expected * 2 + 1).all()
        assert (self.made.to_numpy() == self._expected).all()
        assert (self.changed.to_numpy() == np.where(self._expected % 2, self._expected, -1)).all()


def test_the_flights_on_two_jobs_and_back(slurm: Slurm) -> None:
    files = data.flight_files()
    with lab(slurm, 2) as found:
        assert sorted(slurm.jobs().values()) == ["RUNNING", "RUNNING"]
        assert slurm.nodes() == ["n0", "n1"]
        assert found.workers() == {"arkserver-0", "arkserver-1"}
        with connect(found.url) as session:
            ours = questions.Tables(*(session.read_parquet(str(p)) for p in (files.flights, files.airlines)))
            theirs = questions.Tables(*(pd.read_parquet(p) for p in (files.flights, files.airlines)))
            for question in questions.QUESTIONS:
                assert equal(question.ours(ours), question.theirs(theirs)), question.title
            arrays = Arrays(session)
            found.scale(0)
            eventually(lambda: not slurm.jobs(), "the queue is empty", 60)
            arrays.check()
            shape = questions.QUESTIONS[0]
            assert equal(shape.ours(ours), shape.theirs(theirs))
            found.scale(1)
            found.until_workers(1)
            arrays.check()


@pytest.mark.parametrize("way", ["shutdown", "SIGTERM"])
def test_the_end_of_the_server_leaves_no_job(slurm: Slurm, way: str) -> None:
    with lab(slurm, 2) as found:
        if way == "shutdown":
            with found.raw() as raw:
                raw.text("shutdown")
        else:
            found.server.process.terminate()
        assert found.server.wait(60) == 0
        eventually(lambda: not slurm.jobs(), "the queue is empty", 60)


def test_a_server_that_dies_leaves_no_job_for_long(slurm: Slurm) -> None:
    with lab(slurm, 1, "--join-seconds", "20") as found:
        found.server.process.kill()
        eventually(lambda: not slurm.jobs(), "the worker noticed", 90)


def test_jobs_that_reach_their_time_limit_are_replaced(slurm: Slurm) -> None:
    with lab(slurm, 2, "--slurm-walltime", "2", "--slurm-leave", "60") as found:
        first = slurm.jobs()
        with connect(found.url) as session:
            arrays = Arrays(session)
            eventually(lambda: len(slurm.jobs()) == 2 and not slurm.jobs().keys() & first.keys(), "new jobs", 180)
            eventually(lambda: found.workers() == {"arkserver-2", "arkserver-3"}, "their workers", JOIN_S)
            arrays.check()
        assert {slurm.job(number)["JobState"] for number in first} <= {"COMPLETED", "CANCELLED"}


def test_a_worker_whose_job_is_cancelled_is_replaced(slurm: Slurm) -> None:
    with lab(slurm, 2) as found, connect(found.url) as session:
        arrays = Arrays(session)
        gone = next(iter(slurm.jobs()))
        slurm.run("scancel", "--signal=KILL", "--full", gone)
        eventually(lambda: slurm.jobs().keys() - {gone}, "the job is gone")
        arrays.check()
        eventually(lambda: len(slurm.jobs().keys() - {gone}) == 2, "another job", JOIN_S)
        found.until_workers(2)
        arrays.check()


def test_what_the_settings_say_arrives_in_the_job(slurm: Slurm) -> None:
    settings = ("--slurm-partition", "large", "--slurm-account", "physics", "--slurm-walltime", "0:30:00")
    more = ("--slurm-directives", "--comment=ours; --nice=7", "--slurm-setup", "export GREETING=hello")
    with lab(slurm, 1, *settings, *more) as found:
        (number,) = slurm.jobs()
        job = slurm.job(number)
        wanted = {"Partition": "large", "Account": "physics", "TimeLimit": "00:30:00", "Comment": "ours", "Nice": "7"}
        assert job.items() >= wanted.items()
        assert job["MinMemoryNode"] == "1G"
        assert job["CPUs/Task"] == str(CPUS)
        assert job["JobName"] == "arkserver-0"
        assert "export GREETING=hello" in slurm.run("scontrol", "write", "batch_script", number, "-")
        assert found.workers() == {"arkserver-0"}


def test_a_job_that_slurm_refuses_is_named(slurm: Slurm) -> None:
    refused = pytest.raises(AssertionError, match=r"Slurm did not take the job of arkserver-0: .*invalid partition")
    with refused, lab(slurm, 1, "--slurm-partition", "nowhere"):
        pass
