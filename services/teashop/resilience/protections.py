"""The switches: each protection by its name, on or off, and nothing else between two arms."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Protections:
    """Each protection by its name; an unprotected shop is the same code with all of them off."""

    admission: bool = True
    """Adaptive concurrency limit towards each dependency; off: no limit at the door."""
    priorities: bool = True
    """Lower criticality is shed first and served last; off: everybody is equal."""
    codel: bool = True
    """Queues drop what has waited too long and serve the newest first under load; off: FIFO."""
    deadlines: bool = True
    """The caller's remaining time travels along and late work is dropped; off: work goes on."""
    quotas: bool = True
    """A caller over its quota gets 429; off: no quota."""
    ladder: bool = True
    """Cheaper answers when AI is scarce; off: full AI or an error."""
    waiting_room: bool = True
    """Tickets for chats that cannot be served now; off: a refusal."""
    retry_budget: bool = True
    """Retries between services stay within a share of requests; off: a fixed count."""
    breaker: bool = True
    """A circuit breaker for each endpoint; off: every attempt is made."""
    balancing: bool = True
    """Power of two choices with outlier ejection; off: round robin."""
    backpressure: bool = True
    """Full shops refuse or defer orders; off: they accept more than they can make."""
    notices: bool = True
    """Merchants and couriers are warned before a crowd; off: told nothing."""
    pause: bool = True
    """Shops pause and resume with hysteresis; off: always open."""

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Every protection's name, in order."""
        return tuple(f.name for f in dataclasses.fields(cls))

    @classmethod
    def all_on(cls) -> Protections:
        """The protected arm."""
        return cls(**dict.fromkeys(cls.names(), True))

    @classmethod
    def all_off(cls) -> Protections:
        """The unprotected arm."""
        return cls(**dict.fromkeys(cls.names(), False))
