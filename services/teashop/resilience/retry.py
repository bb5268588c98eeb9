"""Retries that cannot become a storm: a budget for the whole client, and jitter for each wait."""

import random
from dataclasses import dataclass

from teashop.resilience.checks import at_least, within


@dataclass(frozen=True, kw_only=True, slots=True)
class RetryBudgetConfig:
    """Settings of a retry budget.

    Attributes:
        ratio: retries earned by each first attempt (.1: one retry in ten requests).
        reserve: retries there at the start, so that a quiet client may retry at all.
        ceiling: the most that can be saved up; bounds the burst after a long calm.
    """

    ratio: float = 0.1
    reserve: float = 10.0
    ceiling: float = 50.0

    def __post_init__(self) -> None:
        within(self, "ratio", self.ratio, 0.0, 1.0)
        at_least(self, "reserve", self.reserve, 0.0)
        at_least(self, "ceiling", self.ceiling, self.reserve)


class RetryBudget:
    """A token bucket that requests fill and retries drain.

    SRE book, ch. 21 ("per-client retry budget": retries at most a tenth of requests); the bucket is
    Finagle's RetryBudget and gRPC's retry throttling (proposal A6). Over any n requests at most
    reserve + ratio·n retries are allowed, so amplification tends to 1 + ratio however bad the
    outage; without it k attempts at each of d layers give k^d.

    Not thread-safe.
    """

    __slots__ = ("_ceiling", "_ratio", "tokens")

    def __init__(self, config: RetryBudgetConfig) -> None:
        self._ratio = config.ratio
        self._ceiling = config.ceiling
        self.tokens = config.reserve

    def deposit(self) -> None:
        """A first attempt was made."""
        tokens = self.tokens + self._ratio
        self.tokens = tokens if tokens < self._ceiling else self._ceiling

    def withdraw(self) -> bool:
        """Whether a retry may be made; a yes has been paid for."""
        # Ten deposits of a tenth must pay for one retry, whatever binary fractions say.
        if self.tokens < 1.0 - 1e-9:
            return False
        self.tokens -= 1.0
        return True


def full_jitter_s(attempt: int, base_s: float, cap_s: float, rng: random.Random) -> float:
    """Seconds to wait before retry number `attempt` (1 is the first retry).

    Uniform over [0, min(cap, base·2^(attempt-1))]: "full jitter" of Marc Brooker, "Exponential
    Backoff And Jitter" (AWS Architecture Blog, 2015), which needed the fewest calls of the variants
    compared there, because waits that are merely longer keep callers in step.

    Raises:
        ValueError: `attempt` is below 1, or `base_s` or `cap_s` is negative.
    """
    if attempt < 1 or base_s < 0.0 or cap_s < 0.0:
        raise ValueError(
            f"full_jitter_s needs attempt >= 1 and times >= 0, got {attempt}, {base_s}, {cap_s}."
        )
    return rng.random() * min(cap_s, base_s * 2.0 ** min(attempt - 1, 60))
