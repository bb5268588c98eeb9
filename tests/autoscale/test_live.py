"""The live autoscaler in virtual time, over a shop that is a handful of numbers."""

import pytest

from teastorm.autoscale.controller import HpaSpec, Path
from teastorm.autoscale.functions import Function
from teastorm.autoscale.live import LiveConfig, LiveScaler, condition
from teastorm.autoscale.manifest_metrics import MetricTarget
from teastorm.autoscale.pipeline import Count, Pipeline, Snapshot
from teastorm.autoscale.pods import Container, Phase, Pod

IN_FLIGHT = MetricTarget(function=Function.PODS_AVERAGE_VALUE, target=10_000, name="in_flight")
OFFERED = MetricTarget(function=Function.EXTERNAL_AVERAGE_VALUE, target=25_000, name="offered_rps")
CPU = MetricTarget(function=Function.RESOURCE_UTILIZATION, target=50, name="cpu")


class Shop:
    """Pods that start and warm up; cpu and in-flight follow a demand (a function of time)."""

    def __init__(self, demand, *, replicas=2, start_s=40, warm_s=20):
        self.demand = demand
        self.now_s = 0.0
        self.count = replicas
        self.start_s, self.warm_s = start_s, warm_s
        self.born = [-1000.0] * replicas
        self.cpu_s = {}
        self.offered = 0.0
        self.broken = False

    def advance(self, seconds):
        self.now_s += seconds
        share = self.demand(self.now_s) / max(len(self._serving()), 1)
        for name in self._serving():
            self.cpu_s[name] = self.cpu_s.get(name, 0.0) + seconds * share / 100
        self.offered += seconds * self.demand(self.now_s)

    def _ready_s(self, born):
        return born + self.start_s + self.warm_s

    def _serving(self):
        return [f"p{i}" for i, b in enumerate(self.born) if self._ready_s(b) <= self.now_s]

    def wanted(self):
        return self.count

    def pods(self):
        found = []
        for index, born in enumerate(self.born):
            started, ready = self.now_s >= born + self.start_s, self.now_s >= self._ready_s(born)
            found.append(
                Pod(
                    name=f"p{index}",
                    phase=Phase.RUNNING if started else Phase.PENDING,
                    start_s=born,
                    ready=condition(ready=ready, since_s=self._ready_s(born) if ready else born),
                    containers=(Container("app", 500),),
                )
            )
        return found

    def snapshot(self, now_s):
        share = self.demand(now_s) / max(len(self._serving()), 1)
        if self.broken:
            return Snapshot(at_s=now_s)
        return Snapshot(
            at_s=now_s,
            pod_counts={"cpu": {n: Count(now_s, self.cpu_s.get(n, 0.0)) for n in self._serving()}},
            pod_gauges={"in_flight": dict.fromkeys(self._serving(), share / 2)},
            shop_counts={"offered_rps": Count(now_s, self.offered)},
        )

    def floor(self, now_s):
        return 0

    def scale(self, replicas):
        self.born = self.born[:replicas] + [self.now_s] * (replicas - len(self.born))
        self.count = replicas


def run(shop, seconds, metrics, **settings):
    told = []
    spec = settings.pop("spec", HpaSpec(min_replicas=2, max_replicas=8))
    scaler = LiveScaler(LiveConfig(spec=spec, metrics=metrics, **settings), shop, told.append)
    while shop.now_s < seconds:
        scaler.tick(shop.now_s)
        shop.advance(0.5)
    return told


def step_at(at_s, low, high):
    return lambda now_s: high if now_s >= at_s else low


@pytest.mark.parametrize("metric", [IN_FLIGHT, OFFERED, CPU], ids=lambda metric: metric.name)
def test_it_follows_a_step_late_and_comes_back_later(metric):
    up = step_at(120, 40.0, 100.0)
    shop = Shop(lambda now_s: up(now_s) if now_s < 600 else 40.0)
    told = run(shop, 1300, (metric,))
    raised = next(each for each in told if each.decision.desired > 2)
    assert 120 < raised.at_s <= 120 + 15 + 15 + 5 + 15
    # 100 a second: 5 replicas of 10 in flight (half a second each), 4 of 25 a second or 0.25 cores
    assert max(each.decision.desired for each in told) == (5 if metric is IN_FLIGHT else 4)
    lowered = next(each for each in told if each.decision.desired < each.decision.current)
    assert 585 + 300 <= lowered.at_s < 585 + 300 + 50  # the down window
    assert told[-1].decision.desired == 2


