"""Waiting at start-up for a dependency that is not there yet, instead of dying and coming back.

A pod that exits is restarted after ten seconds, then twenty, then forty; one that waits is ready a
moment after its database is.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from teashop.serving.clock import Clock

log = logging.getLogger("teashop.patience")


async def patiently[T](
    attempt: Callable[[], Awaitable[T]],
    *,
    unless: type[Exception],
    within_s: float,
    clock: Clock,
    pause_s: float = 0.5,
) -> T:
    """The result of `attempt`, made again each `pause_s` while it raises `unless`.

    Args:
        within_s: after which the exception is raised; 0 makes one attempt.
    """
    until_s = clock.now() + within_s
    while True:
        try:
            return await attempt()
        except unless as error:
            if clock.now() + pause_s > until_s:
                raise
            log.warning("%s Trying again in %g s.", error, pause_s)
        await clock.sleep(pause_s)
