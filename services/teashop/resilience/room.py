"""The places a dependency has: an adaptive limit, and a short queue in front of it."""

from collections.abc import Callable

from teashop.resilience.admission import Limiter, Permit
from teashop.resilience.limit import Limit
from teashop.resilience.queue import PriorityCodelQueue
from teashop.resilience.queue_config import QueueConfig


class NoRoom(Exception):
    """A dependency has no place for this request now.

    Attributes:
        reason: limit, queue_full, codel or deadline.
        waited: whether it stood in the queue before it was told so.
    """

    def __init__(self, reason: str, *, waited: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.waited = waited


def _unmoved(_criticality: int) -> None:
    """What a room does whose crowding moves no threshold."""


class Room[W]:
    """Admission to one dependency: who gets a permit now, who waits, who is turned away.

    `enter` gives a permit at once, or lets the waiter stand in line, or raises `NoRoom`. Whoever
    stands in line is told later through one of the two callbacks, or takes its leave by `give_up`.
    `ask` is `enter` for callers to whom having no place is no exception.
    Every permit has to be resolved through `leave`, which also calls the next in line. Not
    thread-safe.

    Args:
        admit: called with a waiter and its permit; False says that nobody is there any more.
        refuse: called with a waiter and the reason (queue_full, codel or deadline).
        crowded: called with the criticality of whoever found no free place on arrival.
    """

    __slots__ = ("_admit", "_capacity", "_crowded", "_limiter", "_queue", "_refuse", "full_moments", "left",
                 "limit", "name", "waiting")  # fmt: skip

    def __init__(
        self,
        name: str,
        limit: Limit,
        queue: QueueConfig,
        *,
        admit: Callable[[W, Permit], bool],
        refuse: Callable[[W, str], None],
        crowded: Callable[[int], None] = _unmoved,
    ) -> None:
        self.name = name
        self.limit = limit
        self._limiter = Limiter(limit)
        self._queue: PriorityCodelQueue[W] = PriorityCodelQueue(queue)
        self._capacity = queue.capacity
        self._admit = admit
        self._refuse = refuse
        self._crowded = crowded
        self.waiting = 0
        """Requests in the queue."""
        self.full_moments = 0
        """How often a request found no place; the priority threshold looks at its growth."""
        self.left = 0
        """How many requests the dependency has finished."""

    @property
    def in_flight(self) -> int:
        """Permits given and not resolved."""
        return self._limiter.in_flight

    @property
    def has_place(self) -> bool:
        """Whether a request would get a permit at once."""
        limiter = self._limiter
        return not self.waiting and limiter.in_flight < limiter.limit.limit

    @property
    def has_headroom(self) -> bool:
        """Whether a sixth of the places is free: what the lowest level must leave to the others."""
        if self.waiting:
            return False
        limiter = self._limiter
        bound = limiter.limit.limit
        return (bound - limiter.in_flight) * 6 >= bound

    def enter(
        self, waiter: W, criticality: int, now_s: float, deadline_s: float | None
    ) -> Permit | None:
        """A permit, or None when `waiter` stands in line now.

        Raises:
            NoRoom: with the reason.
        """
        found = self.ask(waiter, criticality, now_s, deadline_s)
        if isinstance(found, str):
            raise NoRoom(found)
        return found

    def ask(
        self, waiter: W, criticality: int, now_s: float, deadline_s: float | None
    ) -> Permit | str | None:
        """A permit; None when `waiter` stands in line now; or why there is no room for it."""
        if not self.waiting:
            limiter = self._limiter
            in_flight = limiter.in_flight
            if in_flight < limiter.limit.limit:  # as try_acquire: a room has no harder bound
                limiter.in_flight = in_flight + 1
                return Permit(limiter, now_s)
        if not self._queue.takes(criticality):
            self.full_moments += 1
            self._crowded(criticality)
            return "queue_full" if self._capacity else "limit"
        evicted = self._queue.push(waiter, criticality, now_s, deadline_s)
        if evicted is None:
            self.waiting += 1
        else:
            self.full_moments += 1
            self._crowded(criticality)
            self._refuse(evicted, "queue_full")
        return None

    def forget(self, waiter: W) -> bool:
        """Take a waiter out whose caller has gone; False if it was not waiting."""
        waited = self._queue.remove(waiter)
        self.waiting -= waited
        return waited

    def give_up(self, waiter: W) -> bool:
        """Take a waiter out that has waited long enough: a moment without place."""
        waited = self.forget(waiter)
        self.full_moments += waited
        return waited

    def leave(self, permit: Permit, outcome: str, now_s: float, rtt_s: float | None = None) -> None:
        """Resolve a permit (`ok`, `dropped` or `ignored`) and call whoever is next."""
        if outcome == "ok":
            permit.succeed(now_s, rtt_s)
        elif outcome == "dropped":
            permit.drop(now_s)
        else:
            permit.ignore()
        self.left += 1
        while self.waiting:
            next_permit = self._limiter.try_acquire(now_s)
            if next_permit is None:
                return
            dropped: list[tuple[W, str]] = []
            item = self._queue.take(now_s, dropped)
            self.waiting = len(self._queue)
            for late, reason in dropped:
                self.full_moments += 1
                self._refuse(late, reason)
            if item is None or not self._admit(item, next_permit):
                next_permit.ignore()
