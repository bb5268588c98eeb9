"""The parts of a session: objectives, settings, compression, fronts, words, files."""

import dataclasses

import numpy as np
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale.functions import Function
from teastorm.autoscale.manifest import read_manifest
from teastorm.simulate.hpa import scaling_of
from teastorm.simulate.summary import mean_of
from teastorm.tune import manifests, words
from teastorm.tune.choose import Candidate, Choice, front_of
from teastorm.tune.compress import compressed, factor_for
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import One, Score
from teastorm.tune.setting import Metric, Setting, crowd_of
from teastorm.tune.slo import Measured, Slo
from teastorm.tune.study import Tried


def scored(miss, hours, changes=1, *, seeds=1):
    runs = tuple(
        One(
            seed=n, offered=1000, missed=round(1000 * miss) + n, refused=0, p99_s=1.0,
            pod_hours=hours, changes=changes, curve=((0.0, 1, 1),),
        )
        for n in range(seeds)
    )  # fmt: skip
    return Score(runs=runs)


@pytest.mark.parametrize(
    ("text", "slo"),
    [
        ("good>=0.98", Slo(good=0.98)),
        ("good >= 98 %, p99<=1.5s", Slo(good=0.98, p99_s=1.5)),
        ("refused<=5%", Slo(refused=0.05)),
    ],
)
def test_objectives_are_read_and_written(text, slo):
    assert Slo.parse(text) == slo
    assert Slo.parse(str(slo)) == slo


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "'' is no objective"),
        ("nice>=1", "'nice>=1' is no objective"),
        ("good<=0.9", "good needs >=, got 'good<=0.9'"),
        ("good>=1.2", "good must be a share from 0 to 1, got 1.2"),
        ("p99<=0", "p99 must be above 0 s, got 0"),
        ("good>=0.9,good>=0.8", "good is there twice"),
        ("good>=1e", "'1e' is not a number"),
    ],
)
def test_bad_objectives_are_refused(text, sentence):
    with pytest.raises(TuneInvalid, match="--slo") as caught:
        Slo.parse(text)
    assert sentence in str(caught.value)


def test_excess_is_zero_exactly_when_all_is_met():
    slo = Slo(good=0.95, refused=0.1, p99_s=1.0)
    assert slo.excess(Measured(good=0.95, refused=0.1, p99_s=1.0)) == 0
    for worse in (
        Measured(good=0.94, refused=0.1, p99_s=1.0),
        Measured(good=0.95, refused=0.11, p99_s=1.0),
        Measured(good=0.95, refused=0.1, p99_s=1.1),
        Measured(good=0.95, refused=0.1, p99_s=None),
    ):
        assert slo.excess(worse) > 0


@pytest.mark.parametrize(
    ("metric", "function", "target"),
    [
        (Metric.CPU, Function.RESOURCE_UTILIZATION, 80),  # (20 + 980 * 0.8) of 1000
        (Metric.IN_FLIGHT, Function.PODS_AVERAGE_VALUE, 6400),
        (Metric.OFFERED, Function.EXTERNAL_AVERAGE_VALUE, 12_800),
    ],
)
def test_a_headroom_means_the_same_share_of_a_replica_for_every_metric(
    service, metric, function, target
):
    found = Setting(metric=metric, headroom=0.25).target(service)
    assert found.function is function
    assert found.target == target


settings = st.builds(
    Setting,
    metric=st.sampled_from(Metric),
    headroom=st.floats(0, 2),
    min_replicas=st.integers(1, 5),
    max_replicas=st.integers(5, 20),
    up_percent=st.sampled_from([50, 100, 400]),
    up_window_s=st.sampled_from([0, 30]),
    down_percent=st.sampled_from([10, 100]),
    down_window_s=st.sampled_from([60, 300]),
    ahead_s=st.sampled_from([0, 60]),
    ahead_replicas=st.integers(0, 5),
)


