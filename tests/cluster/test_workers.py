"""Workers as an operator has them: started with the server, joining by hand, leaving, encrypted, in Slurm's words."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from arkserver.cluster import scratch
from arkserver.cluster.slurm import SlurmLauncher, seconds_of
from arkserver.cluster.tls import make_certificates
from arkserver.cluster.workers import start_worker
from arkserver.errors import ConfigurationError
from arkserver.settings import WorkerSettings
from tests.support.cluster import JOIN_SECONDS, SETTINGS, running_cluster
from tests.support.server import Raw, RunningServer, running_server, symbol

LARGE = [200_000]


@contextmanager
def joined(server: RunningServer, *flags: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker started by hand."""
    argv = [sys.executable, "-m", "arkserver.cli", "worker", server.address_of("scheduler"), *flags]
    with (server.folder / "worker.log").open("ab") as log:
        process = subprocess.Popen(argv, cwd=server.folder, stdout=log, stderr=log)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(60)


def config(raw: Raw) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(raw.text("getconfig"))
    return found


def locales(raw: Raw) -> set[str]:
    return {x["name"] for x in config(raw)["LocaleConfigs"]}


def until(condition: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.1)


def draw(raw: Raw, seed: int) -> str:
    line = raw.text("randint<int64,1>", shape=LARGE, low=0, high=1000, seed=seed)
    return symbol(line)


def download(raw: Raw, name: str) -> bytes:
    return raw.send("tondarray<int64,1>", array=name)


def test_workers_come_and_go(tmp_path: Path) -> None:
    folder = tmp_path / "certificates"
    make_certificates(folder)
    secure = ("--tls-folder", str(folder))
    with (
        running_server("--scheduler", "true", "--distribute-from", "1000", *secure) as server,
        Raw(server.address) as raw,
    ):
        assert server.address_of("scheduler").startswith("tls://")
        alone = config(raw)["LocaleConfigs"]
        here = draw(raw, 7)
        expected = download(raw, here)
        with joined(server, "--name", "first", "--memory-limit", "1GB", *secure):
            until(lambda: locales(raw) == {"first"})
            with joined(server, "--name", "second", "--nthreads", "2", "--memory-limit", "1GB", *secure):
                until(lambda: locales(raw) == {"first", "second"})
                assert {x["numPUs"] for x in config(raw)["LocaleConfigs"]} == {1, 2}
                there = draw(raw, 7)
                assert download(raw, there) == download(raw, here) == expected
            until(lambda: locales(raw) == {"first"})  # the second left in order
            assert download(raw, there) == expected
            assert raw.text("scale", workers=0) == "0 workers"
            assert raw.text("scale", workers=1) == "1 workers"
        until(lambda: locales(raw) == {"arkserver-0"})
        assert download(raw, there) == expected
        assert raw.text("scale", workers=0) == "0 workers"
        assert config(raw)["LocaleConfigs"] == alone
        assert download(raw, there) == expected


def sums(address: str, name: str, ended: threading.Event, found: list[str]) -> None:
    """A client that computes all the time, with arrays that have no name for long."""
    with Raw(address) as raw:
        while not ended.is_set():
            doubled = symbol(raw.text("binopvv<int64,int64,1>", op="+", a=name, b=name))
            found.append(raw.text("sumAll<int64,1>", x=symbol(raw.text("cumSum<int64,1>", x=doubled, axis=0))))
            raw.text("delete", name=doubled)


def test_everything_comes_home_while_others_compute() -> None:
    with (
        running_server("--scheduler", "true", "--workers", "2", "--distribute-from", "0") as server,
        Raw(server.address) as raw,
    ):
        numbers, segments = draw(raw, 7), symbol(raw.text("arange<int64,1>", start=0, stop=100, step=50))
        texts = raw.text("castToStrings<int64>", name=numbers).split()[1]
        raw.text("register", name="lists", objType="SegArray", segments=segments, values=texts, val_type="Strings")
        stream = raw.text("createGenerator<int64>", has_seed=True, seed=17, state=1).split()[1]

        def seen() -> list[Any]:
            drawn = symbol(raw.text("uniformGenerator<int64,1>", name=stream, low=0, high=9, shape=[50], state=1))
            characters = raw.send("segStr-tondarray", obj=texts, comp="values")
            return [download(raw, n) for n in (numbers, segments, drawn)] + [
                characters,
                raw.text("attach", name="lists"),
            ]

        ended, found, expected = threading.Event(), list[str](), seen()
        other = threading.Thread(target=sums, args=(server.address, numbers, ended, found))
        other.start()
        until(lambda: len(found) > 2)
        assert raw.text("scale", workers=0) == "0 workers"
        assert seen() == expected
        before = len(found)
        until(lambda: len(found) > before + 2)
        ended.set()
        other.join()
        assert len(set(found)) == 1
        assert locales(raw).isdisjoint({"arkserver-0", "arkserver-1", "arkserver-2"})


