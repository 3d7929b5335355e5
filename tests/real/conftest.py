"""Real clusters, started once for all tests that ask for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.real.site import NODE, Site
from tests.support.servers import kubernetes
from tests.support.servers.kubernetes import ControlPlane
from tests.support.servers.network import Network
from tests.support.servers.slurm import Slurm


@pytest.fixture(scope="session")
def network() -> Iterator[Network]:
    network = Network()
    yield network
    network.close()


@pytest.fixture(scope="session")
def site(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A current Kubernetes."""
    yield from _site(network, tmp_path_factory, kubernetes.CURRENT)


@pytest.fixture(scope="session")
def old_site(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Kubernetes 1.20, the old end of the range."""
    yield from _site(network, tmp_path_factory, kubernetes.OLD)


@pytest.fixture(scope="session")
def bare_site(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Kubernetes without EndpointSlices."""
    yield from _site(network, tmp_path_factory, kubernetes.OLD, "--runtime-config=discovery.k8s.io/v1beta1=false")


@pytest.fixture(scope="session")
def slurm(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    """Slurm with two nodes, each a machine of the network."""
    slurm = Slurm(tmp_path_factory.mktemp("slurm"), network)
    yield slurm
    slurm.stop()


def _site(network: Network, folders: pytest.TempPathFactory, version: str, *arguments: str) -> Iterator[Site]:
    folder = folders.mktemp("site")
    cluster = ControlPlane(folder / "cluster", version, f"IP:{network.host},IP:{network.host6}", *arguments)
    cluster.post("/api/v1/nodes", {"metadata": {"name": NODE}})
    yield Site(cluster, network, folder)
    cluster.stop()
