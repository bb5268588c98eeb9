"""Which answers of an API server are worth asking again for, and after how long. Pure.

429 and 5xx as client-go's rest client does (client-go/rest/with_retry.go: Retry-After is obeyed),
with full jitter between tries (Brooker, "Exponential Backoff and Jitter", AWS 2015). A 409 is asked
again only by callers that read the object anew each time.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass

AGAIN = frozenset({429, 500, 502, 503, 504})


@dataclass(frozen=True, kw_only=True)
class RetryPolicy:
    """`tries` in all, within `within_s` seconds; waits grow from `base_s` to `cap_s`."""

    tries: int = 5
    within_s: float = 20.0
    base_s: float = 0.2
    cap_s: float = 3.0

    def __post_init__(self) -> None:
        if self.tries < 1:
            raise ValueError(f"tries must be at least 1, got {self.tries}")
        for name in ("within_s", "base_s", "cap_s"):
            if not getattr(self, name) > 0:
                raise ValueError(f"{name} must be above 0, got {getattr(self, name)}")

    def wait_s(
        self, attempt: int, spent_s: float, headers: Mapping[str, str], rng: random.Random
    ) -> float | None:
        """Seconds to wait after failed try number `attempt` (1, 2, …); None: give up."""
        if attempt >= self.tries:
            return None
        wait_s = rng.uniform(0.0, min(self.cap_s, self.base_s * 2.0 ** (attempt - 1)))
        wait_s = max(wait_s, _retry_after_s(headers))
        return None if spent_s + wait_s > self.within_s else wait_s


def _retry_after_s(headers: Mapping[str, str]) -> float:
    text = next((v for k, v in headers.items() if k.lower() == "retry-after"), "")
    return float(text) if text.isdecimal() else 0.0
