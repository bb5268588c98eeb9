"""Settings of the orders service; every field has a default."""

from __future__ import annotations

import random
from dataclasses import dataclass, field

from teashop.resilience.retry import full_jitter_s
from teashop.serving.settings import Common


@dataclass(frozen=True, kw_only=True, slots=True)
class RelaySettings:
    """How the outbox is delivered to dispatch."""

    poll_s: float = 0.1
    """How often an idle relay looks for work that another replica left."""
    batch: int = 32
    """Assignments delivered side by side."""
    timeout_s: float = 2.0
    """Longest wait for one delivery."""
    lease_s: float = 6.0
    """After this long the claims of a killed replica return; must exceed timeout_s."""
    backoff_base_s: float = 0.1
    backoff_cap_s: float = 3.0
    """Upper bound of the full-jitter pause between tries."""

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("poll_s", "timeout_s", "backoff_base_s", "backoff_cap_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.batch < 1:
            raise ValueError(f"batch must be at least 1, got {self.batch}")
        if self.lease_s <= self.timeout_s:
            raise ValueError(
                f"lease_s must exceed timeout_s ({self.timeout_s}), got {self.lease_s}"
            )

    def backoff_s(self, attempt: int, rng: random.Random) -> float:
        """The pause after failed try number `attempt` (1, 2, …), with full jitter."""
        return full_jitter_s(min(attempt, 30), self.backoff_base_s, self.backoff_cap_s, rng)


@dataclass(frozen=True, kw_only=True, slots=True)
class OrdersSettings:
    """Everything the orders service can be told."""

    common: Common = field(default_factory=lambda: Common(service="orders"))
    dsn: str = "sqlite:///teashop-orders.db"
    """`sqlite:///FILE` (replicas on one machine share it) or `postgresql://USER@HOST/NAME`."""
    database_wait_s: float = 0.0
    """How long start-up waits for a database that cannot be reached yet."""
    database_threads: int = 4
    """Transactions at once in this process, each with a connection."""
    waiting: int = 64
    """Requests that may wait for a thread; more are refused."""
    lock_timeout_s: float = 1.0
    """How long a statement waits for another transaction's lock."""
    transaction_attempts: int = 4
    """Tries of a transaction that met a conflict."""
    default_deadline_s: float = 5.0
    """Remaining time of a request that does not say its own."""
    max_deadline_s: float = 30.0
    coupon_budget: int = 100_000
    """Coupons in all; the first replica to open the database decides."""
    coupon_fen: int = 2500
    """What one coupon takes off."""
    stock_per_drink: int = 1_000_000
    """Cups of each drink that a shop starts with."""
    quote_timeout_s: float = 0.15
    """How long a checkout waits for dispatch's quote; late means no quote."""
    quote_ttl_s: float = 1.0
    """How long a quote is believed."""
    relay: RelaySettings = field(default_factory=RelaySettings)

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for name in ("database_threads", "transaction_attempts"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in (
            "database_wait_s",
            "waiting",
            "coupon_budget",
            "coupon_fen",
            "stock_per_drink",
        ):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, got {getattr(self, name)}")
        for name in ("lock_timeout_s", "default_deadline_s", "quote_timeout_s", "quote_ttl_s"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")
        if self.max_deadline_s < self.default_deadline_s:
            raise ValueError(
                f"max_deadline_s must be at least default_deadline_s, got {self.max_deadline_s}"
            )
