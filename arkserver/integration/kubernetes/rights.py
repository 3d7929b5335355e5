"""The rights that a registration uses: what the Role grants, and what the doctor asks for."""

from __future__ import annotations

from dataclasses import dataclass

from arkserver.integration.enums import Deployment


@dataclass(frozen=True, slots=True)
class Right:
    """One verb on one resource, and what it is for."""

    group: str
    resource: str
    verb: str
    purpose: str


def _rights(group: str, resource: str, **purposes: str) -> tuple[Right, ...]:
    return tuple(Right(group, resource, verb, purpose) for verb, purpose in purposes.items())


COMMON = (
    *_rights(
        "",
        "services",
        get="see whose a Service is before it is touched",
        create="announce; server-side apply asks for it where there is no object yet",
        patch="announce and repair, by server-side apply",
        delete="withdraw",
        list="arkserver reap: find Services that nobody is behind",
    ),
    *_rights(
        "coordination.k8s.io",
        "leases",
        get="see who is alive",
        create="show to be alive",
        patch="renew",
        delete="withdraw",
        list="see whether others are alive before the Service is removed",
    ),
)
"""For every registration."""

OUTSIDE = (
    *_rights(
        "discovery.k8s.io",
        "endpointslices",
        create="announce addresses",
        patch="repair addresses",
        list="see whether the addresses are right",
        delete="withdraw addresses",
    ),
    *_rights("", "endpoints", delete="remove what a selector, given to the Service by mistake, has led to"),
)
"""For servers outside of the cluster."""

FALLBACK = _rights(
    "", "endpoints", get="see whose it is", create="announce addresses", patch="repair addresses", delete="withdraw"
)
"""Instead of `OUTSIDE`, for clusters without EndpointSlices."""

INSIDE = (
    *_rights("", "pods", get="find the labels and the owner of the server's pod"),
    *_rights("apps", "replicasets", get="find the Deployment that the pod belongs to"),
)
"""For servers in a pod."""


def needed(deployment: Deployment, *, slices: bool = True) -> tuple[Right, ...]:
    """Return the rights that a deployment needs on a cluster with or without EndpointSlices."""
    if deployment is Deployment.KUBERNETES:
        return COMMON + INSIDE
    return COMMON + (OUTSIDE if slices else FALLBACK)
