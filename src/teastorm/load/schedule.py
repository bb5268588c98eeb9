"""Every arrival of a run, as it was drawn before the first is sent."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass
from typing import NamedTuple

from teashop.catalog import DrinkOrder


class Segment(NamedTuple):
    """A stretch of constant chat rate; times from the load's start. `even`: not Poisson."""

    phase: int
    start_s: float
    end_s: float
    rps: float
    even: bool = False


@dataclass(frozen=True, slots=True)
class Arrival:
    """One wish, before anything is sent.

    Attributes:
        intended_s: t_i from the load's start; a follow-up's as if its checkout went well at once.
        klass: chat, checkout, payment, status or menu.
        criticality: by its route, or lower when `asked` says so.
        phase: name of the phase.
        user: opaque id, sent as X-User.
        honours: whether this user waits for Retry-After.
        key: Idempotency-Key of all attempts.
        payload: the body, ready to send.
        truth: the order that a chat answer must lead to; None where no truth applies.
        parent: index in the schedule of the checkout a payment or status follows, else -1.
        asked: the X-Criticality header, empty for none.
        jitter: in 0..1, for this wish's backoff.
        resolvable: whether rules could resolve the utterance.
    """

    intended_s: float
    klass: str
    criticality: str
    phase: str
    user: str
    honours: bool
    key: str
    payload: bytes = b""
    truth: DrinkOrder | None = None
    parent: int = -1
    asked: str = ""
    jitter: float = 0.0
    resolvable: bool = False


@dataclass(frozen=True, slots=True)
class Schedule:
    """All arrivals, by intended time. `seconds` is the last phase's end."""

    seed: int
    seconds: float
    arrivals: tuple[Arrival, ...]

    def counts(self) -> dict[str, int]:
        """Arrivals by class; payments and status questions count although some never come."""
        return dict(sorted(Counter(a.klass for a in self.arrivals).items()))

    def digest(self) -> str:
        """SHA-256 over everything drawn: equal for equal plans and seeds."""
        seen = hashlib.sha256()
        for arrival in self.arrivals:
            seen.update(repr(arrival).encode())
        return seen.hexdigest()
