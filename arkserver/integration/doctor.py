"""What is wrong with the integration, and what to do: checked step by step, from the name to the rights."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from arkserver_channels import ChannelError

from arkserver.errors import ArkserverError
from arkserver.integration.enums import SystemType
from arkserver.integration.findings import Finding
from arkserver.integration.settings import IntegrationSettings

Check = Callable[[IntegrationSettings], AsyncIterator[Finding]]


async def diagnose(settings: IntegrationSettings) -> list[Finding]:
    """Check the way to the system of `settings`; stops where the rest could not be told any more."""
    check = _checks().get(settings.system_type)
    found: list[Finding] = []
    if check is None:
        return found
    try:
        async for finding in check(settings):
            found.append(finding)  # noqa: PERF401 - what was found before an error is kept
    except (ArkserverError, ChannelError) as error:
        found.append(Finding(settings.system_type.value.lower(), ok=False, text=str(error)))
    return found


def _checks() -> dict[SystemType, Check]:
    from arkserver.integration import checks
    from arkserver.integration.kubernetes import doctor

    return {
        SystemType.KUBERNETES: doctor.check,
        SystemType.CONSUL: checks.check_consul,
        SystemType.REDIS: checks.check_redis,
    }
