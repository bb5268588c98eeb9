"""Blocking work off the event loop, where it needs no place in the requests' queue (`workers`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Executor
from typing import Protocol


class InThread(Protocol):
    """Runs a piece of blocking work elsewhere and gives its result, or raises what it raised."""

    async def __call__[T](self, work: Callable[[], T]) -> T:
        """Wait for it; whoever stops waiting does not stop work that has begun."""
        ...


def in_thread_of(pool: Executor) -> InThread:
    """Work on the pool's threads. For one event loop; the pool stays its owner's."""

    async def run[T](work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(pool, work)

    return run
