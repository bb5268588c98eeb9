"""The waiting room: a signed place in the line that any replica honours without asking another."""

import hashlib
import math
import random
from dataclasses import dataclass
from typing import ClassVar

from teashop.resilience.checks import above, at_least
from teashop.resilience.refusal import Refusal
from teashop.resilience.ticket_token import TicketTokens


class TicketInvalid(Refusal):
    """The token is not ours, is another key's, or is past its time."""

    reason: ClassVar[str] = "ticket_invalid"


class TicketTooEarly(Refusal):
    """Its turn has not come; `retry_after_s` is when it does."""

    reason: ClassVar[str] = "ticket_too_early"


class TicketUsed(Refusal):
    """It has been redeemed before."""

    reason: ClassVar[str] = "ticket_used"


@dataclass(frozen=True, kw_only=True, slots=True)
class WaitingRoomConfig:
    """Settings of a room; every replica must have the same.

    Attributes:
        hold_s: a ticket's turn comes so long after its issue, at every replica alike.
        valid_s: and lasts so long.
        skew_s: how far ahead of ours another replica's clock may be.
        replicas: how many replicas issue tickets; a position is estimated from one of them.
        max_used: redeemed tickets remembered at most.
    """

    hold_s: float = 5.0
    valid_s: float = 60.0
    skew_s: float = 1.0
    replicas: int = 2
    max_used: int = 100_000

    def __post_init__(self) -> None:
        above(self, "hold_s", self.hold_s, 0.0)
        above(self, "valid_s", self.valid_s, 0.0)
        at_least(self, "skew_s", self.skew_s, 0.0)
        at_least(self, "replicas", self.replicas, 1)
        at_least(self, "max_used", self.max_used, 1)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """A place in the line.

    Attributes:
        token: what the holder shows (`X-Ticket`), URL-safe.
        position: requests ahead, this one included; an estimate.
        position_error: two standard errors of it, in requests.
        eta_s: seconds until it is probably served; never before its turn.
    """

    token: str
    position: int
    position_error: int
    eta_s: float

    @property
    def retry_after_s(self) -> int:
        """The same in the whole seconds of a Retry-After, which has no zero."""
        return max(1, round(self.eta_s))


class WaitingRoom:
    """Tickets whose turn depends on nothing but the time of issue, so that order needs no talk.

    The room has served "up to" the horizon H(t) = t - hold: a ticket issued at s may be redeemed
    when s <= H(t). The horizon is the same function at every replica, so a ticket can overtake an
    older one by the difference of the two clocks (milliseconds under NTP) and nothing else; no
    estimate of load enters, for estimates differ between replicas and would reorder the line. Load
    is bounded at the other end: `has_room` says no once more tickets are out than can be served by
    their turn, and those callers get a Retry-After instead.

    A token (`ticket_token.TicketTokens`) is bound to one Idempotency-Key. A replica refuses a token
    that it has redeemed, unless its holder got no answer for it (`give_back`); at another replica
    the key itself makes the second use harmless, for orders answers the same key with the same
    order.

    Times are Unix seconds, the only clock that replicas share. Not thread-safe.
    """

    __slots__ = ("_config", "_tokens", "_used")

    def __init__(self, config: WaitingRoomConfig, secret: bytes) -> None:
        self._config = config
        self._tokens = TicketTokens(secret)
        self._used: dict[bytes, float] = {}

    def horizon_unix_s(self, now_unix_s: float) -> float:
        """Tickets issued up to then may be redeemed now."""
        return now_unix_s - self._config.hold_s

    def has_room(self, backlog: float, rate_rps: float) -> bool:
        """Whether one more ticket can be served by its turn, `backlog` being ahead of it."""
        return backlog < rate_rps * self._config.hold_s

    def issue(
        self,
        user: str,
        key: str,
        now_unix_s: float,
        backlog: float,
        rate_rps: float,
        rng: random.Random,
    ) -> Ticket:
        """Issue a ticket bound to `key`.

        Args:
            user: who waits; enters the nonce only, tokens carry nothing about a person.
            key: the Idempotency-Key that will redeem it.
            now_unix_s: Unix seconds.
            backlog: requests ahead at this replica.
            rate_rps: requests a second that this replica gets served.
            rng: source of the nonce.
        """
        config = self._config
        nonce = rng.getrandbits(32) << 32 | int.from_bytes(
            hashlib.blake2b(user.encode(), digest_size=4).digest(), "big"
        )
        ahead = max(0.0, backlog)
        position = int(ahead * config.replicas) + 1
        # The other replicas' share is inferred from ours: a thinned Poisson stream of mean `ahead`
        # each, so the sum is off by sqrt(replicas·(replicas - 1)·ahead).
        spread = math.sqrt(config.replicas * max(0, config.replicas - 1) * ahead)
        wait_s = ahead / rate_rps if rate_rps > 0.0 else config.hold_s + config.valid_s
        return Ticket(
            token=self._tokens.write(key, now_unix_s, nonce),
            position=position,
            position_error=math.ceil(2.0 * spread),
            eta_s=max(config.hold_s, wait_s),
        )

    def redeem(self, token: str, key: str, now_unix_s: float) -> float:
        """Use a ticket; returns its time of issue (Unix seconds).

        Raises:
            TicketInvalid: forged, another key's, or past its time.
            TicketTooEarly: its turn has not come.
            TicketUsed: redeemed before at this replica.
        """
        config = self._config
        read = self._tokens.read(token, key)
        if read is None:
            raise TicketInvalid("this is not a ticket for this key.")
        issued_s, code = read
        due_s = issued_s + config.hold_s
        if issued_s > now_unix_s + config.skew_s or now_unix_s > due_s + config.valid_s:
            raise TicketInvalid("this ticket is past its time; ask for a new one.")
        if code in self._used:
            raise TicketUsed("this ticket has been redeemed; send the request without it.")
        if now_unix_s < due_s:
            raise TicketTooEarly("its turn has not come.", retry_after_s=due_s - now_unix_s)
        self._remember(code, due_s + config.valid_s, now_unix_s)
        return issued_s

    def give_back(self, token: str, key: str) -> None:
        """Its holder was refused after all: it may be shown again while it lasts.

        Who has stood in line and meets a failure is told to come back (`Retry-After`), and must
        not find the place gone. Another's token, or none of ours, changes nothing.
        """
        read = self._tokens.read(token, key)
        if read is not None:
            self._used.pop(read[1], None)

    def _remember(self, mark: bytes, until_s: float, now_unix_s: float) -> None:
        used = self._used
        used[mark] = until_s
        # Oldest first: what has expired cannot be shown again, so it need not be remembered.
        for old in list(used)[:2]:
            if used[old] < now_unix_s or len(used) > self._config.max_used:
                del used[old]
