"""Follows what dispatch promises anew, so that an order's status tells what its customer was told.

Dispatch revises a promise that it cannot keep before it runs out. It is asked for what was revised
since the last time; an answer that does not come is asked for again, and nothing else waits for it.
"""

from __future__ import annotations

import asyncio
import logging

import orjson

from teashop.orders.client import Client
from teashop.orders.metrics import OrdersMetrics
from teashop.orders.promises import Promises, Revised
from teashop.orders.threads import InThread
from teashop.serving.client import Answer, Unavailable
from teashop.serving.clock import Clock
from teashop.serving.database import DatabaseUnavailable

log = logging.getLogger("teashop.orders.follow")

TIMEOUT_S = 2.0


class Follower:
    """The background task. Belongs to one event loop; replicas may follow side by side."""

    def __init__(
        self,
        promises: Promises,
        client: Client,
        *,
        clock: Clock,
        metrics: OrdersMetrics,
        in_thread: InThread,
        poll_s: float = 1.0,
    ) -> None:
        self._promises = promises
        self._client = client
        self._poll_s = poll_s
        self._clock = clock
        self._metrics = metrics
        self._in_thread = in_thread
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow."""
        self._task = asyncio.create_task(self._run(), name="orders-follow")

    async def stop(self) -> None:
        """End; what was not written down is asked for again by whoever comes next."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def turn(self) -> int:
        """Ask once; how many revisions there were.

        Raises:
            DatabaseUnavailable: they are asked for again.
            Unavailable: dispatch gave no answer.
        """
        seen = await self._in_thread(self._promises.seen)
        answer = await self._client.request(
            "dispatch",
            "GET",
            f"/revisions?since={seen}",
            deadline_s=self._clock.now() + TIMEOUT_S,
            attempts=1,
        )
        revised = read_revisions(answer)
        changed = await self._in_thread(lambda: self._promises.revise(revised))
        self._metrics.orders.labels("repromised").inc(changed)
        return len(revised)

    async def _run(self) -> None:
        while True:
            found = 0
            try:
                found = await self.turn()
            except Unavailable:
                pass  # the breaker and the relay tell of it
            except DatabaseUnavailable as error:
                log.warning("promises told anew wait for the database: %s", error)
            except Exception:
                # A follower that ended would leave every later promise as it was, without a sound.
                log.exception("a look at what dispatch promised anew failed")
            if not found:
                await self._clock.sleep(self._poll_s)


def read_revisions(answer: Answer) -> list[Revised]:
    """The revisions in dispatch's answer; none when it is no such answer."""
    if answer.status != 200:
        return []
    try:
        rows = orjson.loads(answer.body)["revisions"]
        return [
            Revised(
                id=int(row["id"]),
                order_id=str(row["order_id"]),
                promised_at_s=float(row["promised_at"]),
                revisions=int(row["revisions"]),
            )
            for row in rows
        ]
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError):
        log.warning("dispatch's revisions cannot be read: %.200r", answer.body)
        return []
