"""The clients: each wish sent at its time, retried as `teastorm.load.client` retries, and judged."""

from __future__ import annotations

import math
from heapq import heappush
from typing import TYPE_CHECKING

from teastorm.load.client import Wish
from teastorm.simulate.timeouts import Timeouts
from teastorm.simulate.visit import (
    CHAT,
    CHECKOUT,
    CRITICAL_PLUS,
    FULL,
    NAMES,
    PAYMENT,
    SHORT,
    STATUS,
    Try,
    Visit,
)

if TYPE_CHECKING:
    from teastorm.load.settings import Clients, Mix
    from teastorm.simulate.gateway import Gateway
    from teastorm.simulate.loop import Loop
    from teastorm.simulate.tally import ClassTally, Tally


class Crowd:
    """Sends wishes, hears answers, decides what follows, counts outcomes (DEFINITIONS.md).

    Args:
        hop_s: between client and gateway and back, both ways together.
        short_weight: what a short answer is worth of a full one.
    """

    def __init__(
        self,
        loop: Loop,
        clients: Clients,
        mix: Mix,
        tally: Tally,
        *,
        hop_s: float,
        short_weight: float,
    ) -> None:
        self._loop = loop
        self._clients = clients
        self._mix = mix
        self._tally = tally
        self._hop_s = hop_s
        self._start_s = tally.start_s
        self._end_s = tally.end_s
        self._last = len(tally.refused) - 1
        self._asks = self._again  # bound once: it goes into the heap with every retry
        self._worth = {FULL: 1.0, SHORT: short_weight, "none": 1.0}
        self._deadlines_s = [clients.deadlines_s[name] for name in NAMES]
        self._turn = 0
        self._born = 0
        self.gateways: list[Gateway] = []
        self.timeouts = [Timeouts(loop, clients.timeouts_s[name], self.timed_out) for name in NAMES]

    def arrive(self, now_s: float, visit: Visit) -> None:
        """A wish's first attempt."""
        tally = self._tally
        tally.arrivals += 1
        klass = visit.klass
        if self._start_s <= now_s < self._end_s:
            counted = tally.classes[klass]
            counted.offered += 1
            counted.attempts += 1
        if not klass:
            tally.offered[int(now_s)] += 1
        gateways = self.gateways
        self._turn = turn = (self._turn + 1) % len(gateways)
        gateways[turn].receive(now_s, visit, self._deadlines_s[klass])

    def _again(self, now_s: float, visit: Visit) -> None:
        wish = visit.wish
        budget_s = 0.001 if wish is None else wish.budget_ms(now_s) / 1000
        if self._start_s <= visit.intended_s < self._end_s:
            self._tally.classes[visit.klass].attempts += 1
        gateways = self.gateways
        self._turn = turn = (self._turn + 1) % len(gateways)
        gateways[turn].receive(now_s, visit, budget_s)

    # What the gateways tell; `now_s` is their time.

    def answered(self, now_s: float, visit: Visit, rung: str, spent_s: float) -> None:
        """A final 2xx (or, without a rung, a 4xx that no retry mends)."""
        tally = self._tally
        klass = visit.klass
        intended_s = visit.intended_s
        latency_s = now_s + self._hop_s - intended_s
        worth = self._worth.get(rung, 0.0)
        good = worth > 0.0 and latency_s <= self._deadlines_s[klass]
        if klass == CHAT:
            # Chats arrive by the load's end, so their second is in the table.
            if good:
                tally.in_time_s += spent_s
                tally.good[int(intended_s)] += worth
            else:
                tally.missed[int(intended_s)] += 1
        elif klass == CHECKOUT:
            self._followed(now_s + self._hop_s, visit)
        tally.ended += 1
        if not self._start_s <= intended_s < self._end_s:
            return
        counted = tally.classes[klass]
        counted.rungs[rung] += 1
        if good:
            counted.good += 1
            counted.goodput += worth
            counted.latency.add(latency_s)
        elif worth:
            counted.late += 1
            counted.failed += 1
        elif rung:
            counted.degraded += 1
        else:
            counted.failed += 1

    def refused(
        self, now_s: float, visit: Visit, reason: str, refused_for: str, after_s: float
    ) -> None:
        """429 or 503: perhaps the client asks again."""
        tally = self._tally
        heard_s = now_s + self._hop_s
        intended_s = visit.intended_s
        is_counted = self._start_s <= intended_s < self._end_s
        if is_counted:
            tally.refusals[visit.rank][reason, refused_for] += 1
        if not visit.klass:
            second = int(now_s)
            tally.refused[second if second < self._last else self._last] += 1
        wish = visit.wish or self._wish(visit)
        wait_s = wish.turned_away(after_s, heard_s)
        if wait_s >= 0.0:
            loop = self._loop
            loop.number += 1
            heappush(loop.heap, (heard_s + wait_s, loop.number, self._asks, visit))
            return
        self._give_up(visit)
        if is_counted:
            counted = tally.classes[visit.klass]
            counted.rungs["refused"] += 1
            counted.refused += 1

    def ticketed(self, now_s: float, visit: Visit, token: str, eta_s: float) -> None:
        """202: whoever honours it comes back at its time."""
        heard_s = now_s + self._hop_s
        wish = visit.wish or self._wish(visit)
        wait_s = wish.ticketed(token, eta_s, float(max(1, round(eta_s))), heard_s)
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
        tally = self._tally
        tally.ended += 1
        if not visit.klass:
            tally.missed[int(visit.intended_s)] += 1

    def _wish(self, visit: Visit) -> Wish:
        wish = visit.wish = Wish(
            self._clients,
            NAMES[visit.klass],
            visit.intended_s,
            honours=visit.honours,
            jitter=visit.jitter,
        )
        return wish

    def _counted(self, visit: Visit) -> ClassTally | None:
        tally = self._tally
        if self._start_s <= visit.intended_s < self._end_s:
            return tally.classes[visit.klass]
        return None

    def _followed(self, heard_s: float, checkout: Visit) -> None:
        """Payment and status questions, each at its time but not before the order is there."""
        mix = self._mix
        pay_s = checkout.intended_s + mix.pay_after_s
        times = [(PAYMENT, pay_s)]
        times += [(STATUS, pay_s + (n + 1) * mix.status_after_s) for n in range(checkout.extra)]
        for klass, intended_s in times:
            self._born += 1
            at_s = max(intended_s, heard_s)
            visit = Visit(
                -self._born,
                at_s,
                klass,
                CRITICAL_PLUS,
                checkout.user,
                checkout.honours,
                math.fmod(checkout.jitter + 0.37 * self._born, 1.0),
                False,
                0,
            )
            self._loop.at(at_s, self.arrive, visit)
