"""What a registration costs: time from start to registered, and processor time of renewing. With a real cluster.

``python -m bench.registration`` after ``make real-servers``, as root on Linux.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import psutil

from tests.real.site import RENEW_S, Server, Site, Tenant
from tests.support.servers.kubernetes import CURRENT, ControlPlane
from tests.support.servers.network import Network

ROUNDS = 7
PERIOD_S = 15.0
"""The default period between renewals."""


def start_seconds(tenant: Tenant, *, registered: bool) -> float:
    """Return the seconds from the start of the process until it serves, and is registered if asked for."""
    before = time.monotonic()
    system = {} if registered else {"ARKSERVER_SYSTEM_TYPE": "NONE"}
    server = tenant.server(None, **system)
    if registered:
        _until_registered(server)
    took = time.monotonic() - before
    server.end("SIGTERM")
    return took


def _until_registered(server: Server) -> None:
    while server.registration()["state"] != "REGISTERED":
        time.sleep(0.01)


def processor_share(tenant: Tenant, *, registered: bool, seconds: float = 20) -> float:
    """Return the processor seconds that a server uses in a second while nobody asks it anything."""
    system = {} if registered else {"ARKSERVER_SYSTEM_TYPE": "NONE"}
    server = tenant.server(None, **system)
    if registered:
        _until_registered(server)
    server.served()
    time.sleep(2)
    process = psutil.Process(server.process.pid)
    before = process.cpu_times()
    time.sleep(seconds)
    after = process.cpu_times()
    server.end("SIGTERM")
    return (after.user + after.system - before.user - before.system) / seconds


def main() -> None:
    folder = Path(tempfile.mkdtemp(prefix="arkserver-bench-"))
    network = Network()
    cluster = ControlPlane(folder / "cluster", CURRENT, f"IP:{network.host},IP:{network.host6}")
    try:
        with Site(cluster, network, folder).tenant("STANDARD") as tenant:
            # In turns, so that both see the same machine.
            pairs = [
                [start_seconds(tenant, registered=registered) for registered in (False, True)] for _ in range(ROUNDS)
            ]
            plain, full = (statistics.median(column) for column in zip(*pairs, strict=True))
            idle, busy = (processor_share(tenant, registered=registered) for registered in (False, True))
    finally:
        cluster.stop()
        network.close()
    renewal = (busy - idle) * RENEW_S
    share = renewal / PERIOD_S
    print(f"start: {plain:.2f} s; start and registered: {full:.2f} s; more: {full - plain:.2f} s")
    print(f"one renewal: {renewal * 1e3:.2f} ms of processor time; every {PERIOD_S:g} s: {share:.4%} of one core")


if __name__ == "__main__":
    main()
