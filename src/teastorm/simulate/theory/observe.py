"""One queue, run over given customers and looked at from outside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from teastorm.simulate.loop import Loop
from teastorm.simulate.theory.crossing import Crossing, Customer
from teastorm.simulate.theory.queues import KINDS


@dataclass(frozen=True, kw_only=True, slots=True)
class Observed:
    """One run after its warm-up.

    Attributes:
        waits: of those let in; levels: their classes, in the same order.
        lost: share turned away.
        little: time-average number inside / (rate x mean stay), over the whole run.
    """

    waits: NDArray[np.float64]
    levels: NDArray[np.int64]
    lost: float
    little: float


def observe(
    kind: str,
    *,
    servers: int,
    waiting: int | None,
    came_s: Sequence[float],
    services_s: Sequence[float],
    levels: Sequence[int],
    warm_up: int,
) -> Observed:
    """Run one queue over given customers; the first `warm_up` are not looked at."""
    loop, crossing = Loop(), Crossing()
    queue = KINDS[kind](loop, servers, waiting, crossing)
    customers = [
        Customer(n, came, service, level)
        for n, (came, service, level) in enumerate(zip(came_s, services_s, levels, strict=True))
    ]

    def arrive(now_s: float, customer: Customer) -> None:
        crossing.came(now_s)
        if not queue.offer(now_s, customer):
            crossing.left(now_s, customer)

    loop.run(((c.came_s, c) for c in customers), arrive)
    looked_at = customers[warm_up:]
    let_in = [c for c in looked_at if c.wait_s == c.wait_s]
    return Observed(
        waits=np.array([c.wait_s for c in let_in]),
        levels=np.array([c.level for c in let_in], dtype=np.int64),
        lost=1 - len(let_in) / len(looked_at),
        little=crossing.area_s / crossing.stay_s,
    )
