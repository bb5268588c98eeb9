"""The town crier: measures demand, asks the forecast, and words what goes out.

The forecast's memory dies with its replica. What it had announced is in the feed, so the next
leader takes that over and neither says it again nor forgets to withdraw it.
"""

from __future__ import annotations

from collections.abc import Iterable

from teashop.dispatch.notices import AUDIENCES, Notice, to_everybody
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.shops import Shop
from teashop.dispatch.street import Street
from teashop.resilience import notice
from teashop.resilience.rate import EwmaRate


class Crier:
    """Notices of one leader. Belongs to one thread at a time; times are Unix seconds.

    Args:
        forecast: its settings; `patience_s` is what makes its full queue a shop's capacity.
        half_life_s: of the measured demand.
    """

    def __init__(
        self, street: Street, forecast: notice.NoticeConfig, *, half_life_s: float
    ) -> None:
        self._street = street
        self._forecast = forecast
        self._half_life_s = half_life_s
        self._policy = notice.NoticePolicy(forecast)
        self._rates: dict[str, EwmaRate] = {}
        self._offered: dict[str, float] = {}
        self._inherited: dict[str, float | None] = {}

    @classmethod
    def of(cls, settings: DispatchSettings, street: Street) -> Crier:
        """The crier that the settings describe."""
        lead_s = settings.run_s(settings.notice_lead_minutes)
        forecast = notice.NoticeConfig(
            lead_s=lead_s,
            patience_s=settings.run_s(settings.capacity_minutes),
            trend_s=settings.run_s(settings.notice_trend_minutes),
            confirm=settings.notice_confirm,
            quiet_s=lead_s,
        )
        return cls(street, forecast, half_life_s=settings.run_s(settings.rate_half_life_minutes))

    def take_over(self, warned: Iterable[str]) -> None:
        """Begin anew as a new leader; `warned` are shops with a warning that still stands."""
        self._policy = notice.NoticePolicy(self._forecast)
        self._rates.clear()
        self._offered.clear()
        self._inherited = dict.fromkeys(warned)

    def measure(self, shop: Shop, now_s: float) -> float:
        """Drinks a second that are asked for at the shop, from its count of all that ever were."""
        before = self._offered.get(shop.name)
        self._offered[shop.name] = shop.offered
        if before is None:
            # The first look has no interval; what the leader before measured is the best there is.
            self._rates[shop.name] = EwmaRate(self._half_life_s)
            self._rates[shop.name].add(now_s, 0)
            return shop.demand_per_s
        rate = self._rates[shop.name]
        rate.add(now_s, max(0.0, shop.offered - before))
        return rate.per_second(now_s)

    def hear(self, shop: Shop, now_s: float) -> list[Notice]:
        """What has to be told of a shop just measured, if anything."""
        capacity = self._street.rules.drinks_per_s
        found = self._policy.update(now_s, shop.name, shop.demand_per_s, capacity, shop.queue)
        if shop.name in self._inherited:
            if found is not None:
                del self._inherited[shop.name]
                # Told by the leader before; from here on the forecast follows it.
                return [] if found.kind is notice.Kind.CROWD else self._worded(found, shop, now_s)
            return self._withdraw_inherited(shop, now_s)
        return [] if found is None else self._worded(found, shop, now_s)

    def _withdraw_inherited(self, shop: Shop, now_s: float) -> list[Notice]:
        """Withdraw a predecessor's warning after one lead time of calm."""
        calm = (
            shop.queue < self._street.rules.capacity_drinks / 2
            and shop.demand_per_s <= self._street.rules.drinks_per_s
        )
        since_s = self._inherited[shop.name]
        if not calm:
            self._inherited[shop.name] = None
        elif since_s is None:
            self._inherited[shop.name] = now_s
        elif now_s - since_s >= self._forecast.lead_s:
            del self._inherited[shop.name]
            return self._entry("withdrawn", shop, now_s, shop.demand_per_s, None)
        return []

    def _worded(self, found: notice.Notice, shop: Shop, now_s: float) -> list[Notice]:
        crowd = found.kind is notice.Kind.CROWD
        return self._entry(
            found.kind.value, shop, now_s, found.rate_rps, found.at_s if crowd else None
        )

    def _entry(
        self, kind: str, shop: Shop, now_s: float, rate_per_s: float, at_s: float | None
    ) -> list[Notice]:
        return to_everybody(
            Notice(
                t_unix_s=now_s,
                kind=kind,
                audience=AUDIENCES[0],
                shop=shop.name,
                rate_drinks_per_h=self._street.per_h(rate_per_s),
                queue=shop.queue,
                capacity_drinks_per_h=self._street.drinks_per_h,
                eta_s=None if at_s is None else max(0.0, at_s - now_s),
                expected_at=at_s,
            )
        )
