"""The current context of a kubeconfig, as kubectl would use it."""

from __future__ import annotations

import base64
import importlib
import json
import os
import shutil
import ssl
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from arkserver.client.discovery.settings import DiscoverySettings
from arkserver.client.discovery.targets import DiscoveryError


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API is, and as who."""

    server: str
    token: str = field(repr=False)
    context: ssl.SSLContext


def access(settings: DiscoverySettings) -> Access:
    """Return the access that the current context gives: token, token file, client certificate or credential plug-in.

    Raises
    ------
    DiscoveryError
        There is no kubeconfig, or it cannot be used.
    """
    config = _load(settings.kubeconfig)
    try:
        context = _named(config["contexts"], config["current-context"])["context"]
        cluster = _named(config["clusters"], context["cluster"])["cluster"]
        user = _named(config["users"], context["user"])["user"] or {}
        folder = Path(settings.kubeconfig.split(os.pathsep)[0]).parent
        return Access(cluster["server"].rstrip("/"), _token(user, folder), _tls(cluster, user, folder))
    except KeyError as error:
        raise DiscoveryError(
            f"kubeconfig {settings.kubeconfig} has no usable current context: {error} is missing"
        ) from error


def _load(paths: str) -> dict[str, Any]:
    """Read the file. It is YAML, which the standard library cannot read: JSON, PyYAML or kubectl, whatever is there."""
    files = [file for file in map(Path, paths.split(os.pathsep)) if file.is_file()]
    if not files:
        raise DiscoveryError(f"there is no kubeconfig {paths}; set KUBECONFIG, or K8S_HOST, CACERT_FILE and SSL_TOKEN")
    text = files[0].read_text()
    if len(files) == 1 and text.lstrip().startswith("{"):
        found: dict[str, Any] = json.loads(text)
        return found
    if kubectl := shutil.which("kubectl"):
        return _by_kubectl(kubectl, paths)
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise DiscoveryError("reading a kubeconfig needs kubectl or PyYAML: pip install pyyaml") from error
    loaded: dict[str, Any] = yaml.safe_load(text)
    return loaded


def _by_kubectl(kubectl: str, paths: str) -> dict[str, Any]:
    command = [kubectl, "config", "view", "--raw", "--flatten", "--minify", "-o", "json"]
    environment = {**os.environ, "KUBECONFIG": paths}
    run = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)  # noqa: S603 - fixed words
    if run.returncode:
        raise DiscoveryError(f"kubectl cannot read kubeconfig {paths}: {run.stderr.strip()}")
    found: dict[str, Any] = json.loads(run.stdout)
    return found


def _named(entries: list[dict[str, Any]], name: str) -> dict[str, Any]:
    for entry in entries:
        if entry["name"] == name:
            return entry
    raise KeyError(name)


def _token(user: dict[str, Any], folder: Path) -> str:
    if "exec" in user:
        return _by_plugin(user["exec"])
    if file := user.get("tokenFile"):
        return (folder / str(file)).read_text().strip()
    return str(user.get("token", ""))


def _by_plugin(plugin: dict[str, Any]) -> str:
    """Run a credential plug-in (client.authentication.k8s.io), as cloud providers use them."""
    environment = {**os.environ, **{pair["name"]: pair["value"] for pair in plugin.get("env") or []}}
    environment["KUBERNETES_EXEC_INFO"] = json.dumps(
        {"apiVersion": plugin["apiVersion"], "kind": "ExecCredential", "spec": {"interactive": False}}
    )
    command = [plugin["command"], *(plugin.get("args") or [])]
    try:
        run = subprocess.run(command, capture_output=True, text=True, env=environment, check=True)  # noqa: S603 - the user's own
        return str(json.loads(run.stdout)["status"]["token"])
    except (OSError, subprocess.CalledProcessError, ValueError, KeyError) as error:
        raise DiscoveryError(f"the credential plug-in {command[0]} of the kubeconfig gave no token: {error}") from error


def _tls(cluster: dict[str, Any], user: dict[str, Any], folder: Path) -> ssl.SSLContext:
    if cluster.get("insecure-skip-tls-verify"):
        raise DiscoveryError(
            "the kubeconfig says insecure-skip-tls-verify, which would hand the token to anybody; name the CA"
        )
    data = cluster.get("certificate-authority-data")
    file = cluster.get("certificate-authority")
    context = ssl.create_default_context(
        cafile=str(folder / file) if file else None, cadata=base64.b64decode(data).decode() if data else None
    )
    cert = _file(user, "client-certificate", folder)
    key = _file(user, "client-key", folder)
    if cert is not None:
        context.load_cert_chain(cert.path, key.path if key else None)
    return context


@dataclass(frozen=True, slots=True)
class _Loaded:
    """A file that lives as long as this object."""

    path: str
    holder: Any = None


def _file(user: dict[str, Any], name: str, folder: Path) -> _Loaded | None:
    """Return the file that `user` names or, since TLS contexts load files only, a private one with its inline data."""
    if file := user.get(name):
        return _Loaded(str(folder / file))
    if data := user.get(f"{name}-data"):
        holder = tempfile.NamedTemporaryFile(prefix="arkserver-")  # noqa: SIM115 - closed, and removed, with its holder
        holder.write(base64.b64decode(data))
        holder.flush()
        return _Loaded(holder.name, holder)
    return None
