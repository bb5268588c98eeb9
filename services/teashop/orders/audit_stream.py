"""The audit's chunks for one answer at a time, read on a thread as the client takes them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack

from teashop.orders.audit import Audit
from teashop.orders.threads import InThread


class AuditStream:
    """Belongs to one event loop; a second stream waits for the first to end.

    Args:
        in_thread: one thread, which alone uses the audit's database connection.
    """

    def __init__(self, audit: Audit, in_thread: InThread) -> None:
        self._audit = audit
        self._in_thread = in_thread
        self._one = asyncio.Lock()  # there is one connection for audits

    async def chunks(self) -> AsyncIterator[bytes]:
        """See `Audit.ledger`. Close it, or read it to its end: the snapshot lasts until then."""
        snapshot = ExitStack()
        async with self._one:
            try:
                rows = await self._in_thread(lambda: snapshot.enter_context(self._audit.ledger()))
                while (chunk := await self._in_thread(lambda: next(rows, None))) is not None:
                    yield chunk
            finally:
                await asyncio.shield(self._in_thread(snapshot.close))
