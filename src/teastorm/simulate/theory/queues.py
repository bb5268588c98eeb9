"""Queues for theory, made of what the shop is made of: the loop, the batch, the room, the threads.

Nothing here decides who is served next or who is turned away; that is what is being checked.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from teashop.resilience.admission import Permit
from teashop.resilience.criticality import Criticality
from teashop.resilience.limit import FixedLimit
from teashop.resilience.queue_config import QueueConfig
from teashop.resilience.room import NoRoom, Room
from teashop.resilience.sequence import BatchConfig, Outcome, QueueFull
from teashop.resilience.sequence import Sequence as Answered
from teastorm.simulate.inference import Replica
from teastorm.simulate.loop import Loop
from teastorm.simulate.orders import Threads
from teastorm.simulate.theory.crossing import Crossing, Customer

_TOKEN_S = 1e-4
"""Service times are whole tokens of a batch; the mean is about 1, so rounding is invisible."""
_ENDLESS = 10_000_000


class Queue(Protocol):
    """What a case asks of a queue."""

    def offer(self, now_s: float, customer: Customer) -> bool:
        """Take a customer in; False: turned away."""


class BatchQueue:
    """The inference replica without slow-down: c places and a line by rank."""

    def __init__(self, loop: Loop, servers: int, waiting: int | None, done: Crossing) -> None:
        config = BatchConfig(
            max_num_seqs=servers,
            max_waiting=_ENDLESS if waiting is None else waiting,
            ttft_s=0.0,
            itl_s=_TOKEN_S,
            slowdown=1.0,
            deadlines=False,
        )
        self._done = done
        self._replica: Replica[Customer] = Replica("batch", config, loop, self._ended)

    def offer(self, now_s: float, customer: Customer) -> bool:
        """See `Queue.offer`."""
        tokens = max(1, round(customer.service_s / _TOKEN_S))
        try:
            self._replica.submit(
                now_s, customer, tokens=tokens, rank=customer.level, deadline_s=None
            )
        except QueueFull:
            return False
        return True

    def _ended(self, now_s: float, customer: Customer, answered: Answered) -> None:
        if answered.outcome is Outcome.FINISHED and answered.started_s is not None:
            customer.wait_s = answered.started_s - answered.submitted_s
        self._done.left(now_s, customer)


class RoomQueue:
    """The gateway's room: a limiter with a fixed limit and the priority queue, CoDel off."""

    def __init__(self, loop: Loop, servers: int, waiting: int | None, done: Crossing) -> None:
        queue = QueueConfig(
            capacity=_ENDLESS if waiting is None else waiting, codel=False, adaptive_lifo=False
        )
        self._loop = loop
        self._done = done
        self._now_s = 0.0
        self._room: Room[Customer] = Room(
            "theory", FixedLimit(servers), queue, admit=self._admit, refuse=self._refuse
        )

    def offer(self, now_s: float, customer: Customer) -> bool:
        """See `Queue.offer`."""
        self._now_s = now_s
        try:
            permit = self._room.enter(customer, Criticality(customer.level), now_s, None)
        except NoRoom:
            return False
        if permit is not None:
            self._admit(customer, permit)
        return True

    def _admit(self, customer: Customer, permit: Permit) -> bool:
        now_s = self._now_s
        customer.wait_s = now_s - customer.came_s
        self._loop.at(now_s + customer.service_s, self._end, (customer, permit))
        return True

    def _refuse(self, customer: Customer, _reason: str) -> None:
        self._done.left(self._now_s, customer)

    def _end(self, now_s: float, pair: tuple[Customer, Permit]) -> None:
        self._now_s = now_s
        self._done.left(now_s, pair[0])
        self._room.leave(pair[1], "ok", now_s)


class ThreadQueue:
    """The database threads of orders: one line, first come, first served."""

    def __init__(self, loop: Loop, servers: int, waiting: int | None, done: Crossing) -> None:
        self._threads = Threads(servers, _ENDLESS if waiting is None else waiting)
        self._loop = loop
        self._done = done

    def offer(self, now_s: float, customer: Customer) -> bool:
        """See `Queue.offer`."""
        end_s = self._threads.begin(now_s, customer.service_s)
        if end_s is None:
            return False
        customer.wait_s = end_s - customer.service_s - now_s
        self._loop.at(end_s, self._done.left, customer)
        return True


type _Make = Callable[[Loop, int, int | None, Crossing], Queue]

KINDS: dict[str, _Make] = {"batch": BatchQueue, "room": RoomQueue, "threads": ThreadQueue}
