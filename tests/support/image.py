"""The image of deploy/k8s/Containerfile, as a file system that processes can be started on."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Image:
    """An image that is mounted."""

    root: Path
    """its file system; not to be written to"""
    environment: dict[str, str]
    user: str
    """``uid:gid``"""


def build() -> Image:
    """Build what is not in the store, and mount it; skip the test, and say so, where that cannot be done."""
    if missing := [tool for tool in ("buildah", "debootstrap") if not shutil.which(tool)]:
        pytest.skip(f"MISSING: {', '.join(missing)}; apt-get install buildah debootstrap")
    if os.geteuid():
        pytest.skip("MISSING: the right to mount the image (root)")
    command = [sys.executable, str(ROOT / "scripts" / "image.py"), "--mount"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    root, config = done.stdout.splitlines()[-2:]
    found = json.loads(config)
    return Image(Path(root), dict(pair.split("=", 1) for pair in found["Env"]), found["User"])


@dataclass(frozen=True)
class Mount:
    """A folder of this machine that a process finds at `path`."""

    source: Path
    path: str
    read_only: bool = False


def command(
    image: Image, scratch: Path, mounts: list[Mount], words: list[str], *, user: str, group: str = "", host: str = ""
) -> list[str]:
    """Return a command line that runs `words` on the image: read-only, as a user without any capability.

    Parameters
    ----------
    user : str
        ``uid:gid``; `group` is a further one.
    host : str
        The name of the machine that the process sees.

    The folder `scratch` takes the points of mounting, and goes with the test. No process stands between: the one that
    is started becomes the one that is asked for, so that signals reach it.
    """
    for name in ("upper", "work", "root"):
        (scratch / name).mkdir(parents=True, exist_ok=True)
    root = scratch / "root"
    layers = f"lowerdir={image.root},upperdir={scratch / 'upper'},workdir={scratch / 'work'}"
    lines = ["set -e", f"mount -t overlay overlay -o {layers} {root}"]
    lines += [f"hostname {host}"] * bool(host)
    lines += [f"mkdir -p {root}/proc {root}/dev", f"mount -t proc proc {root}/proc", f"mount --rbind /dev {root}/dev"]
    for mount in mounts:
        # As links inside of the image lead: /var/run is /run there, and not this machine's.
        lines.append(f"point={root}$(chroot {root} realpath -m {mount.path})")
        lines.append("mkdir -p $point" if mount.source.is_dir() else "mkdir -p $(dirname $point); touch $point")
        lines.append(f"mount --bind {mount.source} $point")
        lines += ["mount -o remount,bind,ro $point"] * mount.read_only
    lines.append(f"mount -o remount,ro {root}")
    uid, gid = user.split(":")
    drop = f"--reuid={uid} --regid={gid} --groups={group or gid} --no-new-privs --bounding-set=-all --inh-caps=-all"
    lines.append(f'exec chroot {root} setpriv {drop} env -C /tmp "$@"')
    return ["unshare", "--mount", "--uts", "bash", "-c", "\n".join(lines), "image", *words]
