"""The street: every rule that dispatch works by, made once from its settings. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from teashop.dispatch.gate import Change, Gate
from teashop.dispatch.notices import AUDIENCES, Notice, to_everybody
from teashop.dispatch.pace import Pace
from teashop.dispatch.promises import PromiseRules
from teashop.dispatch.settings import DispatchSettings
from teashop.dispatch.shops import Shop, ShopRules


@dataclass(frozen=True, kw_only=True, slots=True)
class Street:
    """Rules in drinks and seconds of the run's clock.

    Attributes:
        notices: whether anybody is told anything.
        drinks_per_h: what one shop makes, in shop time.
        shop_seconds: seconds of shop time in one second of the run's clock.
    """

    names: tuple[str, ...]
    couriers_per_shop: int
    rules: ShopRules
    pace: Pace
    gate: Gate
    promises: PromiseRules
    notices: bool
    drinks_per_h: float
    shop_seconds: float

    @classmethod
    def of(cls, settings: DispatchSettings) -> Street:
        """The street that the settings describe."""
        capacity = settings.drinks_per_s * settings.run_s(settings.capacity_minutes)
        rules = ShopRules(
            drinks_per_s=settings.drinks_per_s,
            capacity_drinks=capacity,
            pause_drinks=capacity * settings.pause_share,
            resume_drinks=capacity * settings.resume_share,
            full_drinks=capacity * settings.full_share,
        )
        return cls(
            names=settings.shop_names,
            couriers_per_shop=settings.couriers_per_shop,
            rules=rules,
            pace=Pace(
                seed=settings.common.seed,
                variation=settings.pace_variation,
                period_s=settings.run_s(settings.pace_minutes),
            ),
            gate=Gate(
                rules=rules,
                backpressure=settings.common.protections.backpressure,
                pause=settings.common.protections.pause,
            ),
            promises=PromiseRules(
                delivery_s=settings.run_s(settings.delivery_minutes),
                round_trip_s=settings.run_s(settings.delivery_minutes + settings.return_minutes),
                margin=settings.promise_margin,
                slack_s=settings.run_s(settings.promise_slack_minutes),
            ),
            notices=settings.common.protections.notices,
            drinks_per_h=settings.capacity_drinks_per_h,
            shop_seconds=settings.time_factor,
        )

    def door_notices(self, shop: Shop, change: Change) -> list[Notice]:
        """What is told when a shop pauses (with the time it should resume) or resumes."""
        resumes_s: float | None = None
        if change is Change.PAUSED:
            resumes_s = max(0.0, shop.queue - self.rules.resume_drinks) / self.rules.drinks_per_s
        return to_everybody(
            Notice(
                t_unix_s=shop.as_of_s,
                kind=change.value,
                audience=AUDIENCES[0],
                shop=shop.name,
                rate_drinks_per_h=self.per_h(shop.demand_per_s),
                queue=shop.queue,
                capacity_drinks_per_h=self.drinks_per_h,
                eta_s=resumes_s,
                expected_at=None if resumes_s is None else shop.as_of_s + resumes_s,
            )
        )

    def per_h(self, drinks_per_s: float) -> float:
        """Drinks a second of the run's clock as drinks an hour of shop time."""
        return drinks_per_s * 3600.0 / self.shop_seconds
