"""A fair share per user: 429 for the one who asks too often, whatever the load."""

from dataclasses import dataclass
from itertools import islice
from typing import ClassVar

from teashop.resilience.checks import above, at_least
from teashop.resilience.refusal import Refusal


class QuotaExceeded(Refusal):
    """This caller has used up its quota; `retry_after_s` is when its next request conforms."""

    reason: ClassVar[str] = "quota"


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaConfig:
    """Settings of the quotas.

    Attributes:
        rate_rps: requests a second that a user may sustain.
        burst: requests a user may send at once after a pause.
        max_users: users remembered; the one unseen for longest is forgotten first.
    """

    rate_rps: float = 5.0
    burst: float = 20.0
    max_users: int = 50_000

    def __post_init__(self) -> None:
        above(self, "rate_rps", self.rate_rps, 0.0)
        at_least(self, "burst", self.burst, 1)
        at_least(self, "max_users", self.max_users, 1)


class Quotas:
    """The generic cell rate algorithm (ITU-T I.371), one number a user.

    TAT is the time at which the user's bucket would be full again. A request at t conforms if
    t >= TAT - (burst - 1)/rate, and then TAT <- max(t, TAT) + 1/rate: a token bucket without tokens
    to refill. A refused request does not count against its user, so hammering does not lock
    anybody out for longer.

    The memory is bounded by `max_users`: past it the stalest sixty-fourth is forgotten at once, and
    a forgotten user starts with a full burst. Not thread-safe.
    """

    __slots__ = ("_allowance_s", "_forgotten_at_once", "_max_users", "_period_s", "_tat_s")

    def __init__(self, config: QuotaConfig) -> None:
        self._period_s = 1.0 / config.rate_rps
        # A hair of room, so that a user on exactly its rate is not refused by a rounding.
        self._allowance_s = (config.burst - 1) * self._period_s + 1e-9
        self._max_users = config.max_users
        self._forgotten_at_once = max(1, config.max_users // 64)
        self._tat_s: dict[str, float] = {}

    def __len__(self) -> int:
        return len(self._tat_s)

    def take(self, user: str, now_s: float) -> None:
        """Count one request of `user` at `now_s` (monotonic seconds).

        Raises:
            QuotaExceeded: it is one too many; nothing was counted.
        """
        early_s = self.early_s(user, now_s)
        if early_s > 0.0:
            raise QuotaExceeded("this user is over its quota.", retry_after_s=early_s)

    def early_s(self, user: str, now_s: float) -> float:
        """0 if a request of `user` conforms, which counts it; else how much too early it is."""
        users = self._tat_s
        # Taken out and put back: a dict keeps insertion order, so its first key is the stalest.
        tat_s = users.pop(user, now_s)
        if tat_s > now_s:
            early_s = tat_s - self._allowance_s - now_s
            if early_s > 0.0:
                users[user] = tat_s
                return early_s
            users[user] = tat_s + self._period_s
        else:
            users[user] = now_s + self._period_s
        if len(users) > self._max_users:
            self._forget()
        return 0.0

    def _forget(self) -> None:
        # A dict finds its first key behind the places of all that were taken out: one at a time it
        # would search tens of thousands of them for every request (50 us with 50,000 users).
        for user in list(islice(self._tat_s, self._forgotten_at_once)):
            del self._tat_s[user]
