"""Kubernetes: Services, EndpointSlices and Leases over the API, and manifests for ``kubectl apply``."""
