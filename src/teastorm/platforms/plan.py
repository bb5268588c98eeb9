"""The shop that is wanted: which services, how many replicas of each, with which settings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from teastorm.platforms.errors import PlatformError

SERVICES = ("orders", "dispatch", "inference", "gateway")
"""Every service of the shop, in the order they are started: what is called before its callers."""

WITH_LEDGER = ("orders", "dispatch")
"""Services that keep a ledger in a database, which `Platform.audit` reads."""

DEFAULT_REPLICAS = 2


def _two_each() -> Mapping[str, int]:
    return MappingProxyType(dict.fromkeys(SERVICES, DEFAULT_REPLICAS))


def _nothing[V]() -> Mapping[str, V]:
    return MappingProxyType({})


@dataclass(frozen=True, kw_only=True)
class ShopPlan:
    """The shop that is wanted: how many of what, with which settings.

    `replicas` names the services to run and how many of each (0 is allowed). `protections` holds
    switches by name; those not named keep the shop's defaults. `settings` holds extra fields per
    service, laid over the generated ones. `time_factor` compresses start-up delays (2 halves
    them). `startup_s` is how long a replacement or an added replica takes before its process
    starts (the pod's scheduling and image pull), per service, before compression. `run_dir`
    receives logs/ and settings/; None means a temporary folder that `tear_down` removes.
    """

    replicas: Mapping[str, int] = field(default_factory=_two_each)
    protections: Mapping[str, bool] = field(default_factory=_nothing)
    seed: int = 1
    time_factor: float = 1.0
    settings: Mapping[str, Mapping[str, object]] = field(default_factory=_nothing)
    startup_s: Mapping[str, float] = field(default_factory=_nothing)
    run_dir: Path | None = None

    def __post_init__(self) -> None:
        if not self.replicas:
            raise ValueError("a plan must name at least one service under replicas")
        for service, count in self.replicas.items():
            if count < 0:
                raise ValueError(f"replicas.{service} must be 0 or more, got {count}")
        if not (math.isfinite(self.time_factor) and self.time_factor > 0):
            raise ValueError(f"time_factor must be above 0, got {self.time_factor}")
        for service, delay_s in self.startup_s.items():
            if not (math.isfinite(delay_s) and delay_s >= 0):
                raise ValueError(f"startup_s.{service} must be 0 or more, got {delay_s}")
        for service in self.settings:
            if service not in self.replicas:
                raise ValueError(f"settings.{service} is for a service the plan does not run")

    def require(self, service: str) -> None:
        """`PlatformError` (2) when it does not run that service."""
        if service not in self.replicas:
            known = ", ".join(self.replicas)
            raise PlatformError(2, f"service must be one of {known}, got {service!r}")
