"""Laws that hold whatever the scenario: nobody is lost, and equal seeds are equal runs."""

import os
import subprocess
import sys
import tracemalloc
from dataclasses import replace

import orjson
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.conftest import EXAMPLES

from teashop.resilience.protections import Protections
from teastorm.load.settings import Clients, Mix
from teastorm.simulate import Demand, Event, Happening, InferenceModel, Scenario, Step, simulate
from teastorm.simulate.many import run_seeds

switches = st.fixed_dictionaries({name: st.booleans() for name in Protections.names()})
rates = st.lists(st.floats(1.0, 220.0), min_size=1, max_size=4)
events = st.lists(
    st.builds(
        Event,
        at_s=st.floats(0.0, 5.0),
        kind=st.sampled_from(Happening),
        count=st.integers(1, 4),
        startup_s=st.floats(0.0, 2.0),
    ),
    max_size=3,
)


def bytes_of(scenario: Scenario, seed: int) -> bytes:
    return orjson.dumps(simulate(scenario, seed).as_json())


@settings(max_examples=max(25, EXAMPLES // 2), deadline=None)
@example(
    # A call lost while its old time-out still ran, without deadlines: two ends for one permit.
    on=dict.fromkeys(Protections.names(), False),
    rates=[129.0],
    events=[Event(at_s=4.0, kind=Happening.KILL, count=1, startup_s=0.0)],
    replicas=1,
    honours=0.0,
    waiting=78,
    seed=0,
)
@example(
    # A call given up without deadlines, then pushed out of a full replica's line: the same.
    on=dict.fromkeys(Protections.names(), False)
    | {"priorities": True, "ladder": True, "waiting_room": True, "retry_budget": True},
    rates=[129.0, 129.0, 129.0],
    events=[Event(at_s=4.0, kind=Happening.KILL, count=1, startup_s=0.0)],
    replicas=2,
    honours=0.0,
    waiting=78,
    seed=0,
)
@given(
    on=switches,
    rates=rates,
    events=events,
    replicas=st.integers(1, 3),
    honours=st.floats(0.0, 1.0),
    waiting=st.integers(0, 300),
    seed=st.integers(0, 1000),
)
def test_every_wish_ends_in_exactly_one_outcome(
    on, rates, events, replicas, honours, waiting, seed
):
    steps = tuple(Step(n * 1.5, (n + 1) * 1.5, rate) for n, rate in enumerate(rates))
    scenario = Scenario(
        demand=Demand(name="drawn", steps=steps, mix=Mix(critical_rps=5.0)),
        protections=Protections(**on),
        clients=Clients(honour_share=honours),
        inference=InferenceModel(max_waiting=waiting),
        replicas=replicas,
        events=tuple(events),
    )
    result = simulate(scenario, seed)
    for name, c in result.classes.items():
        assert c.offered == c.good + c.degraded + c.refused + c.failed, name
        assert c.attempts >= c.offered, name
        assert sum(c.rungs.values()) == c.offered, name
        assert c.late <= c.failed, name
    # The window is the whole load: all arrivals but the follow-ups that come after its end.
    assert sum(c.offered for c in result.classes.values()) <= result.arrivals
    chats = result.classes["chat"]
    assert sum(result.series.offered) == chats.offered
    assert sum(result.series.missed) + chats.good == chats.offered
    # What began before the load ended is finished after it, within a deadline or two.
    assert 0 <= result.utilisation <= 1 + 4 / result.seconds
    assert -1e-6 <= result.wasted <= 1.0


@pytest.mark.parametrize("arm", [Protections.all_on(), Protections.all_off()])
def test_equal_seeds_are_equal_bytes_and_others_are_not(make_storm, arm):
    scenario = make_storm(protections=arm)
    assert bytes_of(scenario, 4) == bytes_of(scenario, 4)
    assert bytes_of(scenario, 4) != bytes_of(scenario, 5)


@pytest.mark.slow  # ten seconds and more of simulation
def test_bytes_do_not_depend_on_how_python_hashes():
    command = (sys.executable, "-m", "teastorm.cli.main", "simulate", "--orders", "400", "--json")
    told = {
        subprocess.run(
            command,
            env={**os.environ, "PYTHONHASHSEED": str(n)},
            capture_output=True,
            check=True,
            timeout=120,
        ).stdout
        for n in (0, 7)
    }
    assert len(told) == 1
    assert orjson.loads(told.pop())["schema"] == "teastorm.simulate/1"


def test_workers_change_nothing(make_storm):
    scenario = make_storm(
        demand=replace(make_storm().demand, steps=(Step(0.0, 3.0, 90.0),)), window_s=None
    )
    alone = run_seeds(scenario, (3, 1, 2), workers=1)
    assert orjson.dumps(alone) == orjson.dumps(run_seeds(scenario, (3, 1, 2), workers=2))
    assert [run["seed"] for run in alone] == [3, 1, 2]


@pytest.mark.slow  # ten seconds and more of simulation
def test_memory_does_not_grow_with_the_orders():
    def peak(seconds: float) -> int:
        mix = Mix(critical_rps=5.0, requests_per_user=1000)  # a crowd that does not grow either
        scenario = Scenario(demand=Demand.constant(90.0, seconds, mix=mix))
        tracemalloc.start()
        simulate(scenario, 1)
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    peak(5.0)  # imports and caches
    assert peak(200.0) < 1.5 * peak(50.0)
