"""A day made shorter for the simulation, as the testbed compresses it (DEFINITIONS.md).

Demand over time, start-up and all periods of the autoscaler shrink by one factor; service times,
deadlines and rates do not. What depends on queues filling within seconds is then as it is; what
would need many requests to average out has fewer of them.
"""

from __future__ import annotations

import dataclasses

from teastorm.autoscale.behaviour import Policy, Rules
from teastorm.autoscale.controller import HpaSpec
from teastorm.autoscale.planned import Planned
from teastorm.autoscale.pods import StartUp
from teastorm.simulate.demand import Demand, Step
from teastorm.simulate.scaling import Scaling
from teastorm.simulate.scenario import Scenario

MOST = 12.0
"""A look each 1.25 s is still longer than a request."""
ENOUGH_REQUESTS = 40_000.0


def factor_for(demand: Demand, requests: float = ENOUGH_REQUESTS) -> float:
    """How far a demand may be compressed and still hold about so many requests."""
    return min(MOST, max(1.0, demand.orders / requests))


def compressed(scenario: Scenario, factor: float) -> Scenario:
    """The scenario `factor` times as fast; 1 gives it back unchanged."""
    if factor == 1:
        return scenario
    demand = scenario.demand
    steps = tuple(Step(a / factor, b / factor, rps) for a, b, rps in demand.steps)
    model = scenario.inference
    return dataclasses.replace(
        scenario,
        # The very arrivals of a plan cannot be compressed; its rates can.
        demand=dataclasses.replace(demand, steps=steps, plan=None),
        inference=dataclasses.replace(model, startup_s=model.startup_s / factor),
        scaling=None if scenario.scaling is None else faster(scenario.scaling, factor),
        events=tuple(
            dataclasses.replace(
                event,
                at_s=event.at_s / factor,
                startup_s=None if event.startup_s is None else event.startup_s / factor,
            )
            for event in scenario.events
        ),
        window_s=None
        if scenario.window_s is None
        else (scenario.window_s[0] / factor, scenario.window_s[1] / factor),
    )


def faster(scaling: Scaling, factor: float) -> Scaling:
    """An autoscaler whose periods, windows and plans are `factor` times as short."""
    start_up = scaling.start_up
    return dataclasses.replace(
        scaling,
        spec=_spec(scaling.spec, factor),
        start_up=StartUp(
            cpu_initialization_period_s=start_up.cpu_initialization_period_s / factor,
            initial_readiness_delay_s=start_up.initial_readiness_delay_s / factor,
        ),
        sync_s=scaling.sync_s / factor,
        scrape_s=scaling.scrape_s / factor,
        lag_s=scaling.lag_s / factor,
        first_sync_s=None if scaling.first_sync_s is None else scaling.first_sync_s / factor,
        planned=tuple(
            Planned(at_s=p.at_s / factor, min_replicas=p.min_replicas) for p in scaling.planned
        ),
    )


def _spec(spec: HpaSpec, factor: float) -> HpaSpec:
    behaviour = spec.behaviour
    if behaviour is not None:
        behaviour = dataclasses.replace(
            behaviour, up=_rules(behaviour.up, factor), down=_rules(behaviour.down, factor)
        )
    return dataclasses.replace(
        spec,
        behaviour=behaviour,
        downscale_stabilization_s=spec.downscale_stabilization_s / factor,
    )


def _rules(rules: Rules, factor: float) -> Rules:
    return dataclasses.replace(
        rules,
        stabilization_window_s=rules.stabilization_window_s / factor,
        policies=tuple(
            Policy(type=p.type, value=p.value, period_s=p.period_s / factor) for p in rules.policies
        ),
    )
