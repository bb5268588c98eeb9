"""Runs a round every tick, whoever leads, and keeps this replica's view fresh."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from teashop.dispatch import feed_rows
from teashop.dispatch.metrics import Metrics
from teashop.dispatch.pool import Pool
from teashop.dispatch.rounds import Rounds
from teashop.dispatch.view import View
from teashop.serving.clock import Clock
from teashop.serving.database import Database, DatabaseUnavailable

log = logging.getLogger("teashop.dispatch")


class Ticker:
    """The background task of one replica. Belongs to one event loop."""

    def __init__(
        self,
        *,
        database: Database,
        rounds: Rounds,
        pool: Pool,
        view: View,
        metrics: Metrics,
        clock: Clock,
        tick_s: float,
        me: str,
    ) -> None:
        self._database = database
        self._rounds = rounds
        self._pool = pool
        self._view = view
        self._metrics = metrics
        self._clock = clock
        self._tick_s = tick_s
        self._me = me
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to tick."""
        self._task = asyncio.create_task(self._run(), name="dispatch-ticker")

    async def stop(self) -> None:
        """End, and give the lease back so that another replica leads at once."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        with contextlib.suppress(DatabaseUnavailable):
            await self._pool.run_anyway(
                lambda: self._database.write(lambda c: feed_rows.release_lease(c, me=self._me))
            )

    async def tick(self) -> None:
        """One round, now."""
        now_s = self._clock.unix()
        refused = self._view.take_refused()
        try:
            report = await self._pool.run_anyway(
                lambda: self._database.write(lambda c: self._rounds.run(c, now_s, refused))
            )
        except DatabaseUnavailable as error:
            log.warning("a round was skipped: %s", error)
            for name, drinks in refused.items():
                self._view.count_refused(name, drinks)
            return
        self._rounds.committed()
        self._view.see(report.standings)
        self._metrics.reported(report)
        self._metrics.saw(self._view.all_at(now_s), now_s)

    async def _run(self) -> None:
        while True:
            try:
                await self.tick()
            except Exception:
                # A street without its ticker makes no drinks: never stop for one bad round.
                log.exception("a round failed")
            await self._clock.sleep(self._tick_s)