def test_the_parts_of_the_lag_add_up():
    told = run(Shop(step_at(100, 40.0, 100.0)), 200, (OFFERED,), delay_s=5)
    raised = next(each for each in told if each.lag is not None)
    metric_s, sync_s, hold_s = raised.lag
    assert metric_s == 15 / 2 + 5
    assert (raised.at_s - metric_s - sync_s) % 15 == pytest.approx(7.5)  # a window's middle
    assert 0 <= sync_s < 15
    assert hold_s == 0


def test_an_up_window_is_told_as_time_held():
    from teastorm.autoscale.behaviour import Behaviour, Policy, PolicyType, Rules  # noqa: PLC0415

    policies = (Policy(type=PolicyType.PERCENT, value=100, period_s=15),)
    behaviour = Behaviour(
        up=Rules(policies=policies, stabilization_window_s=60), down=Rules(policies=policies)
    )
    spec = HpaSpec(min_replicas=2, max_replicas=8, behaviour=behaviour)
    told = run(Shop(step_at(100, 40.0, 100.0)), 300, (OFFERED,), spec=spec)
    raised = next(each for each in told if each.lag is not None)
    assert raised.lag.hold_s == pytest.approx(60, abs=15)


def test_pods_that_start_are_not_asked_for_twice():
    told = run(Shop(step_at(100, 40.0, 100.0), start_s=200), 290, (IN_FLIGHT,))
    assert sorted({each.decision.desired for each in told}) == [2, 4, 5]


def test_broken_metrics_change_nothing_and_say_why():
    shop = Shop(step_at(100, 40.0, 100.0))
    shop.broken = True
    told = run(shop, 300, (OFFERED,))
    assert {each.decision.path for each in told} == {Path.METRIC_ERROR}
    assert "no metric is called offered_rps" in told[-1].advice.opinions[0].error
    assert shop.wanted() == 2


def test_ticks_that_were_missed_are_not_made_up_for():
    shop = Shop(lambda _: 40.0)
    told = []
    config = LiveConfig(spec=HpaSpec(min_replicas=2, max_replicas=8), metrics=(OFFERED,))
    scaler = LiveScaler(config, shop, told.append)
    scaler.tick(0.0)
    scaler.tick(1000.0)
    assert len(told) == 1
    assert 1000 < scaler.due_s <= 1015


def test_a_rate_needs_two_scrapes_and_a_delay():
    pipeline = Pipeline(delay_s=5)

    def scrape(at_s, value):
        pipeline.scrape(Snapshot(at_s=at_s, pod_counts={"cpu": {"a": Count(at_s, value)}}))

    scrape(0, 10.0)
    assert pipeline.visible(5).readings.pods == {"cpu": {}}
    scrape(15, 13.0)
    assert pipeline.visible(19.9).readings.pods == {"cpu": {}}
    seen = pipeline.visible(20)
    assert seen.readings.pods["cpu"]["a"][:] == (200, 15, 15)
    assert (seen.middle_s, seen.available_s) == (7.5, 20)
    scrape(30, 2.0)  # begun anew: no rate
    assert pipeline.visible(35).readings.pods == {"cpu": {}}


@pytest.mark.parametrize(
    "settings", [{"sync_s": 0}, {"scrape_s": -1}, {"delay_s": -1}, {"metrics": ()}]
)
def test_bad_settings_are_refused(settings):
    with pytest.raises(ValueError, match=r"must|needs"):
        LiveConfig(**{"spec": HpaSpec(max_replicas=3), "metrics": (CPU,)} | settings)


def test_a_fresh_pod_has_a_rate_from_its_first_scrape_if_its_beginning_is_known():
    pipeline = Pipeline(delay_s=1)
    old = {"old": Count(0.0, 5.0)}
    pipeline.scrape(Snapshot(at_s=0.0, pod_counts={"cpu": old}))
    counts = {"old": Count(10.0, 6.0), "new": Count(10.0, 0.8), "unknown": Count(10.0, 0.8)}
    pipeline.scrape(
        Snapshot(at_s=10.0, pod_counts={"cpu": counts}, pod_begun={"new": 6.0, "old": -99.0})
    )
    seen = pipeline.visible(11.0)
    assert seen.readings.pods["cpu"] == {"old": (100, 10.0, 10.0), "new": (200, 10.0, 4.0)}
