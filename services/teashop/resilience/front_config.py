"""The numbers of everything a gateway replica decides with."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class FrontConfig:
    """Settings of a `front.Front`; limits and rates are per replica.

    Attributes:
        ai_limit_initial, ai_limit_min, ai_limit_max: chats in flight towards inference.
        ai_tolerance: how many times the unloaded answer time counts as congested.
        ai_queue: chats that may wait for a place; short, since waiting delays a refusal.
        ai_queue_target_s, ai_queue_interval_s: CoDel's standing delay and its interval.
        ai_wait_s: after which a waiting chat steps down the ladder whatever CoDel says.
        orders_limit_initial, orders_limit_min, orders_limit_max, orders_queue, orders_wait_s:
            the same towards orders.
        timeout_s, retries: of one attempt to another service, and attempts after the first.
        quota_rps, quota_burst: requests of one user.
        menu_rps: chats answered with the menu when AI is scarce.
        ticket_rps: waiting-room tickets issued a second.
        ticket_secret: signs tickets; the same in every replica.
        default_deadline_s, max_deadline_s: for requests that name none, and the most believed.
        tokens_full, tokens_short: length of a full and of a short answer.
        full_answer_s, short_answer_s: expected AI times, to choose what still fits a deadline.
        retry_after_cap_s: the most a refused caller is asked to wait.
        door_lag_s: event-loop delay above which the gateway itself is overloaded.
    """

    ai_limit_initial: int = 26
    ai_limit_min: int = 10
    ai_limit_max: int = 40
    ai_tolerance: float = 1.5
    ai_queue: int = 4
    ai_queue_target_s: float = 0.1
    ai_queue_interval_s: float = 0.5
    ai_wait_s: float = 0.4
    orders_limit_initial: int = 32
    orders_limit_min: int = 12
    orders_limit_max: int = 96
    orders_queue: int = 32
    orders_wait_s: float = 0.3
    timeout_s: float = 3.0
    retries: int = 1
    quota_rps: float = 3.0
    quota_burst: float = 30.0
    menu_rps: float = 8.0
    ticket_rps: float = 1.0
    ticket_secret: str = "the-same-in-every-replica"  # noqa: S105 - a default for loopback
    default_deadline_s: float = 3.0
    max_deadline_s: float = 10.0
    tokens_full: int = 40
    tokens_short: int = 20
    full_answer_s: float = 0.6
    short_answer_s: float = 0.35
    retry_after_cap_s: float = 10.0
    door_lag_s: float = 0.15

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for low, start, high, name in (
            (self.ai_limit_min, self.ai_limit_initial, self.ai_limit_max, "ai_limit"),
            (
                self.orders_limit_min,
                self.orders_limit_initial,
                self.orders_limit_max,
                "orders_limit",
            ),
        ):
            if not 1 <= low <= start <= high:
                raise ValueError(f"{name}_min, _initial and _max must rise from 1 on")
        if not 0 < self.tokens_short <= self.tokens_full:
            raise ValueError("tokens_short must be above 0 and at most tokens_full")
        for name in ("ai_queue", "orders_queue", "retries"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0")
        for name in ("timeout_s", "default_deadline_s", "max_deadline_s", "quota_rps", "menu_rps"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0")