def test_a_worker_that_was_told_to_end_is_not_counted_in_when_it_comes_again() -> None:
    """A job's end signal reaches a worker and what watches it, which may start the worker again before it ends too."""
    with running_cluster(1) as cluster:
        cluster.dismiss()
        cluster.ended.add("late")
        nanny = cluster.on_loop(start_worker(cluster.scheduler.address, "late", SETTINGS, 0)).result(JOIN_SECONDS)
        address = next(a for a, w in cluster.scheduler.workers.items() if w.name == "late")
        until(lambda: not cluster._starting and cluster.scheduler.workers[address] in cluster.scheduler.running)
        assert cluster.homes == ()
        cluster.on_loop(nanny.close()).result(JOIN_SECONDS)
        assert not cluster.active  # new arrays belong into this process


def test_certificates_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    argv = [sys.executable, "-m", "arkserver.cli", "certs", str(folder)]
    assert subprocess.run(argv, check=True, capture_output=True, text=True).stdout.split() == [
        str(folder / name) for name in ("ca.pem", "cert.pem", "key.pem")
    ]
    assert (folder / "key.pem").stat().st_mode & 0o077 == 0
    again = subprocess.run(argv, check=False, capture_output=True, text=True)
    assert again.returncode == 2
    assert "is there already" in again.stderr


def test_a_slurm_job_is_what_the_settings_say(tmp_path: Path) -> None:
    pytest.importorskip("dask_jobqueue")
    make_certificates(tmp_path)
    settings = WorkerSettings.model_validate(
        {
            "worker_threads": 4,
            "tls_folder": tmp_path,
            "slurm_partition": "large",
            "slurm_account": "physics",
            "slurm_walltime": "02:00:00",
            "slurm_directives": "--exclusive; --constraint=fast",
            "slurm_setup": "module load python",
        }
    )
    script = SlurmLauncher("tls://server:8786", settings, 8_000_000_000).job("arkserver-3").job_script()
    for line in (
        "#SBATCH -J arkserver-3",
        "#SBATCH -p large",
        "#SBATCH -A physics",
        "#SBATCH --cpus-per-task=4",
        "#SBATCH --mem=8G",
        "#SBATCH -t 02:00:00",
        "#SBATCH --signal=B:TERM@300",
        "#SBATCH --exclusive",
        "#SBATCH --constraint=fast",
        "module load python",
    ):
        assert line in script.splitlines()
    assert "-m arkserver.cli worker tls://server:8786 --name arkserver-3 --nthreads 4 --memory-limit 7.45GiB" in script
    assert f"--tls-folder {tmp_path}" in script


@pytest.mark.parametrize(
    ("limit", "seconds"),
    [("2", 120), ("2:30", 150), ("01:00:00", 3600), ("1-2", 93600), ("1-2:30", 95400), ("1-02:30:05", 95405)],
)
def test_time_limits_are_read_as_slurm_reads_them(limit: str, seconds: int) -> None:
    assert seconds_of(limit) == seconds


@pytest.mark.parametrize("limit", ["", "soon", "1:2:3:4", "UNLIMITED"])
def test_other_time_limits_are_refused(limit: str) -> None:
    with pytest.raises(ConfigurationError, match="is no time limit"):
        seconds_of(limit)


def test_a_job_that_would_leave_at_once_is_refused() -> None:
    pytest.importorskip("dask_jobqueue")
    settings = WorkerSettings.model_validate({"slurm_walltime": "5", "slurm_leave": 300})
    with pytest.raises(ConfigurationError, match="--slurm-leave: 300 seconds before the end of 5"):
        SlurmLauncher("tcp://server:8786", settings, 10**9)


def test_missing_certificates_are_named(tmp_path: Path) -> None:
    settings = WorkerSettings.model_validate({"tls_folder": tmp_path})
    from arkserver.cluster.tls import security

    with pytest.raises(ConfigurationError, match=r"ca\.pem is missing; make it with: arkserver certs"):
        security(settings.tls_folder)


def test_the_folders_of_a_server_that_was_killed_go_with_the_next_start(tmp_path: Path) -> None:
    place = {"TMPDIR": str(tmp_path)}

    def folders() -> set[Path]:
        return set(tmp_path.glob(f"{scratch.PREFIX}*"))

    with running_server("--scheduler", "true", env=place) as alive:
        alive.address_of("scheduler")
        its = folders()
        with running_server("--scheduler", "true", env=place) as killed:
            killed.address_of("scheduler")
            assert len(folders()) == 2 * len(its) > 0
            killed.process.kill()
        with running_server("--scheduler", "true", env=place) as after:
            after.address_of("scheduler")
            assert len(folders()) == 2 * len(its)
            assert folders() > its
        assert folders() == its
    assert not folders()