@pytest.fixture(scope="module")
def a_service():
    from teastorm.simulate.demand import Demand  # noqa: PLC0415
    from teastorm.simulate.scenario import Scenario  # noqa: PLC0415
    from teastorm.tune.service import Service  # noqa: PLC0415

    points = [(0, 6.0), (120, 90.0), (450, 6.0), (600, 6.0)]
    return Service(scenario=Scenario(demand=Demand.of_rates("x", points)))


@pytest.mark.slow  # seconds of simulation
@given(setting=settings)
def test_what_is_written_is_what_was_simulated(a_service, setting):
    """The manifest, read by the port, is the autoscaler that the simulation had."""
    manifest = read_manifest(manifests.hpa(setting, a_service))
    told, simulated = scaling_of(manifest), setting.scaling(a_service)
    assert told.spec == simulated.spec
    assert told.metrics == simulated.metrics
    values = yaml.safe_load(manifests.values(setting, a_service))["inference"]["autoscaling"]
    assert (values["minReplicas"], values["maxReplicas"]) == (
        setting.min_replicas,
        setting.max_replicas,
    )
    assert (
        values["behavior"] == yaml.safe_load(manifests.hpa(setting, a_service))["spec"]["behavior"]
    )


def test_the_values_name_the_charts_fields(service):
    def autoscaling(metric):
        text = manifests.values(Setting(metric=metric), service)
        return yaml.safe_load(text)["inference"]["autoscaling"]

    assert autoscaling(Metric.CPU)["targetCPUUtilization"] == 80
    assert autoscaling(Metric.IN_FLIGHT)["targetInFlight"] == 6.4
    assert autoscaling(Metric.OFFERED)["targetOfferedRps"] == 12.8
    assert {autoscaling(metric)["metric"] for metric in Metric} == {"cpu", "inFlight", "offered"}


def test_a_planned_floor_stands_from_before_the_crowd_to_its_end(service):
    setting = Setting(min_replicas=1, ahead_s=60, ahead_replicas=3)
    start, end = setting.planned(service, service.scenario.demand)
    assert (start.at_s, start.min_replicas) == (90, 3)
    assert (end.at_s, end.min_replicas) == (450, 0)
    assert "3 replicas planned from 0:01:30 until 0:07:30" in words.ahead(setting, service)
    comments = [line for line in manifests.hpa(setting, service).splitlines() if line[0] == "#"]
    patch = "#   kubectl patch hpa RELEASE-inference --type merge -p '{}'"
    assert comments[2:] == [
        "# At 0:01:30:",
        patch.format('{"spec":{"minReplicas":3}}'),
        "# At 0:07:30:",
        patch.format('{"spec":{"minReplicas":1}}'),
    ]
    assert (
        Setting(min_replicas=3, ahead_s=60, ahead_replicas=3).planned(
            service, service.scenario.demand
        )
        == ()
    )
    assert crowd_of(service.scenario.demand, 40.0) is None


def test_compression_shortens_periods_and_not_rates(service):
    scenario = dataclasses.replace(
        service.scenario, scaling=Setting(ahead_s=60, ahead_replicas=3).scaling(service)
    )
    short = compressed(scenario, 5)
    assert short.demand.seconds == scenario.demand.seconds / 5
    assert short.demand.peak_rps == scenario.demand.peak_rps
    assert short.inference.startup_s == 6
    assert short.inference.ttft_s == scenario.inference.ttft_s
    assert (short.scaling.sync_s, short.scaling.lag_s) == (3, 1)
    down = short.scaling.spec.behaviour.down
    assert (down.stabilization_window_s, down.policies[0].period_s) == (60, 3)
    assert short.scaling.start_up.cpu_initialization_period_s == 60
    assert compressed(scenario, 1) is scenario


