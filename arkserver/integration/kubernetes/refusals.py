"""What a refusal of the API means, and what to do about it."""

from __future__ import annotations

import json
import re
from typing import Any

from arkserver_channels import Answer

from arkserver.integration.system import RefusedError

_DENIED = re.compile(r'cannot (\w+) resource "([\w/]+)"')

ROLE = "deploy/k8s/registration/role.yaml"


def refusal(answer: Answer, verb: str, resource: str, name: str, namespace: str) -> RefusedError:
    """Make the error for a request that was refused."""
    message = _message(answer)
    if denied := _DENIED.search(message):
        # Server-side apply of an object that does not exist asks for another verb than was sent.
        verb, resource = denied.groups()
    what = f"{verb} {resource}{f' {name}' if name else ''} in namespace {namespace}"
    match answer.status:
        case 401:
            text = (
                f"the Kubernetes API does not accept the credentials (401): {message}; renew the token or certificate"
            )
        case 403:
            text = f"the right to {verb} {resource} in namespace {namespace} is missing (403): {message}; see {ROLE}"
        case 404:
            text = f"cannot {what} (404): {message}; does the namespace exist?"
        case status:
            text = f"the Kubernetes API refused to {what} ({status}): {message}"
    return RefusedError(text, answer.status)


def _message(answer: Answer) -> str:
    try:
        status: dict[str, Any] = json.loads(answer.body)
        return str(status["message"])
    except (ValueError, KeyError, TypeError):
        return answer.body[:200].decode(errors="replace").strip() or "no message"
