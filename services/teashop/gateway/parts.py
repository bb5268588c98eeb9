"""The things one gateway replica shares between its handlers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from teashop.gateway.backlog import Backlog
from teashop.gateway.cache import IntentCache
from teashop.gateway.metrics import GatewayMetrics
from teashop.gateway.pressure import Pressure
from teashop.gateway.room import Room
from teashop.gateway.settings import GatewaySettings
from teashop.resilience.quota import QuotaConfig, Quotas
from teashop.resilience.waiting_room import WaitingRoom
from teashop.serving.client import Outgoing
from teashop.serving.clock import Clock
from teashop.serving.settings import Protections


@dataclass(kw_only=True, slots=True)
class Parts:
    """Everything a handler may use. Belongs to one event loop.

    Attributes:
        door: pressure on this process; needs no dependency.
        ai, orders: pressure on and places of the two dependencies.
        tokens_menu, tokens_ticket: buckets that bound the menu and ticket rungs.
    """

    settings: GatewaySettings
    clock: Clock
    rng: random.Random
    client: Outgoing
    metrics: GatewayMetrics
    door: Pressure
    ai: Pressure
    orders: Pressure
    ai_room: Room
    orders_room: Room
    ai_backlog: Backlog
    orders_backlog: Backlog
    quotas: Quotas
    tokens_menu: Quotas
    tokens_ticket: Quotas
    cache: IntentCache
    waiting_room: WaitingRoom

    @property
    def protections(self) -> Protections:
        """Which protections are on."""
        return self.settings.common.protections


def bucket(rate_rps: float) -> Quotas:
    """A token bucket for one thing, a second's worth deep."""
    return Quotas(QuotaConfig(rate_rps=rate_rps, burst=max(1.0, rate_rps), max_users=1))
