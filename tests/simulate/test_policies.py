"""The simulator asks the shop's own policies: change one, and the simulation changes."""

import random
from collections.abc import Callable
from dataclasses import replace

import pytest

from teashop.resilience import (
    aimd,
    batch,
    breaker,
    front,
    priority,
    queue,
    quota,
    retry,
    retry_after,
    two_choices,
)
from teashop.resilience import waiting_room as tickets
from teashop.resilience.front_config import FrontConfig
from teashop.resilience.ladder import Rung
from teashop.resilience.protections import Protections
from teastorm.simulate import Event, Happening, simulate

type Patch = tuple[object, str, Callable[..., object]]


def _never_refuse(self, criticality, user, now_s):
    return True


def _lifo(self, now_s, dropped):
    for line in self._lines:
        if line:
            entry = line.pop()
            del self._entries[id(entry.item)]
            return entry.item
    return None


POLICIES: dict[str, Patch] = {
    "threshold": (priority.Threshold, "admits", _never_refuse),
    "limit": (aimd.AimdLimit, "limit", property(lambda self: 12)),
    "queue": (queue.PriorityCodelQueue, "take", _lifo),
    "retry-after": (retry_after.RetryAfter, "seconds", lambda self, backlog, rate, rng: 1),
    "menu bucket": (quota.Quotas, "early_s", lambda self, user, now_s: 0.0),
    "batch": (batch.Batch, "_would_be_late", lambda self, sequence: sequence.number % 5 == 0),
    "ladder": (front.Front, "below", lambda self, now_s, *_: None),
    "who is heard out": (front.Front, "hears_out", lambda self, held: held is not front.Held.LEVEL),
    "who spares the AI": (front.Front, "spares_ai", lambda self, held, rank: False),
    "lengths": (front.Front, "length", lambda self, deadline_s, now_s: (Rung.SHORT, 20)),
    "waiting room": (tickets.WaitingRoom, "has_room", lambda self, backlog, rate_rps: False),
    "balancer": (
        two_choices.Balancer,
        "choose",
        lambda self, endpoints, rng, now_s, exclude=(): endpoints[0],
    ),
}


@pytest.mark.parametrize("name", POLICIES)
def test_a_changed_policy_changes_the_simulation(make_storm, monkeypatch, name):
    scenario = make_storm()
    before = simulate(scenario, 1).as_json()
    owner, attribute, change = POLICIES[name]
    monkeypatch.setattr(owner, attribute, change)
    assert simulate(scenario, 1).as_json() != before
    monkeypatch.undo()
    assert simulate(scenario, 1).as_json() == before


@pytest.mark.parametrize(
    "name", ["admission", "priorities", "deadlines", "ladder", "waiting_room", "balancing"]
)
def test_each_switch_matters_under_a_storm(make_storm, name):
    with_it = simulate(make_storm(), 1).as_json()
    without = make_storm(protections=replace(Protections.all_on(), **{name: False}))
    assert simulate(without, 1).as_json() != with_it


def test_protections_are_worth_their_goodput(make_storm):
    protected = simulate(make_storm(), 1)
    bare = simulate(make_storm(protections=Protections.all_off()), 1)
    capacity = make_storm().inference.capacity_rps(2, 40)
    assert protected.goodput_rps > 0.9 * capacity
    assert bare.goodput_rps < 0.5 * capacity
    assert bare.wasted > 0.3 > protected.wasted
    assert bare.amplification > protected.amplification


def test_the_ladder_is_asked_before_anybody_is_refused(make_storm, monkeypatch):
    """Whom rules understand leaves the AI to others: it answers as many, and fewer are refused."""
    asked = simulate(make_storm(), 1)
    monkeypatch.setattr(front.Front, "hears_out", lambda self, held: held is not front.Held.LEVEL)
    monkeypatch.setattr(front.Front, "spares_ai", lambda self, held, rank: False)
    not_asked = simulate(make_storm(), 1)
    now, before = asked.classes["chat"], not_asked.classes["chat"]
    assert now.goodput_rps > 0.98 * before.goodput_rps
    assert now.refused < 0.8 * before.refused
    assert now.rungs["rules"] > 1.2 * before.rungs["rules"]
    assert asked.amplification < not_asked.amplification


def test_a_setting_of_the_gateway_is_heard(make_storm):
    patient = make_storm(front=FrontConfig(ai_queue=24, ai_limit_max=80, ai_tolerance=3.0))
    assert (
        simulate(patient, 1).classes["chat"].p50_s > simulate(make_storm(), 1).classes["chat"].p50_s
    )


def test_breakers_and_budget_take_part_when_a_replica_dies(make_storm, monkeypatch):
    seen = {"budget": 0, "breaker": 0}

    def withdraw(self):
        seen["budget"] += 1
        return True

    def record(self, now_s, ok):
        seen["breaker"] += not ok

    monkeypatch.setattr(retry.RetryBudget, "withdraw", withdraw)
    monkeypatch.setattr(breaker.Breaker, "record", record)
    kill = Event(at_s=8.0, kind=Happening.KILL)
    simulate(make_storm(events=(kill,)), 1)
    assert seen["budget"] > 5
    assert seen["breaker"] > 5


def test_who_is_refused_with_a_ticket_in_an_outage_may_show_it_again(make_storm, monkeypatch):
    outcomes: list[str] = []
    redeem, give_back = tickets.WaitingRoom.redeem, tickets.WaitingRoom.give_back

    def redeemed(self, token, key, now_unix_s):
        try:
            return redeem(self, token, key, now_unix_s)
        except tickets.TicketUsed:
            outcomes.append("used")
            raise

    def given_back(self, token, key):
        outcomes.append("back")
        give_back(self, token, key)

    monkeypatch.setattr(tickets.WaitingRoom, "redeem", redeemed)
    monkeypatch.setattr(tickets.WaitingRoom, "give_back", given_back)
    out = tuple(Event(at_s=at_s, kind=Happening.KILL) for at_s in (8.0, 8.1))
    simulate(make_storm(events=out), 1)
    assert "back" in outcomes
    assert "used" not in outcomes


def test_a_user_who_hammers_meets_the_quota(make_storm):
    tight = make_storm(front=FrontConfig(quota_rps=0.05, quota_burst=2.0))
    reasons = {(r.reason, r.refused_for) for r in simulate(tight, 1).refusals}
    assert ("quota", "gateway") in reasons


def test_chance_is_the_seeds_alone(make_storm):
    random.seed(1)
    first = simulate(make_storm(), 2).as_json()
    random.seed(99)
    assert simulate(make_storm(), 2).as_json() == first


def test_a_line_is_left_when_its_patience_is_over(make_storm):
    """Without CoDel nothing else is called so; the queue, the limit and the level stay as they are."""
    plain = replace(Protections.all_on(), codel=False, ladder=False, waiting_room=False)

    def gave_up(wait_s):
        scenario = make_storm(protections=plain, front=FrontConfig(ai_wait_s=wait_s))
        return sum(r.attempts for r in simulate(scenario, 1).refusals if r.reason == "codel")

    assert gave_up(0.0) > gave_up(0.1) > gave_up(60.0) == 0
