"""How the crowd is made up and how its clients behave; the same in every arm of a comparison."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import TYPE_CHECKING

from teastorm.load.errors import PlanInvalid

if TYPE_CHECKING:
    from collections.abc import Mapping

CLASSES = ("chat", "checkout", "payment", "status", "menu")


def _between(name: str, value: object, low: float, high: float) -> None:
    """Refuse what is no number, and what is not from `low` to `high`: files are not typed."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise PlanInvalid(f"{name} must be a number, got {value!r}.")
    if not low <= value <= high:
        raise PlanInvalid(f"{name} must be between {low:g} and {high:g}, got {value!r:.20}.")


def _whole(name: str, value: object, low: int, high: int) -> None:
    _between(name, value, low, high)
    if not isinstance(value, int):
        raise PlanInvalid(f"{name} must be a whole number, got {value!r}.")


@dataclass(frozen=True, kw_only=True, slots=True)
class Mix:
    """Who asks for what.

    Attributes:
        critical_rps: checkouts a second, whatever the factor; keep their sum with payments and
            status at or below .3 of the orders path's own capacity.
        menu_per_chat: menu arrivals per chat arrival.
        lowered_share: share of chat arrivals that lower themselves to sheddable.
        unresolvable_share: share of chat utterances that rules and caches cannot resolve.
        coupon_share: share of checkouts that ask for a coupon.
        pay_after_s: payment's intended time after its checkout's.
        status_after_s: the first status question's, and each next one's distance.
        status_max: each checkout is followed by 1 to this many status questions.
        requests_per_user: arrivals of a class that each user has in the fault window, on average
            (fairness counts users with at least 5).
        shops: the shops that checkouts name, each as often as the next.
    """

    critical_rps: float = 6.0
    menu_per_chat: float = 1 / 3
    lowered_share: float = 0.15
    unresolvable_share: float = 0.65
    coupon_share: float = 0.5
    pay_after_s: float = 1.0
    status_after_s: float = 1.0
    status_max: int = 2
    requests_per_user: float = 7.0
    shops: tuple[str, ...] = tuple(f"shop-{n}" for n in range(1, 9))

    def __post_init__(self) -> None:
        """Refuse shares and rates outside their range."""
        _between("mix.critical_rps", self.critical_rps, 0, 100_000)
        _between("mix.menu_per_chat", self.menu_per_chat, 0, 100)
        _between("mix.lowered_share", self.lowered_share, 0, 1)
        _between("mix.unresolvable_share", self.unresolvable_share, 0.6, 1)
        _between("mix.coupon_share", self.coupon_share, 0, 1)
        _between("mix.pay_after_s", self.pay_after_s, 0, 60)
        _between("mix.status_after_s", self.status_after_s, 0, 60)
        _whole("mix.status_max", self.status_max, 1, 10)
        _between("mix.requests_per_user", self.requests_per_user, 1, 1000)
        named = isinstance(self.shops, tuple) and all(isinstance(s, str) and s for s in self.shops)
        if not named:
            raise PlanInvalid(f"mix.shops must be a list of shops' names, got {self.shops!r}.")
        if not self.shops:
            raise PlanInvalid("mix.shops must name at least one shop.")


def _deadlines() -> Mapping[str, float]:
    return MappingProxyType(
        {"chat": 2.0, "checkout": 1.0, "payment": 1.0, "status": 0.5, "menu": 0.5}
    )


def _timeouts() -> Mapping[str, float]:
    return MappingProxyType(
        {"chat": 3.0, "checkout": 2.0, "payment": 2.0, "status": 1.0, "menu": 1.0}
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Clients:
    """How impatient the clients are.

    Attributes:
        deadlines_s: per class, from the intended time: later answers are worth nothing.
        timeouts_s: per class, how long one attempt is waited for.
        retries: attempts beyond the first.
        honour_share: share of users that wait for what Retry-After says.
        patience_s: from the intended time, the last moment at which an attempt may start.
        backoff_s: wait before the first unhonoured retry; doubles, with jitter.
        backoff_cap_s: its bound.
    """

    deadlines_s: Mapping[str, float] = field(default_factory=_deadlines)
    timeouts_s: Mapping[str, float] = field(default_factory=_timeouts)
    retries: int = 2
    honour_share: float = 0.6
    patience_s: float = 10.0
    backoff_s: float = 0.1
    backoff_cap_s: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a missing class or a value outside its range."""
        for name, table in (("deadlines_s", self.deadlines_s), ("timeouts_s", self.timeouts_s)):
            if set(table) != set(CLASSES):
                raise PlanInvalid(f"clients.{name} must name exactly {', '.join(CLASSES)}.")
            for key, value in table.items():
                _between(f"clients.{name}.{key}", value, 0.001, 600)
        _whole("clients.retries", self.retries, 0, 20)
        _between("clients.honour_share", self.honour_share, 0, 1)
        _between("clients.patience_s", self.patience_s, 0, 3600)
        _between("clients.backoff_s", self.backoff_s, 0.001, 60)
        _between("clients.backoff_cap_s", self.backoff_cap_s, self.backoff_s, 600)
