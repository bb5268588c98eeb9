"""Wires one simulation together and runs it."""

from __future__ import annotations

import gc
import random

from teashop.resilience.sequence import BatchConfig
from teastorm.simulate.ai_calls import call_late, ended, lost
from teastorm.simulate.arrivals import Progress, arrivals, silent
from teastorm.simulate.crowd import Crowd
from teastorm.simulate.fleet import Fleet
from teastorm.simulate.gateway import Gateway
from teastorm.simulate.loop import Loop
from teastorm.simulate.orders import OrdersReplica
from teastorm.simulate.outcome import result_of
from teastorm.simulate.result import Result
from teastorm.simulate.scaler import Scaler
from teastorm.simulate.scenario import Event, Happening, Scenario
from teastorm.simulate.street import Street
from teastorm.simulate.tally import Tally
from teastorm.simulate.timeouts import Timeouts, holds_permit
from teastorm.simulate.visit import FULL, NAMES, NO_RUNG, SHORT

_WATCH_S = 0.1
_SETTLED_AFTER = 12_000
"""Arrivals between two counts of what they came to."""


def simulate(scenario: Scenario, seed: int, *, progress: Progress = silent) -> Result:
    """Run `scenario` once; the same seed gives the same result, to the last bit.

    `progress` is told the simulated time and the arrivals so far, every few thousand of them.

    Single-threaded and without global state: many may run side by side in processes.
    """
    run = _Run(scenario, seed, progress)
    # What the hot path makes is freed by reference counts; looking for cycles costs a tenth.
    collecting = gc.isenabled()
    gc.disable()
    try:
        return run.result()
    finally:
        if collecting:
            gc.enable()


class _Run:
    """The parts of one run and how they know each other."""

    def __init__(self, scenario: Scenario, seed: int, progress: Progress) -> None:
        self._scenario = scenario
        self._seed = seed
        self._progress = progress
        self._loop = Loop()
        seconds = scenario.demand.seconds
        front, clients = scenario.front, scenario.clients
        self._tally = Tally(
            seconds,
            scenario.window_s or (0.0, seconds),
            worths={FULL: 1.0, SHORT: front.tokens_short / front.tokens_full, NO_RUNG: 1.0},
            deadlines_s=[clients.deadlines_s[name] for name in NAMES],
        )
        self._crowd = Crowd(
            self._loop,
            clients,
            scenario.mix,
            self._tally,
            hop_s=scenario.hop_s,
        )
        inference = scenario.inference
        on = scenario.protections
        self._fleet = Fleet(
            self._loop,
            BatchConfig(
                max_num_seqs=inference.max_num_seqs,
                max_waiting=inference.max_waiting,
                ttft_s=inference.ttft_s,
                itl_s=inference.itl_s,
                slowdown=inference.slowdown,
                priorities=on.priorities,
                deadlines=on.deadlines,
            ),
            count=scenario.replicas,
            startup_s=inference.startup_s,
            restart_s=scenario.restart_s,
            discovery_s=scenario.discovery_s,
            ended=ended,
            lost=lost,
        )
        self._street = Street(scenario.street, on, len(scenario.mix.shops))
        self._gateways = self._made()
        self._crowd.meet(self._gateways)
        self._at_end_s = (0.0, 0.0)
        self._settled = 0
        self._plan()

    def _made(self) -> list[Gateway]:
        scenario, seed = self._scenario, self._seed
        model = scenario.orders
        orders = [
            OrdersReplica(
                f"orders-{n}",
                threads=model.threads,
                waiting=model.waiting,
                transaction_s=model.transaction_s,
                rng=random.Random(f"{seed}:orders:{n}"),
            )
            for n in range(model.replicas)
        ]
        calls = Timeouts(
            self._loop, scenario.front.timeout_s + scenario.hop_s, call_late, alive=holds_permit
        )
        return [
            Gateway(
                scenario.front,
                scenario.protections,
                loop=self._loop,
                rng=random.Random(f"{seed}:gateway:{n}"),
                back=self._crowd,
                fleet=self._fleet,
                orders=orders,
                street=self._street,
                call_s=scenario.inference.call_s,
                orders_call_s=model.call_s,
                margin_s=scenario.inference.deadline_margin_s,
                client_timeouts=self._crowd.timeouts,
                call_timeouts=calls,
                sooner=scenario.clients.deadlines_s["chat"] <= scenario.clients.timeouts_s["chat"],
            )
            for n in range(scenario.gateways)
        ]

    def _plan(self) -> None:
        """What happens by the clock: thresholds vote, the autoscaler looks, replicas are lost."""
        scenario, loop = self._scenario, self._loop
        seconds = scenario.demand.seconds
        # Past the load's end retries still come; the thresholds have to go on moving.
        until_s = seconds + scenario.clients.patience_s
        for n, gateway in enumerate(self._gateways):
            first_s = _WATCH_S * (n + 1) / len(self._gateways)
            loop.every(_WATCH_S, gateway.watch, first_s=first_s, until_s=until_s)
        if scenario.scaling is not None:
            scaler = Scaler(
                scenario.scaling, scenario.inference, self._fleet, self._gateways, self._tally
            )
            scaler.start(loop, seconds)
        for event in scenario.events:
            loop.at(event.at_s, self._happen, event)
        loop.at(seconds, self._load_ended)

    def _happen(self, now_s: float, event: Event) -> None:
        if event.kind is Happening.KILL:
            self._fleet.kill(now_s, event.count, event.startup_s)
        else:
            self._fleet.scale(now_s, event.count, event.startup_s)

    def _load_ended(self, now_s: float, _: object) -> None:
        self._fleet.settle(now_s)
        self._at_end_s = (self._fleet.pod_seconds, now_s)

    def _came(self, now_s: float, arrived: int) -> None:
        """Before each slice of arrivals; a slice may be small, and counting few costs as counting many."""
        if arrived - self._settled >= _SETTLED_AFTER:
            self._settled = arrived
            self._tally.settle()
        self._progress(now_s, arrived)

    def result(self) -> Result:
        """Run it."""
        scenario, tally = self._scenario, self._tally
        share = scenario.clients.honour_share
        stream = arrivals(scenario.demand, share, self._seed, progress=self._came, came=tally.came)
        end_s = self._loop.run(stream, self._crowd.arrive)
        tally.settle()
        pod_seconds, seconds = self._at_end_s
        return result_of(
            scenario,
            self._seed,
            tally,
            self._fleet,
            self._street,
            spent_s=self._fleet.slot_seconds(end_s),
            pod_seconds=pod_seconds,
            seconds=seconds,
            events=self._loop.events,
        )
