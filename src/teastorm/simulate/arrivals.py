"""Draws the arrivals of a demand, slice by slice, as `(time, Visit)` in order of time.

numpy draws whole columns; users are dealt like cards, as the load generator does it, so that each
comes as often as the next. Memory is bounded by the slice and the crowd, not by the arrivals.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from teashop.resilience.criticality import Criticality
from teastorm.load.draw import draw
from teastorm.simulate.demand import Demand, Step
from teastorm.simulate.users import Users
from teastorm.simulate.visit import CHAT, CHECKOUT, MENU, Visit

_SLICE = 4_096
"""Arrivals drawn at once, about."""
_MADE = 512
"""Visits made at once: as many as a processor's nearest caches hold."""
_KINDS = {"chat": CHAT, "checkout": CHECKOUT, "menu": MENU}
_CROWDS = ("c", "s", "b", "m")
"""Kinds of users: chats, chats that lower themselves, checkouts, menus."""
_LEVELS = np.array(
    [
        Criticality.SHEDDABLE_PLUS,
        Criticality.SHEDDABLE,
        Criticality.CRITICAL,
        Criticality.SHEDDABLE,
    ]
)
_RANKS = {c.label: int(c) for c in Criticality}


type Progress = Callable[[float, int], None]
"""Called with the time and the arrivals up to it, before each slice is drawn."""


type Came = Callable[[int, NDArray[np.float64]], None]
"""Called with a class and the times of its next arrivals, before the first of them comes."""


def silent(_now_s: float, _arrivals: int) -> None:
    """Progress that nobody looks at."""


def uncounted(_klass: int, _times_s: NDArray[np.float64]) -> None:
    """Arrivals that nobody counts."""


def arrivals(
    demand: Demand,
    honour_share: float,
    seed: int,
    *,
    progress: Progress = silent,
    came: Came = uncounted,
) -> Iterator[tuple[float, Visit]]:
    """Every arrival of one run; payments and status questions follow their checkout later."""
    if demand.plan is not None:
        return _planned(demand, came)
    return itertools.chain.from_iterable(_drawn(demand, honour_share, seed, progress, came))


def _drawn(
    demand: Demand, honour_share: float, seed: int, progress: Progress, came: Came
) -> Iterator[Iterable[tuple[float, Visit]]]:
    """Slice by slice: a generator that gave them one by one would cost as much as drawing them."""
    mix = demand.mix
    rng = np.random.default_rng([seed, 1])
    chats = demand.orders
    sizes = (
        chats * (1 - mix.lowered_share),
        chats * mix.lowered_share,
        mix.critical_rps * demand.seconds,
        chats * mix.menu_per_chat,
    )
    # Drawn in the order of c, s, m, b since the first version: a seed's days stay what they were.
    crowds = {n: Users(sizes[n] / mix.requests_per_user, honour_share, rng) for n in (0, 1, 3, 2)}
    number = 0
    for step in _slices(demand):
        progress(step.start_s, number)
        width_s = step.end_s - step.start_s
        rates = (step.rps, mix.critical_rps, step.rps * mix.menu_per_chat)
        counts = [int(rng.poisson(rate * width_s)) for rate in rates]
        total = sum(counts)
        if total == 0:
            continue
        times = step.start_s + rng.random(total) * width_s
        kinds = np.repeat(np.array([CHAT, CHECKOUT, MENU]), counts)
        order = np.argsort(times, kind="stable")
        for kind, part in zip(
            (CHAT, CHECKOUT, MENU), np.split(times, np.cumsum(counts)[:-1]), strict=True
        ):
            came(kind, part)
        kinds = kinds[order]
        lowered = (rng.random(total) < mix.lowered_share) & (kinds == CHAT)
        understood = rng.random(total) >= mix.unresolvable_share
        statuses = rng.integers(1, mix.status_max + 1, total)
        members = np.select([lowered, kinds == CHECKOUT, kinds == MENU], [1, 2, 3], 0)
        places = np.empty(total, dtype=np.int64)
        honours = np.empty(total, dtype=np.bool_)
        for n in range(len(_CROWDS)):
            mask = members == n
            dealt = crowds[n].deal(int(mask.sum()))
            places[mask] = dealt
            honours[mask] = crowds[n].honours[dealt]
        columns = (
            times[order],
            kinds,
            _LEVELS[members],
            members,
            places,
            honours,
            rng.random(total),
            understood,
            statuses,
        )
        for start in range(0, total, _MADE):
            yield _made(number + start, [c[start : start + _MADE].tolist() for c in columns])
        number += total


def _made(number: int, columns: list[list[Any]]) -> Iterable[tuple[float, Visit]]:
    """The next visits, `number` being the first one's."""
    # Names are made anew: a table of all users would be looked up in memory no cache holds.
    visits = [
        Visit(n, time_s, kind, level, f"{_CROWDS[crowd]}{place}", honoured, jitter, plain, extra)
        for n, (time_s, kind, level, crowd, place, honoured, jitter, plain, extra) in enumerate(
            zip(*columns, strict=True), number
        )
    ]
    return zip(columns[0], visits, strict=True)


def _slices(demand: Demand) -> Iterator[Step]:
    """The demand's steps, each cut so that about `_SLICE` arrivals fall into a piece."""
    mix = demand.mix
    for step in demand.steps:
        width_s = step.end_s - step.start_s
        expected = width_s * (step.rps * (1 + mix.menu_per_chat) + mix.critical_rps)
        pieces = max(1, round(expected / _SLICE))
        edges = np.linspace(step.start_s, step.end_s, pieces + 1).tolist()
        for a, b in itertools.pairwise(edges):
            yield Step(a, b, step.rps)


def _planned(demand: Demand, came: Came) -> Iterator[tuple[float, Visit]]:
    """What the load generator would send: the same times, users, patience and utterances."""
    if demand.plan is None:
        return
    drawn = draw(demand.plan, demand.plan_seed).arrivals
    statuses: dict[int, int] = {}
    for arrival in drawn:
        if arrival.klass == "status":
            statuses[arrival.parent] = statuses.get(arrival.parent, 0) + 1
    for number, arrival in enumerate(drawn):
        kind = _KINDS.get(arrival.klass)
        if kind is not None:
            came(kind, np.array([arrival.intended_s]))
            yield (
                arrival.intended_s,
                Visit(
                    number,
                    arrival.intended_s,
                    kind,
                    _RANKS[arrival.criticality],
                    arrival.user,
                    arrival.honours,
                    arrival.jitter,
                    arrival.resolvable,
                    statuses.get(number, 0),
                ),
            )
