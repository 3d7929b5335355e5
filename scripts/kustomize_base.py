"""Write deploy/k8s/base from the chart, for those without Helm.

    python scripts/kustomize_base.py            (needs the extra `deploy`)

The chart is rendered under the name arkserver with secrets that the user makes; labels that only Helm reads are left
out.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import helm_python
import yaml

K8S = Path(__file__).resolve().parents[1] / "deploy" / "k8s"
NAME = "arkserver"
VALUES = {"auth": {"existingSecret": f"{NAME}-tokens"}, "tls": {"existingSecret": f"{NAME}-tls"}}
KUSTOMIZE = "kustomize.config.k8s.io/v1beta1"
HELMS = ("app.kubernetes.io/managed-by", "helm.sh/chart")
HEAD = "# Made by scripts/kustomize_base.py from the chart; change that.\n"


def objects(values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the objects that the chart makes of `values`, as Helm orders its files."""
    with helm_python.Chart.load(K8S / "chart") as chart:
        files = chart.render(values, name=NAME)
    texts = [text for path, text in sorted(files.items()) if path.endswith(".yaml")]
    return [found for text in texts for found in yaml.safe_load_all(text) if found]


def base() -> dict[str, str]:
    """Return the files of the base: name and text."""
    manifests = objects(VALUES)
    for manifest in manifests:
        for label in HELMS:
            del manifest["metadata"]["labels"][label]
    resources = [f"{name}.yaml" for name in sorted({m["kind"].lower() for m in manifests})]
    files = {"kustomization.yaml": _text({"apiVersion": KUSTOMIZE, "kind": "Kustomization", "resources": resources})}
    for file in resources:
        files[file] = _text(*(m for m in manifests if f"{m['kind'].lower()}.yaml" == file))
    return files


def _text(*documents: dict[str, Any]) -> str:
    return f"{HEAD}{yaml.safe_dump_all(documents, sort_keys=False, width=120)}"


def main() -> None:
    folder = K8S / "base"
    folder.mkdir(exist_ok=True)
    files = base()
    for path in folder.glob("*.yaml"):
        if path.name not in files:
            path.unlink()
    for name, text in files.items():
        (folder / name).write_text(text)


if __name__ == "__main__":
    main()
