"""A fair share per user: 429 for the one who asks too often, whatever the load."""

from dataclasses import dataclass
from typing import ClassVar, Final

from teashop.resilience.checks import above, at_least
from teashop.resilience.refusal import Refusal

_FEW: Final = 256
"""So many users cost nothing to remember."""


class QuotaExceeded(Refusal):
    """This caller has used up its quota; `retry_after_s` is when its next request conforms."""

    reason: ClassVar[str] = "quota"


@dataclass(frozen=True, kw_only=True, slots=True)
class QuotaConfig:
    """Settings of the quotas.

    Attributes:
        rate_rps: requests a second that a user may sustain.
        burst: requests a user may send at once after a pause.
        max_users: users remembered; the one nearest to a full burst is forgotten first.
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

    A user whose TAT has passed has a full burst, as one who was never seen; so such are forgotten,
    all at once whenever as many have been added as were left the last time. The memory is then that
    of the users of the last moments, not of all that ever came, and stays in the processor's caches.
    Where more than `max_users` are left even so, those nearest to a full burst are forgotten first.
    Not thread-safe.
    """

    __slots__ = ("_allowance_s", "_max_users", "_period_s", "_swept_above", "_tat_s")

    def __init__(self, config: QuotaConfig) -> None:
        self._period_s = 1.0 / config.rate_rps
        # A hair of room, so that a user on exactly its rate is not refused by a rounding.
        self._allowance_s = (config.burst - 1) * self._period_s + 1e-9
        self._max_users = config.max_users
        self._swept_above = min(_FEW, config.max_users)
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
        tat_s = users.get(user)
        if tat_s is not None and tat_s > now_s:
            early_s = tat_s - self._allowance_s - now_s
            if early_s > 0.0:
                return early_s
            users[user] = tat_s + self._period_s
            return 0.0
        users[user] = now_s + self._period_s
        if len(users) > self._swept_above:
            self._forget(now_s)
        return 0.0

    def conforms(self, user: str, now_s: float) -> bool:
        """Whether a request of `user` would conform now; counts nothing."""
        tat_s = self._tat_s.get(user)
        return tat_s is None or tat_s - self._allowance_s <= now_s

    def has_half(self, user: str, now_s: float) -> bool:
        """Whether more than half of this user's burst is left; counts nothing."""
        tat_s = self._tat_s.get(user)
        return tat_s is None or tat_s - self._allowance_s / 2.0 <= now_s

    def _forget(self, now_s: float) -> None:
        """Keep those whose burst is not full, and of them at most `max_users`."""
        kept = {user: tat_s for user, tat_s in self._tat_s.items() if tat_s > now_s}
        if len(kept) > self._max_users:
            # An eighth more than must go: sorting for each one that comes would be dear.
            room = self._max_users - self._max_users // 8
            kept = dict(sorted(kept.items(), key=_tat_s)[-room:])
        self._tat_s = kept
        self._swept_above = min(max(_FEW, 2 * len(kept)), self._max_users)


def _tat_s(entry: tuple[str, float]) -> float:
    return entry[1]
