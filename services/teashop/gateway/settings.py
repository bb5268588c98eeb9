"""What the gateway can be told."""

from __future__ import annotations

from dataclasses import dataclass, field

from teashop.resilience.front_config import FrontConfig
from teashop.serving.settings import Common


@dataclass(frozen=True, kw_only=True, slots=True)
class GatewaySettings(FrontConfig):
    """Settings of one gateway replica: what every service is told, and its policies' numbers."""

    common: Common = field(default_factory=Common)
