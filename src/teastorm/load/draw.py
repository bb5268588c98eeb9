"""A plan becomes a schedule: all of its arrivals, in the order in which they are due."""

from __future__ import annotations

import dataclasses
from bisect import bisect_right

from teastorm.load.chance import Crowd, times_s
from teastorm.load.plan import LoadPlan
from teastorm.load.schedule import Schedule, Segment
from teastorm.load.wishes import Wishes


def draw(plan: LoadPlan, seed: int) -> Schedule:
    """Every arrival of `plan`, drawn beforehand; the same seed gives the same bytes.

    Checkouts are drawn from a stream of their own, so that a change of factor leaves them alone.
    """
    mix, segments = plan.mix, plan.segments()
    names = [phase.name for phase in plan.phases]
    ends_s = [end_s for _, _, end_s in plan.windows()]

    def phase_at(time_s: float) -> str:
        # What follows a late checkout may lie behind the last phase.
        return names[min(bisect_right(ends_s, time_s), len(names) - 1)]

    window_s = plan.fault_window() or (0.0, plan.seconds)
    crowd = Crowd(seed, mix, plan.clients.honour_share, window_s)
    wishes = Wishes(seed=seed, mix=mix, crowd=crowd, phase_at=phase_at)
    chats = wishes.chats(times_s(seed, "chat", segments))
    menus = wishes.menus(times_s(seed, "menu", segments, mix.menu_per_chat))
    flat = [Segment(0, 0.0, ends_s[-1], mix.critical_rps)]
    checkouts = wishes.checkouts(times_s(seed, "checkout", flat))

    due = [(arrival, "") for arrival in (*chats, *menus, *checkouts)]
    due += [
        (child, checkout.key) for checkout in checkouts for child in wishes.follow_ups(checkout)
    ]
    due.sort(key=lambda pair: (pair[0].intended_s, pair[0].key))
    place = {arrival.key: index for index, (arrival, _) in enumerate(due)}
    arrivals = tuple(
        dataclasses.replace(arrival, parent=place[parent]) if parent else arrival
        for arrival, parent in due
    )
    return Schedule(seed, ends_s[-1], arrivals)
