"""The things one gateway replica shares between its handlers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from teashop.gateway.cache import IntentCache
from teashop.gateway.metrics import GatewayMetrics
from teashop.gateway.room import Room, Waiter
from teashop.gateway.settings import GatewaySettings
from teashop.resilience.front import Front
from teashop.resilience.way import Way
from teashop.serving.client import Outgoing
from teashop.serving.clock import Clock
from teashop.serving.settings import Protections


@dataclass(kw_only=True, slots=True)
class Parts:
    """Everything a handler may use. Belongs to one event loop.

    Attributes:
        front: the policies, and the order in which a request meets them.
        ai_room, orders_room: the front's places, to be waited for.
        ai_way: the network's part of the AI's answers.
    """

    settings: GatewaySettings
    clock: Clock
    rng: random.Random
    client: Outgoing
    metrics: GatewayMetrics
    front: Front[Waiter]
    ai_room: Room
    orders_room: Room
    cache: IntentCache
    ai_way: Way

    @property
    def protections(self) -> Protections:
        """Which protections are on."""
        return self.front.on
