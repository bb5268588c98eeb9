"""A dependency's places, waited for: `resilience.room` with futures and a timer around it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from teashop.resilience.admission import Permit
from teashop.resilience.criticality import Criticality
from teashop.resilience.room import NoRoom
from teashop.resilience.room import Room as Places
from teashop.serving.clock import Clock

__all__ = ["NoRoom", "Room", "Waiter", "admit", "refuse"]


@dataclass(eq=False, slots=True)
class Waiter:
    """One request in the queue, woken with a permit or with a reason."""

    woken: asyncio.Future[Permit]


class Room:
    """Admission to one dependency. Belongs to one event loop.

    `enter` gives a permit at once, or after a short wait in criticality order, or raises
    `NoRoom`. Every permit has to be resolved through `leave`, which also wakes the next one.
    """

    def __init__(self, places: Places[Waiter], *, wait_s: float, clock: Clock) -> None:
        self.places = places
        self._wait_s = wait_s
        self._clock = clock

    async def enter(self, criticality: Criticality, deadline_s: float | None) -> Permit:
        """A permit, now or after a short wait.

        Raises:
            NoRoom: with the reason.
        """
        waiter = Waiter(asyncio.get_running_loop().create_future())
        permit = self.places.enter(waiter, criticality, self._clock.now(), deadline_s)
        return await self._wait(waiter) if permit is None else permit

    async def _wait(self, waiter: Waiter) -> Permit:
        timer = asyncio.ensure_future(self._clock.sleep(self._wait_s))
        try:
            both: set[asyncio.Future[Any]] = {waiter.woken, timer}
            await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        except BaseException:
            self._abandon(waiter)
            raise
        finally:
            timer.cancel()
        if not waiter.woken.done():
            self.places.give_up(waiter)
            waiter.woken.cancel()
            raise NoRoom("codel", waited=True)
        return waiter.woken.result()

    def _abandon(self, waiter: Waiter) -> None:
        """The caller has gone: out of the line, or its permit back if it just got one."""
        self.places.forget(waiter)
        if not waiter.woken.done():
            waiter.woken.cancel()
        elif waiter.woken.exception() is None:
            self.leave(waiter.woken.result(), "ignored")

    def leave(self, permit: Permit, outcome: str, rtt_s: float | None = None) -> None:
        """Resolve a permit (`ok`, `dropped` or `ignored`) and wake whoever is next."""
        self.places.leave(permit, outcome, self._clock.now(), rtt_s)


def admit(waiter: Waiter, permit: Permit) -> bool:
    """Wake a waiter with its permit; False when nobody waits there any more."""
    if waiter.woken.done():
        return False
    waiter.woken.set_result(permit)
    return True


def refuse(waiter: Waiter, reason: str) -> None:
    """Wake a waiter with the reason why it gets none."""
    if not waiter.woken.done():
        waiter.woken.set_exception(NoRoom(reason, waited=True))
