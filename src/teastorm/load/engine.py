"""Runs one share of a schedule: each wish starts at its time, whatever became of those before.

One greenlet per wish; the caller's greenlet is the scheduler. Nothing here waits for a server
before starting the next wish, so a stalled server cannot slow the clock that judges it.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import gevent
from gevent.event import AsyncResult

from teastorm.load.client import Wish
from teastorm.load.endpoints import Gateways
from teastorm.load.messages import Reading, fixed_part, read, request_bytes
from teastorm.load.progress import Tally
from teastorm.load.records import Row
from teastorm.load.rows import made_final, row_of
from teastorm.load.schedule import Arrival, Schedule
from teastorm.load.settings import Clients
from teastorm.load.wire import Reply

_REFUSALS = frozenset((429, 503))
_NAN = math.nan


@dataclass(frozen=True, slots=True)
class _Placed:
    """What became of a checkout: `order_id` is empty when an acknowledgement held none."""

    at_s: float
    order_id: str


class Engine:
    """One worker's share: families (a checkout with what follows it) by `number % of`.

    Args:
        zero_s: the monotonic time of the run's t0; all records are relative to it.
        answered: called with class and seconds for each complete answer (Locust's own statistics).
    """

    def __init__(
        self,
        schedule: Schedule,
        clients: Clients,
        gateways: Gateways,
        *,
        zero_s: float,
        number: int = 0,
        of: int = 1,
        answered: Callable[[str, float], None] = lambda _class, _seconds: None,
    ) -> None:
        self._arrivals = schedule.arrivals
        self._clients = clients
        self._gateways = gateways
        self._zero_s = zero_s
        self._answered = answered
        self._mine = [
            n
            for n, arrival in enumerate(schedule.arrivals)
            if (arrival.parent if arrival.parent >= 0 else n) % of == number
        ]
        self._fixed = {n: fixed_part(schedule.arrivals[n]) for n in self._mine}
        self._placed: dict[int, AsyncResult] = {
            n: AsyncResult() for n in self._mine if schedule.arrivals[n].klass == "checkout"
        }
        self._started: set[int] = set()
        self._open: dict[int, tuple[Row, int]] = {}  # of a wish: its row if stopped now, its place
        self._rows: list[Row] = []
        self._stopped = False
        self._start_s = 0.0
        self.absent = 0
        self.tally = Tally()

    @property
    def planned(self) -> int:
        """Arrivals of this share."""
        return len(self._mine)

    def now_s(self) -> float:
        """Seconds since the run's t0."""
        return time.monotonic() - self._zero_s

    def run(self, start_s: float) -> None:
        """Offer the share, its first second at `start_s` after t0; returns when all has ended."""
        self._start_s = start_s
        wishes = []
        for n in self._mine:
            due_s = start_s + self._arrivals[n].intended_s
            while (wait_s := due_s - self.now_s()) > 0:
                gevent.sleep(wait_s)
            if self._stopped:
                return
            wishes.append(gevent.spawn(self._wish, n))
            if len(wishes) > 4096:
                wishes = [wish for wish in wishes if not wish.dead]
        gevent.joinall(wishes)

    def stop(self) -> list[Row]:
        """End at once; all rows, with those of wishes cut short and of arrivals never sent."""
        if not self._stopped:
            self._stopped = True
            for row, place in self._open.values():
                if place < 0:
                    self._rows.append(row)
                else:
                    self._rows[place] = row
            for n in self._mine:
                if n not in self._started:
                    self._never_sent(n, "unsent")
        return self._rows

    def _never_sent(self, n: int, error: str) -> None:
        arrival = self._arrivals[n]
        if arrival.parent >= 0 and error == "unsent":
            self.absent += 1
            return
        wish = Wish(self._clients, arrival.klass, 0.0, honours=False, jitter=0.0)
        intended_s = self._start_s + arrival.intended_s
        self._rows.append(
            row_of(arrival, wish, intended_s, _NAN, _NAN, error=error, final=True, attempt=0)
        )

    def _wish(self, n: int) -> None:
        arrival = self._arrivals[n]
        intended_s = self._start_s + arrival.intended_s
        order_id = ""
        if arrival.parent >= 0:
            placed: _Placed | None = self._placed[arrival.parent].get()
            self._started.add(n)
            if placed is None:
                self.absent += 1
                return
            if not placed.order_id:
                self._never_sent(n, "no_order")
                return
            # Nobody pays for an order that is not there yet.
            intended_s = max(intended_s, placed.at_s)
            order_id = placed.order_id
            while (wait_s := intended_s - self.now_s()) > 0:
                gevent.sleep(wait_s)
        self._started.add(n)
        tally = self.tally
        tally.offered += arrival.klass == "chat"
        tally.in_flight += 1
        try:
            self._attempts(n, arrival, intended_s, order_id)
        finally:
            tally.in_flight -= 1
            event = self._placed.get(n)
            if event is not None and not event.ready():
                event.set(None)  # whatever happened, nobody waits for this checkout for ever

    def _attempts(self, n: int, arrival: Arrival, intended_s: float, order_id: str) -> None:
        wish = Wish(
            self._clients,
            arrival.klass,
            intended_s,
            honours=arrival.honours,
            jitter=arrival.jitter,
        )
        waited_s, honoured, avoid, lag_s = 0.0, False, "", 0.0
        while True:
            sent_s = self.now_s()
            if wish.attempts == 1:
                lag_s = sent_s - intended_s
            cut = row_of(
                arrival, wish, intended_s, sent_s, _NAN, error="interrupted", final=True,
                waited_s=waited_s, lag_s=lag_s, honoured=honoured,
            )  # fmt: skip
            self._open[n] = (cut, -1)
            request = request_bytes(
                arrival, self._fixed[n], wish, now_s=sent_s, number=n, order_id=order_id
            )
            reply, where = self._gateways.exchange(request, wish.timeout_s, avoid)
            if self._stopped:
                return
            ended_s = self.now_s()
            reading = read(arrival, reply)
            attempt = wish.attempts
            step = wish.after(reading.answer, ended_s)
            row = row_of(
                arrival, wish, intended_s, sent_s, ended_s, error=reply.error, final=step is None,
                attempt=attempt, reply=reply, reading=reading, waited_s=waited_s, lag_s=lag_s,
                honoured=honoured,
            )  # fmt: skip
            self._rows.append(row)
            if reply.status:
                self._answered(arrival.klass, ended_s - sent_s)
            if arrival.klass == "chat":
                self._count(reply, reading, late=ended_s - intended_s > wish.deadline_s)
            if step is None:
                del self._open[n]
                self._settle(n, reading, ended_s)
                return
            # Stopped while it waits, the last answer was the final one.
            self._open[n] = (made_final(row), len(self._rows) - 1)
            gevent.sleep(step.wait_s)
            if self._stopped:
                return
            waited_s, honoured = step.wait_s, step.honoured
            avoid = where if reply.error == "connection" else ""

    def _count(self, reply: Reply, reading: Reading, *, late: bool) -> None:
        self.tally.refused += reply.status in _REFUSALS
        rung = reply.headers.get("x-degradation", "")
        self.tally.good += reading.right and not late and rung in {"full", "short"}

    def _settle(self, n: int, reading: Reading, ended_s: float) -> None:
        event = self._placed.get(n)
        if event is not None:
            acknowledged = 200 <= reading.answer.status < 300 and not reading.answer.ticket
            event.set(_Placed(ended_s, reading.order_id) if acknowledged else None)
