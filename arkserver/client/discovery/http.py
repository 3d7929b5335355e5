"""GET of a JSON document. A TLS peer is always verified."""

from __future__ import annotations

import json
import ssl
from collections.abc import Mapping
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, Request, build_opener

from arkserver.client.discovery.targets import DiscoveryError


class NotFoundError(DiscoveryError):
    """404."""


def get(url: str, headers: Mapping[str, str], context: ssl.SSLContext, timeout_s: float) -> Any:
    """Return the document at `url`.

    Raises
    ------
    DiscoveryError
        With the reason that the server gave.
    """
    request = Request(url, headers={"Accept": "application/json", **headers})  # noqa: S310 - callers pass http(s)
    place = url.partition("?")[0]
    try:
        with build_opener(HTTPSHandler(context=context)).open(request, timeout=timeout_s) as answer:
            return json.load(answer)
    except HTTPError as error:
        with error:
            kind = NotFoundError if error.code == 404 else DiscoveryError
            raise kind(f"{place} answers {error.code}: {_message(error.read())}") from error
    except (URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise DiscoveryError(f"cannot reach {place}: {reason}") from error


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body[:200].decode(errors="replace").strip()
