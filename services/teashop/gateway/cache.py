"""The intent cache: what the AI made of an utterance before, for moments when it cannot say."""

from __future__ import annotations

from collections import OrderedDict

from teashop.catalog.order import DrinkOrder
from teashop.catalog.wording import normalised


class IntentCache:
    """The most recently used intents, at most `capacity`. Belongs to one event loop."""

    def __init__(self, capacity: int = 4096) -> None:
        self._capacity = capacity
        self._orders: OrderedDict[str, DrinkOrder] = OrderedDict()

    def put(self, utterance: str, order: DrinkOrder) -> None:
        """Remember what an utterance meant."""
        key = normalised(utterance)
        self._orders[key] = order
        self._orders.move_to_end(key)
        if len(self._orders) > self._capacity:
            self._orders.popitem(last=False)

    def get(self, utterance: str) -> DrinkOrder | None:
        """What the same wording meant before, or nothing."""
        return self._orders.get(normalised(utterance))
