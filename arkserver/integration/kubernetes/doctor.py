"""What is wrong on the way to Kubernetes, and what to do."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

from arkserver_channels import ChannelType, HttpRequestType, UnreachableError, UntrustedPeerError, open_channel

from arkserver.errors import IntegrationError
from arkserver.integration import addresses
from arkserver.integration.checks import check_name
from arkserver.integration.enums import Deployment
from arkserver.integration.findings import Finding
from arkserver.integration.identity import identity
from arkserver.integration.kubernetes import rights
from arkserver.integration.kubernetes.api import KubernetesApi
from arkserver.integration.kubernetes.connection import Connection, connection
from arkserver.integration.kubernetes.refusals import ROLE
from arkserver.integration.kubernetes.services import refuse_foreign
from arkserver.integration.kubernetes.slices import EndpointsRoutes, routes
from arkserver.integration.settings import IntegrationSettings

REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


async def check(settings: IntegrationSettings) -> AsyncIterator[Finding]:
    """Check, in the order in which a registration would fail: name, TLS, credentials, rights, Services, address."""
    way = connection(settings)
    found = await check_name(*way.host_and_port)
    yield found
    if not found.ok:
        return
    api = KubernetesApi(open_channel(ChannelType.HTTP, way.options), way.namespace)
    try:
        async for finding in _check_api(settings, way, api):
            yield finding
    finally:
        await api.close()


async def _check_api(settings: IntegrationSettings, way: Connection, api: KubernetesApi) -> AsyncIterator[Finding]:
    reached = await _check_reached(way, api)
    yield reached
    if not reached.ok:
        return
    if expiry := token_expiry(way):
        yield _check_expiry(expiry)
    credentials = await _check_credentials(api)
    yield credentials
    if not credentials.ok:
        return
    async for finding in _check_rights(settings, api):
        yield finding
    async for finding in _check_services(settings, api):
        yield finding
    if settings.deployment is Deployment.STANDARD:
        yield _check_address(settings, way)


async def _check_reached(way: Connection, api: KubernetesApi) -> Finding:
    url = way.options.url
    try:
        answer = await api.send(HttpRequestType.GET, "/version")
    except UntrustedPeerError as error:
        advice = "set CACERT_FILE to the certificate of the cluster's authority"
        return Finding("TLS", ok=False, text=f"{error}; {advice}")
    except UnreachableError as error:
        return Finding("connection", ok=False, text=f"{error}; is K8S_HOST right, and no firewall in the way?")
    version = json.loads(answer.body).get("gitVersion", "of unknown version") if answer.ok else f"({answer.status})"
    return Finding("TLS", ok=True, text=f"{url} is trusted; Kubernetes {version}")


def token_expiry(way: Connection) -> datetime | None:
    """Return when the bearer token expires, if it says so; the API decides, this is only read."""
    options = way.options
    token = options.token_file.read_text().strip() if options.token_file else options.token
    try:
        part = token.split(".")[1]
        claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
        return datetime.fromtimestamp(claims["exp"], UTC)
    except (IndexError, ValueError, KeyError):
        return None


def _check_expiry(expiry: datetime) -> Finding:
    left = expiry - datetime.now(UTC)
    when = f"{expiry:%Y-%m-%d %H:%M:%S} UTC"
    if left <= timedelta():
        return Finding("token", ok=False, text=f"expired at {when}; make a new one: kubectl create token NAME")
    return Finding("token", ok=True, text=f"valid until {when}")


async def _check_credentials(api: KubernetesApi) -> Finding:
    answer = await api.send(HttpRequestType.POST, REVIEW, _review(api.namespace, rights.COMMON[0]))
    if answer.status == 401:
        text = "401: the API does not accept the token or certificate; renew it, and check that it is of this cluster"
        return Finding("credentials", ok=False, text=text)
    if answer.status == 403:
        text = "403: sent without credentials; set SSL_TOKEN, ARKSERVER_TOKEN_FILE, or CERT_FILE and KEY_FILE"
        return Finding("credentials", ok=False, text=text)
    return Finding("credentials", ok=answer.ok, text="accepted" if answer.ok else f"the API answers {answer.status}")


async def _check_rights(settings: IntegrationSettings, api: KubernetesApi) -> AsyncIterator[Finding]:
    way = await routes(api, identity(settings.instance, 0))
    wanted = rights.needed(settings.deployment, slices=not isinstance(way, EndpointsRoutes))
    missing = []
    for right in wanted:
        answer = await api.send(HttpRequestType.POST, REVIEW, _review(api.namespace, right))
        if not (answer.ok and json.loads(answer.body)["status"]["allowed"]):
            missing.append(right)
            text = f"{right.verb} {right.resource} in {api.namespace} is missing (to {right.purpose}); see {ROLE}"
            yield Finding("right", ok=False, text=text)
    if not missing:
        yield Finding("rights", ok=True, text=f"all {len(wanted)} in namespace {api.namespace}")


def _review(namespace: str, right: rights.Right) -> dict[str, Any]:
    attributes = {"namespace": namespace, "verb": right.verb, "group": right.group, "resource": right.resource}
    return {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }


async def _check_services(settings: IntegrationSettings, api: KubernetesApi) -> AsyncIterator[Finding]:
    for name in (settings.service_name, settings.metrics_name):
        try:
            current = await api.get("v1", "services", name)
            if current is not None:
                refuse_foreign(current)
        except IntegrationError as error:
            yield Finding("service", ok=False, text=str(error))
        else:
            yield Finding("service", ok=True, text=f"{name} is {'ours' if current else 'free'}")


def _check_address(settings: IntegrationSettings, way: Connection) -> Finding:
    try:
        found = addresses.find(settings.addresses, way.host_and_port)
    except addresses.NoAddressError as error:
        return Finding("address", ok=False, text=str(error))
    return Finding("address", ok=True, text=f"{', '.join(found)} would be registered")
