"""Start-up that waits for a dependency: within its bound, and for the right trouble only."""

from __future__ import annotations

import asyncio

import pytest

from teashop.serving.clock import VirtualClock, settle
from teashop.serving.patience import patiently


class GoneError(Exception):
    """The dependency is not there."""


def attempts(failures: int, trouble: type[Exception] = GoneError):
    made: list[float] = []

    async def attempt() -> str:
        made.append(0)
        if len(made) <= failures:
            raise trouble("The database does not answer.")
        return "open"

    return attempt, made


async def test_it_tries_again_until_it_is_there():
    clock = VirtualClock()
    attempt, made = attempts(3)
    waiting = asyncio.create_task(patiently(attempt, unless=GoneError, within_s=10, clock=clock))
    await settle()
    assert len(made) == 1
    await clock.advance(1.5)
    assert await waiting == "open"
    assert len(made) == 4


@pytest.mark.parametrize(("within_s", "tries"), [(0, 1), (1.0, 3)])
async def test_it_gives_up_in_time(within_s, tries):
    clock = VirtualClock()
    attempt, made = attempts(99)
    waiting = asyncio.create_task(
        patiently(attempt, unless=GoneError, within_s=within_s, clock=clock)
    )
    await clock.advance(5)
    with pytest.raises(GoneError, match="does not answer"):
        await waiting
    assert len(made) == tries


async def test_other_trouble_is_not_waited_out():
    attempt, made = attempts(1, ValueError)
    with pytest.raises(ValueError, match="does not answer"):
        await patiently(attempt, unless=GoneError, within_s=60, clock=VirtualClock())
    assert len(made) == 1
