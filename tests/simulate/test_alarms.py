"""How often chance decides whether a shop came back: one that did, and one that is slower since.

Simulated runs of `overload-3x`, so that nothing but the draw of who comes differs, are judged by
what the verdict judges recovery by. docs/reference/verdict.md has the same of more seeds.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from teastorm.simulate import run
from teastorm.simulate.arrivals import silent
from teastorm.simulate.asked import Asked, scenario_of
from teastorm.simulate.visit import CHAT
from teastorm.verdict.aftermath import Aftermath, Chats, first_sound
from teastorm.verdict.columns import Floats
from teastorm.verdict.slo import load_slo
from teastorm.verdict.steady import IN_FLIGHT_S
from teastorm.verdict.window import Window

pytestmark = pytest.mark.slow

EXPERIMENTS = Path(__file__).parents[2] / "experiments"
SEEDS = range(1, 151)
SLO = load_slo(EXPERIMENTS / "slo.yaml")
SCRAPED_AT_S = 0.37


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a simulated run showed: answered chats, and who waited each second."""

    chats: Chats
    scraped_s: Floats
    waiting: Floats
    fault: Window
    stop_s: float

    def waiting_at(self, seconds: Floats) -> Floats:
        """The last value scraped."""
        return self.waiting[np.searchsorted(self.scraped_s, seconds + 1e-9, side="right") - 1]

    def slower(self, times: float) -> Seen:
        """Each answer to who comes after the fault takes so many times as long."""
        after = self.chats.at_s >= self.fault.end_s
        latency_s = np.where(after, self.chats.latency_s * times, self.chats.latency_s)
        return replace(self, chats=replace(self.chats, latency_s=latency_s))


def seen(seed: int) -> Seen:
    """One run, watched."""
    scenario = scenario_of(Asked(experiment=str(EXPERIMENTS / "overload-3x.yaml"), arm="protected"))
    shop = run._Run(scenario, seed, silent)
    tally, chats, waiting = shop._tally, [], []
    judge = tally._judge

    def heard(klass, rung, columns):
        if klass == CHAT:
            chats.append(columns[:2])
        judge(klass, rung, columns)

    def look(now_s, _):
        rooms = (room for g in shop._gateways for room in (g.front.ai_room, g.front.orders_room))
        inside = sum(replica.batch.waiting for replica in shop._fleet.replicas)
        waiting.append((now_s, inside + sum(room.waiting for room in rooms)))

    tally._judge = heard
    stop_s = scenario.demand.seconds
    shop._loop.every(1.0, look, first_s=SCRAPED_AT_S, until_s=stop_s)
    shop.result()
    at_s, latency_s = np.concatenate(chats, axis=1)
    order = np.argsort(at_s)
    scraped_s, queue = np.array(waiting, dtype=np.float64).T
    return Seen(
        chats=Chats(at_s=at_s[order], latency_s=latency_s[order]),
        scraped_s=scraped_s,
        waiting=queue,
        fault=Window(start_s=scenario.window_s[0], end_s=scenario.window_s[1]),
        stop_s=stop_s,
    )


def came_back(told: Seen) -> bool:
    """Whether it was as before soon enough, and for long enough."""
    terms = SLO.terms
    span_s, end_s = terms.recovery_window_s, told.fault.end_s
    base_end_s = told.fault.start_s - IN_FLIGHT_S
    base = Window(start_s=base_end_s - terms.baseline_s, end_s=base_end_s)
    before = told.waiting_at(np.arange(base.start_s, base.end_s, 1.0))
    seconds = np.arange(end_s, told.stop_s, 1.0)
    after = Aftermath.of(
        told.chats,
        base=base,
        end_s=end_s,
        span_s=span_s,
        ratio=terms.recovery_p99_ratio,
        queue_before=(float(before.mean()), float(before.std())),
        queue=told.waiting_at(seconds),
        seconds=len(seconds),
    )
    assert after is not None
    starts = np.arange(end_s, told.stop_s - span_s + 1e-9, 1.0)
    complaints = [after.complaint(Window(start_s=at_s, end_s=at_s + span_s)) for at_s in starts]
    need = round(terms.recovery_hold_s - span_s) + 1
    tau_s = first_sound(np.array([said == "" for said in complaints]), need)
    return tau_s is not None and tau_s <= SLO.objective("recovery-time").limit


@pytest.fixture(scope="module")
def runs() -> list[Seen]:
    return [seen(seed) for seed in SEEDS]


def test_a_shop_that_is_well_is_hardly_ever_called_ill(runs):
    assert sum(not came_back(told) for told in runs) <= 1


def test_a_shop_whose_answers_take_a_quarter_longer_is_hardly_ever_called_well(runs):
    assert sum(came_back(told.slower(1.25)) for told in runs) <= len(runs) / 10


def test_a_shop_whose_answers_take_a_tenth_longer_is_well(runs):
    """The bound is 1.2 times as long."""
    assert sum(not came_back(told.slower(1.1)) for told in runs) <= len(runs) / 10