def test_the_factor_follows_the_size_of_the_demand(service):
    demand = service.scenario.demand
    assert factor_for(demand, requests=1e9) == 1
    assert factor_for(demand, requests=demand.orders / 3) == pytest.approx(3)
    assert factor_for(demand, requests=1) == 12


def test_the_front_holds_what_nothing_beats():
    def tried(miss, hours, changes, **changed):
        return Tried(setting=Setting(**changed), score=scored(miss, hours, changes))

    cheap = tried(0.30, 1.0, 1, headroom=0.1)
    good = tried(0.01, 5.0, 3, headroom=0.2)
    beaten = tried(0.02, 6.0, 3, headroom=0.3)
    calm = tried(0.02, 6.0, 1, headroom=0.4)
    same = tried(0.01, 5.0, 3, headroom=0.5)
    front = front_of([good, beaten, cheap, calm, cheap, same], Slo(good=0.95))
    assert [one.setting.headroom for one in front] == [0.1, 0.2, 0.4]


def test_a_recommendation_says_what_less_and_more_would_bring(service):
    def candidate(name, miss, hours):
        return Candidate(name=name, setting=Setting(), score=scored(miss, hours, seeds=2))

    front = tuple(
        candidate(*each)
        for each in (("A", 0.2, 1.0), ("B", 0.04, 5.0), ("C", 0.03, 6.0), ("D", 0.001, 7.0))
    )
    choice = Choice(front=front, chosen=front[1], sure=True, nearest=front[1], now=None)
    lines = words.recommendation(choice, service, Slo(good=0.9), 2)
    assert lines[0].startswith("Take B: CPU at 80 % of the request; 2 to 10 replicas")
    assert lines[2].startswith(
        "The next cheaper on the front, A, would save 4 pod-hours and miss 20"
    )
    assert lines[3].startswith("For 2 pod-hours more, D would miss 0.15 %")
    assert lines[4].endswith("the objectives are met by its unfavourable end too.")
    unsure = words.recommendation(dataclasses.replace(choice, sure=False), service, Slo(), 2)
    assert unsure[-1].endswith("its unfavourable end does not: not sure.")
    assert "One seed has no interval" in words.recommendation(choice, service, Slo(), 1)[-1]


def test_figures_carry_their_interval():
    one, many = scored(0.1, 2.0), scored(0.1, 2.0, seeds=5)
    assert one.miss_share.half_width is None
    assert words.percent(one.miss_share) == "10 %"
    # five shares .1 to .104: mean .102, t(4) = 2.776, s = .00158
    assert many.miss_share.mean == pytest.approx(0.102)
    assert many.miss_share.half_width == pytest.approx(2.776 * 0.0015811 / 5**0.5, rel=1e-3)
    assert many.meets(Slo(good=0.897))
    assert not many.meets(Slo(good=0.897), cautious=True)


def test_seeds_without_a_miss_do_not_promise_that_there_is_none():
    spotless = Score(
        runs=tuple(dataclasses.replace(run, missed=0) for run in scored(0, 2.0, seeds=5).runs)
    )
    assert (spotless.miss_share.mean, spotless.miss_share.half_width) == (0, 3 / 5000)
    assert spotless.meets(Slo(good=1.0))
    assert not spotless.meets(Slo(good=1.0), cautious=True)
    assert spotless.meets(Slo(good=0.999), cautious=True)
    assert scored(0, 2.0).miss_share.half_width is None  # one seed has no interval at all


@pytest.mark.parametrize("seeds", [3, 5, 10, 30])
def test_the_interval_covers_as_often_as_it_says(seeds):
    """Student's t by its own definition: 95 % of the intervals of normal draws hold their mean."""
    rng = np.random.default_rng(seeds)
    draws = rng.normal(4.0, 2.0, size=(4000, seeds))
    held = 0
    for row in draws:
        found = mean_of(row.tolist())
        held += abs(found["mean"] - 4.0) <= found["half_width"]
    assert held / len(draws) == pytest.approx(0.95, abs=0.014)  # four standard errors
