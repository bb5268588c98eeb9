"""A plan as values of the chart. The chart's schema refuses what it does not know."""

from collections.abc import Mapping

from teastorm.platforms.base import SERVICES, WITH_LEDGER, ShopPlan

FRONT_PORT = 80
"""The chart's own, where no values say otherwise."""


def values_of(plan: ShopPlan, token: str) -> dict[str, object]:
    """The whole of what a run decides; image, resources and the like are the user's files.

    Services that the plan does not run get no replicas. Start-up delays are compressed here, as
    the local platform does, and given to the chart in seconds of this run.
    """
    content: dict[str, object] = {
        "seed": plan.seed,
        "timeFactor": plan.time_factor,
        "protections": dict(plan.protections),
        "faultInjection": {"enabled": True, "token": token},
        "postgresql": {"enabled": any(service in plan.replicas for service in WITH_LEDGER)},
    }
    for service in SERVICES:
        fields: dict[str, object] = {"replicas": plan.replicas.get(service, 0)}
        if settings := plan.settings.get(service):
            fields["settings"] = _plain(settings)
        if (delay_s := plan.startup_s.get(service)) is not None:
            fields["startupS"] = delay_s
        content[service] = fields
    return content


def shown(values: Mapping[str, object]) -> dict[str, object]:
    """The values without their secret, for a run folder."""
    return {**values, "faultInjection": {"enabled": True}}


def pull_secrets_of(values: Mapping[str, object]) -> tuple[str, ...]:
    """The names under `image.pullSecrets`, with which a load's image is pulled too."""
    image = values.get("image")
    names = image.get("pullSecrets") if isinstance(image, Mapping) else None
    return tuple(str(name) for name in names) if isinstance(names, list) else ()


def front_port_of(values: Mapping[str, object]) -> int:
    """The port of the Service in front of the gateway, `gateway.service.port`."""
    gateway = values.get("gateway")
    service = gateway.get("service") if isinstance(gateway, Mapping) else None
    port = service.get("port") if isinstance(service, Mapping) else None
    return port if isinstance(port, int) else FRONT_PORT


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    return value
