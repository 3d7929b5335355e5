"""Build the image of deploy/k8s/Containerfile with buildah, without a daemon or a registry, and export it.

    python scripts/image.py [--base IMAGE] [--tag NAME] [--mount]

Without `--base` the base is made from Debian's archive by debootstrap (apt-get install buildah debootstrap; as root).
Every step whose input is as before comes from the store in the user's cache. The machine's settings of apt and pip
(mirrors, certificates) hold in the build and do not enter the image.

With `--mount` the last lines of output are the folder that the image's file system is mounted at, and its
configuration in JSON.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
RELEASE = "bookworm"
MIRROR = "http://deb.debian.org/debian"
BASE = f"localhost/debootstrap:{RELEASE}"
TAG = "localhost/arkserver:test"
APT, PIP, CERTIFICATES = Path("/etc/apt/apt.conf.d"), Path("/etc/pip.conf"), Path("/etc/ssl/certs/ca-certificates.crt")


def store() -> Path:
    """Return where layers are kept: ARKSERVER_IMAGES, or arkserver/images in the user's cache."""
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return Path(os.environ.get("ARKSERVER_IMAGES") or base / "arkserver" / "images")


def buildah(*words: str | Path) -> str:
    """Run buildah on our store; return the last line of its output."""
    return output(*words).rstrip().rpartition("\n")[2]


def output(*words: str | Path) -> str:
    """Run buildah on our store; return its output, which is shown too."""
    place = ["--root", store() / "layers", "--runroot", store() / "run", "--storage-driver", "overlay"]
    command = [str(word) for word in ("buildah", *place, *words)]
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            print(line, end="", file=sys.stderr, flush=True)
            lines.append(line)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return "".join(lines)


def known(image: str) -> bool:
    """Return whether the store has an image."""
    try:
        buildah("inspect", "--type", "image", "--format", "{{.FromImageID}}", image)
    except subprocess.CalledProcessError:
        return False
    return True


def bootstrap() -> str:
    """Make the base from Debian's archive, unless it is there; return its name."""
    if known(BASE):
        return BASE
    with tempfile.TemporaryDirectory(dir=store()) as scratch:
        tree, archive = Path(scratch) / "tree", Path(scratch) / "tree.tar"
        command: list[str | Path] = ["debootstrap", "--variant=minbase", RELEASE, tree, MIRROR]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (tree / "etc" / "apt" / "sources.list").write_text(f"deb {MIRROR} {RELEASE} main\n")
        subprocess.run(["tar", "-C", tree, "--exclude=./var/cache/apt/archives/*.deb", "-cf", archive, "."], check=True)
        container = buildah("from", "scratch")
        buildah("add", "-q", container, archive, "/")
        buildah("commit", "-q", "--rm", container, BASE)
    return BASE


def machine() -> list[str]:
    """Return flags by which the machine's settings of apt and pip hold in the build."""
    pip, inside = store() / "pip.conf", "/run/machine-certificates"  # the package ca-certificates writes to its own
    pip.write_text(PIP.read_text().replace(str(CERTIFICATES), inside) if PIP.exists() else "")
    volumes = {APT: APT, pip: PIP, CERTIFICATES: inside}
    return [f"--volume={path}:{place}:ro" for path, place in volumes.items() if path.exists()]


def build(base: str, tag: str) -> None:
    """Run the steps of the Containerfile that are not in the store yet."""
    file = ROOT / "deploy" / "k8s" / "Containerfile"
    flags = ["--isolation=chroot", "--layers", "--pull=false", f"--build-arg=BASE={base}", *machine()]
    buildah("build", *flags, f"--ignorefile={file}.containerignore", "-f", file, "-t", tag, ROOT)


def mounted(tag: str) -> str:
    """Return the folder at which the file system of an image is mounted."""
    name = f"{tag.rpartition('/')[2].replace(':', '-')}-mounted"
    with contextlib.suppress(subprocess.CalledProcessError):
        buildah("rm", name)  # of a former image
    buildah("from", "--pull=false", "--name", name, tag)
    return buildah("mount", name)


def main() -> int:
    parser = argparse.ArgumentParser(description="Build the image without a daemon.")
    parser.add_argument("--base", help="an image that buildah can find; made by debootstrap if none is given")
    parser.add_argument("--tag", default=TAG, help=f"name of the image [{TAG}]")
    parser.add_argument("--mount", action="store_true", help="mount it, and print where")
    arguments = parser.parse_args()
    store().mkdir(parents=True, exist_ok=True)
    try:
        build(arguments.base or bootstrap(), arguments.tag)
        if arguments.mount:
            print(mounted(arguments.tag))
            print(json.dumps(json.loads(output("inspect", "--type", "image", arguments.tag))["OCIv1"]["config"]))
    except (OSError, subprocess.CalledProcessError) as error:
        print(f"the image cannot be built: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
