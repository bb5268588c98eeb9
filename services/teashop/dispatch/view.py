"""What this replica knows of the street between two looks at the database.

Quotes are answered from here, so that a checkout never waits on dispatch's database. The picture
is at most one tick old as far as the other replicas go, and up to date with this one's own work.
Belongs to one event loop.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from teashop.dispatch.gate import Obstacle
from teashop.dispatch.promises import eta_s
from teashop.dispatch.shop_rows import Standing
from teashop.dispatch.shops import accept, advance
from teashop.dispatch.street import Street


class View:
    """The shops as last seen, and the demand this replica refused since its last round."""

    def __init__(self, street: Street) -> None:
        self._street = street
        self._standings: dict[str, Standing] = {}
        self._refused: defaultdict[str, float] = defaultdict(float)

    def see(self, standings: Iterable[Standing]) -> None:
        """Replace the picture; an older look than what is known of a shop changes nothing."""
        for standing in standings:
            known = self._standings.get(standing.shop.name)
            if known is None or standing.shop.as_of_s >= known.shop.as_of_s:
                self._standings[standing.shop.name] = standing

    def at(self, name: str, now_s: float) -> Standing | None:
        """A shop as it should be by now."""
        known = self._standings.get(name)
        if known is None:
            return None
        shop = advance(known.shop, now_s, self._street.rules, self._street.pace)
        return Standing(shop=shop, couriers=known.couriers)

    def all_at(self, now_s: float) -> list[Standing]:
        """Every shop as it should be by now, by name."""
        return [s for name in sorted(self._standings) if (s := self.at(name, now_s)) is not None]

    def obstacle(self, standing: Standing, drinks: float) -> Obstacle | None:
        """What would stand in the way of an order, with the door as it should be by now."""
        shop, _ = self._street.gate.swing(standing.shop)
        return self._street.gate.obstacle(shop, drinks)

    def eta_s(self, standing: Standing, drinks: float) -> float:
        """When an order placed now would be at its customer's door."""
        shop = accept(standing.shop, drinks)
        return eta_s(
            shop,
            standing.couriers,
            shop.taken,
            standing.shop.waiting,
            self._street.rules,
            self._street.promises,
        )

    def count_refused(self, name: str, drinks: float) -> None:
        """Remember demand that left no row, for the forecast."""
        self._refused[name] += drinks

    def take_refused(self) -> dict[str, float]:
        """The refused demand since the last call."""
        taken = dict(self._refused)
        self._refused.clear()
        return taken
