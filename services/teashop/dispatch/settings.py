"""What dispatch can be told, with defaults fit for one machine and the compressed day."""

from __future__ import annotations

from dataclasses import dataclass, field

from teashop.serving.settings import Common


@dataclass(frozen=True, kw_only=True, slots=True)
class DispatchSettings:
    """Settings of the dispatch service.

    Shop time (minutes, drinks an hour) is what a merchant would say; `time_factor` turns it into
    seconds of the run. The defaults make 8 shops of 360 drinks an hour at 60x: 6 drinks a second
    each, 48 together, for a checkout stream of 8 to 25 orders a second.
    """

    common: Common = field(default_factory=lambda: Common(service="dispatch"))

    dsn: str = "sqlite:///teashop-dispatch.db"
    """`sqlite:///FILE` (replicas on one machine share it) or `postgresql://USER@HOST/NAME`."""
    database_wait_s: float = 0.0
    """How long start-up waits for a database that cannot be reached yet."""
    database_threads: int = 2
    """Transactions at once in this process, each with a connection."""
    lock_timeout_s: float = 1.0
    """How long a statement waits for another transaction's lock."""
    waiting: int = 64
    """Requests that may wait for a thread; more are refused."""
    time_factor: float = 60.0
    """How much faster than the street the run goes: divides preparation, delivery and ETAs."""

    shops: int = 8
    """Shops on the street, named shop-1 to shop-N."""
    capacity_drinks_per_h: float = 360.0
    """Drinks an hour each shop makes, in shop time."""
    capacity_minutes: float = 10.0
    """A queue longer than this much work (shop minutes) is past the shop's capacity."""
    pause_share: float = 1.25
    """The shop pauses when its queue reaches this share of its capacity."""
    resume_share: float = 0.7
    """A paused shop resumes when its queue has fallen to this share of its capacity."""
    full_share: float = 1.5
    """With backpressure no order is accepted that makes the queue longer than this share."""
    pace_variation: float = 0.08
    """Baristas work this much faster or slower than planned, changing every pace period."""
    pace_minutes: float = 5.0
    """A pace period in shop minutes."""

    couriers_per_shop: int = 90
    """Couriers who wait at each shop."""
    delivery_minutes: float = 10.0
    """From the shop's door to the customer's, in shop minutes."""
    return_minutes: float = 5.0
    """From the customer back to the shop, in shop minutes."""
    promise_margin: float = 0.2
    """A promise adds this share to the estimated time."""
    promise_slack_minutes: float = 2.0
    """… and this many shop minutes."""
    revise_ahead_minutes: float = 2.0
    """Promises that run out within this many shop minutes are looked at on every tick."""

    notice_lead_minutes: float = 8.0
    """A crowd is announced when the queue is forecast to pass capacity within this time."""
    notice_trend_minutes: float = 4.0
    """Time constant of the forecast's trend, in shop minutes."""
    notice_confirm: int = 2
    """Forecasts in a row (one a tick) that must agree before anybody is told."""
    rate_half_life_minutes: float = 1.0
    """Half-life of the measured demand, in shop minutes."""

    tick_s: float = 0.25
    """Between two looks at the street, in seconds of the run's clock."""
    lease_s: float = 2.0
    """A replica that has not ticked for this long is no longer the leader."""
    retry_after_max_s: int = 20
    """No Retry-After is longer; never compressed."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in _ABOVE_ZERO:
            value = getattr(self, name)
            if not value > 0:
                raise ValueError(f"{name} must be above 0, got {value}")
        for name in _NOT_NEGATIVE:
            value = getattr(self, name)
            if not value >= 0:
                raise ValueError(f"{name} must be at least 0, got {value}")
        if not self.resume_share < self.pause_share <= self.full_share:
            raise ValueError(
                "resume_share must be below pause_share, and pause_share at most full_share; got "
                f"{self.resume_share}, {self.pause_share}, {self.full_share}"
            )
        if not self.pace_variation < 1:
            raise ValueError(f"pace_variation must be below 1, got {self.pace_variation}")
        if self.retry_after_max_s < 2:
            raise ValueError(f"retry_after_max_s must be at least 2, got {self.retry_after_max_s}")
        if not self.lease_s > 2 * self.tick_s:
            raise ValueError(
                f"lease_s must be above twice tick_s ({self.tick_s}), got {self.lease_s}"
            )

    @property
    def shop_names(self) -> tuple[str, ...]:
        """The names of the shops, in order."""
        return tuple(f"shop-{i}" for i in range(1, self.shops + 1))

    def run_s(self, shop_minutes: float) -> float:
        """Shop minutes as seconds of the run's clock."""
        return shop_minutes * 60.0 / self.time_factor

    def per_h(self, drinks_per_s: float) -> float:
        """Drinks a second of the run's clock as drinks an hour of shop time."""
        return drinks_per_s * 3600.0 / self.time_factor

    @property
    def drinks_per_s(self) -> float:
        """What one shop makes in a second of the run's clock, at its planned pace."""
        return self.capacity_drinks_per_h * self.time_factor / 3600.0


_ABOVE_ZERO = (
    "database_threads",
    "lock_timeout_s",
    "waiting",
    "time_factor",
    "shops",
    "capacity_drinks_per_h",
    "capacity_minutes",
    "resume_share",
    "pace_minutes",
    "couriers_per_shop",
    "delivery_minutes",
    "revise_ahead_minutes",
    "notice_lead_minutes",
    "notice_trend_minutes",
    "notice_confirm",
    "rate_half_life_minutes",
    "tick_s",
)
_NOT_NEGATIVE = (
    "database_wait_s",
    "pace_variation",
    "return_minutes",
    "promise_margin",
    "promise_slack_minutes",
)
