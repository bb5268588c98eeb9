"""One wish of one user, and one attempt of it that is under way. Plain objects on the hot path."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from teashop.resilience.criticality import Criticality

if TYPE_CHECKING:
    from teashop.resilience.admission import Permit
    from teastorm.load.client import Wish
    from teastorm.simulate.chat_path import ChatPath
    from teastorm.simulate.orders_path import OrdersPath

CHAT: Final = 0
CHECKOUT: Final = 1
PAYMENT: Final = 2
STATUS: Final = 3
MENU: Final = 4
CRITICAL_PLUS: Final = int(Criticality.CRITICAL_PLUS)
CRITICAL: Final = int(Criticality.CRITICAL)
"""Levels as plain numbers: comparing an enumeration's member is no plain comparison."""
FULL: Final = "full"
SHORT: Final = "short"
RULES: Final = "rules"
MENU_RUNG: Final = "menu"
NO_RUNG: Final = "none"
UNANSWERED: Final = ""
"""Rungs as plain strings: hashing an enumeration's member runs Python code."""
NAMES: Final = ("chat", "checkout", "payment", "status", "menu")


class Visit:
    """One wish; `extra` is how many status questions follow a checkout.

    Attributes:
        understood: rules could resolve the utterance.
        rank: how critical, as a plain number; see `CRITICAL_PLUS`.
        wish: the client's own state machine, made when the first answer was no final one; it
            holds the ticket that the next attempt shows.
    """

    __slots__ = ("extra", "honours", "intended_s", "jitter", "klass", "number", "rank",
                 "understood", "user", "wish")  # fmt: skip

    def __init__(
        self,
        number: int,
        intended_s: float,
        klass: int,
        rank: int,
        user: str,
        honours: bool,
        jitter: float,
        understood: bool,
        extra: int,
    ) -> None:
        self.number = number
        self.intended_s = intended_s
        self.klass = klass
        self.rank = rank
        self.user = user
        self.honours = honours
        self.jitter = jitter
        self.understood = understood
        self.extra = extra
        self.wish: Wish | None = None


class Try:
    """One attempt inside the shop: in a room's line, or on its way to inference or orders.

    What only calls to inference have (rung, tokens, calls, tried, called_s, sequence) is there once
    the first of them is made.
    """

    __slots__ = ("called_s", "calls", "deadline_s", "endpoint", "open", "path", "permit", "rank", "rung",
                 "sequence", "started_s", "tokens", "tried", "visit")  # fmt: skip
    rung: str
    tokens: int
    called_s: float
    calls: int
    tried: tuple[str, ...]
    sequence: object

    def __init__(
        self,
        visit: Visit,
        path: ChatPath | OrdersPath,
        rank: int,
        deadline_s: float | None,
    ) -> None:
        self.visit = visit
        self.path = path
        self.rank = rank
        self.deadline_s = deadline_s
        self.open = True
        self.permit: Permit | None = None
        self.started_s = 0.0
        self.endpoint = ""
