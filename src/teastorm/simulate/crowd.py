"""The clients: each wish sent at its time, retried as `teastorm.load.client` retries, and judged."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from teastorm.load.client import Wish
from teastorm.simulate.timeouts import Timeouts
from teastorm.simulate.visit import (
    CHAT,
    CHECKOUT,
    CRITICAL_PLUS,
    NAMES,
    PAYMENT,
    STATUS,
    Try,
    Visit,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from teashop.resilience.waiting_room import Ticket
    from teastorm.load.settings import Clients, Mix
    from teastorm.simulate.gateway import Gateway
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.tally import ClassTally, Tally


class Crowd:
    """Sends wishes, hears answers, decides what follows, counts outcomes (DEFINITIONS.md).

    Args:
        hop_s: between client and gateway and back, both ways together.
    """

    def __init__(
        self,
        loop: Loop,
        clients: Clients,
        mix: Mix,
        tally: Tally,
        *,
        hop_s: float,
    ) -> None:
        self._loop = loop
        self._clients = clients
        self._pay_after_s = mix.pay_after_s
        self._status_after_s = mix.status_after_s
        self._tally = tally
        self._hop_s = hop_s
        self._start_s, self._end_s = tally.window_s
        self._asks = self._again  # bound once: it goes into the heap with every retry
        self._arrives = self._follows
        self._came = [counted.came for counted in tally.classes]
        self._retried = [counted.again for counted in tally.classes]
        self._answered = [counted.answered for counted in tally.classes]
        self._refusals = tally.refusals
        self._gave_up = tally.gave_up
        self._sent_away = tally.sent_away
        self._deadlines_s = [clients.deadlines_s[name] for name in NAMES]
        self._born = 0
        self._turns: Iterator[Gateway] = iter(())
        self.timeouts = [Timeouts(loop, clients.timeouts_s[name], self.timed_out) for name in NAMES]

    def meet(self, gateways: Iterable[Gateway]) -> None:
        """Who is asked, each in turn; before anybody arrives."""
        self._turns = itertools.cycle(gateways)

    def arrive(self, now_s: float, visit: Visit) -> None:
        """A wish's first attempt; whoever drew it has counted it."""
        next(self._turns).receive(now_s, visit, self._deadlines_s[visit.klass])

    def _follows(self, now_s: float, visit: Visit) -> None:
        klass = visit.klass
        self._came[klass](now_s)
        next(self._turns).receive(now_s, visit, self._deadlines_s[klass])

    def _again(self, now_s: float, visit: Visit) -> None:
        wish = visit.wish
        budget_s = 0.001 if wish is None else wish.budget_ms(now_s) / 1000
        self._retried[visit.klass](visit.intended_s)
        next(self._turns).receive(now_s, visit, budget_s)

    # What the gateways tell; `now_s` is their time.

    def answered(self, now_s: float, visit: Visit, rung: str, spent_s: float) -> None:
        """A final 2xx (or, without a rung, a 4xx that no retry mends)."""
        heard_s = now_s + self._hop_s
        klass = visit.klass
        intended_s = visit.intended_s
        tell = self._answered[klass][rung]
        tell(intended_s)
        tell(heard_s - intended_s)
        if klass == CHAT:
            tell(spent_s)
        elif klass == CHECKOUT:
            self._followed(heard_s, visit)

    def refused(
        self, now_s: float, visit: Visit, reason: str, refused_for: str, after_s: float
    ) -> None:
        """429 or 503: perhaps the client asks again."""
        heard_s = now_s + self._hop_s
        intended_s = visit.intended_s
        is_counted = self._start_s <= intended_s < self._end_s
        if is_counted:
            self._refusals[visit.rank][reason, refused_for] += 1
        if not visit.klass:
            self._sent_away(now_s)
        wish = visit.wish
        if wish is None:
            wish = self._wish(visit)
        wait_s = wish.turned_away(after_s, heard_s)
        if wait_s >= 0.0:
            self._loop.at(heard_s + wait_s, self._asks, visit)
            return
        self._give_up(visit)
        if is_counted:
            counted = self._tally.classes[visit.klass]
            counted.rungs["refused"] += 1
            counted.refused += 1

    def ticketed(self, now_s: float, visit: Visit, ticket: Ticket) -> None:
        """202: whoever honours it comes back at its time."""
        heard_s = now_s + self._hop_s
        wish = visit.wish or self._wish(visit)
        wait_s = wish.ticketed(ticket.token, ticket.eta_s, float(ticket.retry_after_s), heard_s)
        if wait_s >= 0.0:
            self._loop.at(heard_s + wait_s, self._asks, visit)
            return
        self._give_up(visit)
        counted = self._counted(visit)
        if counted is not None:
            counted.rungs["ticket"] += 1
            counted.degraded += 1

    def timed_out(self, now_s: float, attempt: Try) -> None:
        """The client waits no longer; the shop goes on as if nothing had happened."""
        attempt.open = False
        visit = attempt.visit
        wish = visit.wish or self._wish(visit)
        wait_s = wish.turned_away(math.nan, now_s)
        if wait_s >= 0.0:
            self._loop.at(now_s + wait_s, self._asks, visit)
            return
        self._give_up(visit)
        counted = self._counted(visit)
        if counted is not None:
            counted.rungs["timeout"] += 1
            counted.failed += 1

    def _give_up(self, visit: Visit) -> None:
        if not visit.klass:
            self._gave_up(visit.intended_s)

    def _wish(self, visit: Visit) -> Wish:
        wish = visit.wish = Wish(
            self._clients, NAMES[visit.klass], visit.intended_s, visit.honours, visit.jitter
        )
        return wish

    def _counted(self, visit: Visit) -> ClassTally | None:
        tally = self._tally
        if self._start_s <= visit.intended_s < self._end_s:
            return tally.classes[visit.klass]
        return None

    def _followed(self, heard_s: float, checkout: Visit) -> None:
        """Payment and status questions, each at its time but not before the order is there."""
        at_s = checkout.intended_s + self._pay_after_s
        self._follow(PAYMENT, at_s if at_s > heard_s else heard_s, checkout)
        for _ in range(checkout.extra):
            at_s += self._status_after_s
            self._follow(STATUS, at_s if at_s > heard_s else heard_s, checkout)

    def _follow(self, klass: int, at_s: float, checkout: Visit) -> None:
        self._born += 1
        jitter = (checkout.jitter + 0.37 * self._born) % 1.0
        user, honours = checkout.user, checkout.honours
        visit = Visit(-self._born, at_s, klass, CRITICAL_PLUS, user, honours, jitter, False, 0)
        self._loop.at(at_s, self._arrives, visit)
