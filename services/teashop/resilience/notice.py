"""Tell merchants and couriers before demand reaches them, and seldom for nothing."""

from dataclasses import dataclass
from enum import StrEnum

from teashop.resilience.checks import above, at_least, within
from teashop.resilience.forecast import Forecast


class Kind(StrEnum):
    """What a notice says."""

    CROWD = "crowd"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, kw_only=True, slots=True)
class NoticeConfig:
    """Settings of the forecast.

    Attributes:
        lead_s: how far ahead it looks.
        patience_s: a shop's queue is full when it holds so many seconds of its work.
        trend_s: time constant with which arrivals and their trend are smoothed.
        confirm: forecasts in a row that must agree before anybody is told.
        quiet_s: from the end of one notice to the next for the same shop, at least.
        caution: after each false alarm the forecast must exceed the full queue by this factor more;
            a true alarm takes one such factor back.
    """

    lead_s: float = 120.0
    patience_s: float = 600.0
    trend_s: float = 30.0
    confirm: int = 3
    quiet_s: float = 60.0
    caution: float = 1.5

    def __post_init__(self) -> None:
        above(self, "lead_s", self.lead_s, 0.0)
        above(self, "patience_s", self.patience_s, 0.0)
        above(self, "trend_s", self.trend_s, 0.0)
        at_least(self, "confirm", self.confirm, 1)
        above(self, "quiet_s", self.quiet_s, 0.0)
        within(self, "caution", self.caution, 1.0, 10.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """A message to a shop and its couriers.

    Attributes:
        kind: a crowd is coming, or the last warning is withdrawn.
        shop: whom it concerns.
        t_s: when it was written, monotonic seconds.
        at_s: when the queue is expected to be full.
        rate_rps: expected arrivals a second at that time.
        capacity_rps: what the shop can make a second.
        queue: what waits now.
    """

    kind: Kind
    shop: str
    t_s: float
    at_s: float
    rate_rps: float
    capacity_rps: float
    queue: float


class _Shop:
    __slots__ = ("agreed", "alarm", "came_true", "factor", "forecast", "quiet_until_s")

    def __init__(self, now_s: float, forecast: Forecast) -> None:
        self.forecast = forecast
        self.agreed = 0
        self.factor = 1.0
        self.quiet_until_s = now_s
        self.alarm: Notice | None = None
        self.came_true = False


class NoticePolicy:
    """A forecast of each shop's queue, a warning when it will be full, a withdrawal if it is not.

    A warning names the first moment within `lead_s` at which the queue passes c·patience, c being
    the capacity (`forecast.Forecast`). It stands until the queue has been full and has fallen to
    half (it came true), or until it is due and another lead time has passed with no such forecast
    and the queue below a quarter, or below half and no longer than when it was told of (a false
    alarm: withdrawn). A queue that has grown since is late, not false.

    False alarms are bounded two ways. At most one notice per shop per `quiet_s`. And each one
    raises what the next forecast must exceed by `caution`, each true one lowers it: with k false
    alarms more than true ones a forecast must exceed the full queue caution^k times.

    One policy for all shops, a few numbers a shop. Not thread-safe.
    """

    __slots__ = ("_config", "_shops", "false_alarms", "issued")

    def __init__(self, config: NoticeConfig) -> None:
        self._config = config
        self._shops: dict[str, _Shop] = {}
        self.issued = 0
        self.false_alarms = 0

    def update(
        self, now_s: float, shop: str, arrivals_rps: float, capacity_rps: float, queue: float
    ) -> Notice | None:
        """Take a measurement of one shop (about once a second); returns a notice to send, if any.

        Args:
            now_s: monotonic seconds.
            shop: its id.
            arrivals_rps: orders a second that come in now.
            capacity_rps: orders a second that it can make.
            queue: orders that wait.
        """
        state = self._shops.get(shop)
        if state is None:
            forecast = Forecast(now_s, arrivals_rps, trend_s=self._config.trend_s)
            state = self._shops[shop] = _Shop(now_s, forecast)
        state.forecast.see(now_s, arrivals_rps)
        full = capacity_rps * self._config.patience_s
        full_in_s = self._full_in_s(state, capacity_rps, queue, full)
        if state.alarm is not None:
            return self._follow(state, now_s, capacity_rps, queue, full, full_in_s)
        if full_in_s is None or now_s < state.quiet_until_s:
            state.agreed = 0
            return None
        state.agreed += 1
        if state.agreed < self._config.confirm and queue < full:
            return None
        state.agreed = 0
        state.came_true = queue >= full
        state.alarm = Notice(
            kind=Kind.CROWD,
            shop=shop,
            t_s=now_s,
            at_s=now_s + full_in_s,
            rate_rps=state.forecast.rate_rps(full_in_s),
            capacity_rps=capacity_rps,
            queue=queue,
        )
        self.issued += 1
        return state.alarm

    def _full_in_s(
        self, state: _Shop, capacity_rps: float, queue: float, full: float
    ) -> float | None:
        """Seconds until the queue is full, None if it will not be within the lead time."""
        if queue >= full:
            return 0.0
        return state.forecast.passes_in_s(
            full * state.factor,
            queue=queue,
            capacity_rps=capacity_rps,
            lead_s=self._config.lead_s,
        )

    def _follow(
        self,
        state: _Shop,
        now_s: float,
        capacity_rps: float,
        queue: float,
        full: float,
        full_in_s: float | None,
    ) -> Notice | None:
        """An open warning: note that it came true, or withdraw it."""
        alarm = state.alarm
        if alarm is None:
            return None
        config = self._config
        state.came_true = state.came_true or queue >= full
        half = full / 2.0
        calm = half if state.came_true else min(half, max(half / 2.0, alarm.queue))
        over = queue < half and queue <= calm and full_in_s is None
        if not over or not (state.came_true or now_s >= alarm.at_s + config.lead_s):
            return None
        if state.came_true:
            state.factor = max(1.0, state.factor / config.caution)
        else:
            state.factor *= config.caution
            self.false_alarms += 1
        state.alarm = None
        state.came_true = False
        state.quiet_until_s = now_s + config.quiet_s
        return Notice(
            kind=Kind.WITHDRAWN,
            shop=alarm.shop,
            t_s=now_s,
            at_s=alarm.at_s,
            rate_rps=state.forecast.rate_rps(0.0),
            capacity_rps=capacity_rps,
            queue=queue,
        )
