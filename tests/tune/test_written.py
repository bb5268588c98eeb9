"""What a session writes can be simulated as it was chosen: bounds, target, behaviour and what is planned."""

import dataclasses
import math

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale.chart_values import read_hpa
from teastorm.autoscale.planned import Planned
from teastorm.cli.main import cli
from teastorm.simulate import Demand, Scenario, ScenarioInvalid, simulate
from teastorm.simulate import asked as simulated
from teastorm.simulate.hpa import scaling_of
from teastorm.tune import manifests
from teastorm.tune.asked import Asked, wish_of
from teastorm.tune.service import Service
from teastorm.tune.setting import Metric, Setting

DAY = Demand.of_rates("x", [(0, 6.0), (120, 90.0), (450, 6.0), (600, 6.0)])
SERVICE = Service(scenario=Scenario(demand=DAY))

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
    ahead_s=st.sampled_from([0, 60, 600]),
    ahead_replicas=st.integers(0, 5),
)


@given(setting=settings)
def test_what_is_written_is_what_was_simulated(setting):
    """Both files, read again, are the very autoscaler that the simulation had."""
    meant = setting.scaling(SERVICE)
    assert scaling_of(read_hpa(manifests.hpa(setting, SERVICE))) == meant
    told = scaling_of(read_hpa(manifests.values(setting, SERVICE)))
    # The chart looks at its own container's CPU; a pod of the model has one container.
    metrics = tuple(dataclasses.replace(metric, container="") for metric in told.metrics)
    assert dataclasses.replace(told, metrics=metrics) == meant


CURVE = "minute,relative_rate\n0,0.1\n1,0.1\n1.5,1\n3,1\n3.5,0.1\n5,0.1\n"
CHOSEN = Setting(min_replicas=1, max_replicas=4, ahead_s=45, ahead_replicas=3)


@pytest.fixture(scope="module")
def tuned(tmp_path_factory):
    """A folder with a demand, and the files of a setting that plans three replicas for it."""
    folder = tmp_path_factory.mktemp("tuned")
    (folder / "curve.csv").write_text(CURVE)
    asked = Asked(demand=str(folder / "curve.csv"), slo="good>=0.9", peak_rps=40.0)
    service = wish_of(asked).service
    (folder / "hpa.yaml").write_text(manifests.hpa(CHOSEN, service))
    (folder / "values.yaml").write_text(manifests.values(CHOSEN, service))
    return folder, service


def asked(tuned, file="hpa.yaml", **changes):
    """As `teastorm simulate` would be asked for the same demand under a file."""
    folder, service = tuned
    demand = service.scenario.demand
    given = {"demand": str(folder / "curve.csv"), "orders": demand.orders, "replicas": 1}
    return simulated.Asked(hpa=folder / file, **given | {"hours": demand.seconds / 3600} | changes)


def wanted_at(scenario, at_s):
    """Replicas wanted at a moment, with a tenth of the demand: the plan does not look at it."""
    steps = tuple(step._replace(rps=step.rps / 10) for step in scenario.demand.steps)
    demand = dataclasses.replace(scenario.demand, steps=steps)
    result = simulate(dataclasses.replace(scenario, demand=demand), 1)
    return [r.wanted for r in result.replicas if r.at_s <= at_s][-1]


def test_the_files_of_a_session_are_simulated_with_what_they_plan(tuned):
    _, service = tuned
    scenario = simulated.scenario_of(asked(tuned))
    assert scenario.scaling == CHOSEN.scaling(service)
    assert scenario.demand.seconds == service.scenario.demand.seconds
    assert scenario.demand.peak_rps == pytest.approx(service.scenario.demand.peak_rps)
    start, end = scenario.scaling.planned
    assert start.min_replicas == 3
    unplanned = simulated.scenario_of(asked(tuned, planned=False))
    before_the_crowd_s = start.at_s + 20
    assert wanted_at(scenario, before_the_crowd_s) == 3
    assert wanted_at(unplanned, before_the_crowd_s) == 1
    assert end.min_replicas == 0


def test_a_shop_starts_within_the_bounds_of_its_hpa(tuned):
    for replicas, started in ((1, 1), (9, 4)):
        scenario = simulated.scenario_of(asked(tuned, replicas=replicas))
        assert scenario.replicas == started


@pytest.mark.parametrize("most", [None, 2, 60], ids=["usual", "few", "more than of use"])
@pytest.mark.parametrize("peak_rps", [20.0, 100.0, 128.0, 2000.0])
def test_it_is_simulated_in_the_shop_that_it_was_tuned_in(peak_rps, most, tuned, tmp_path):
    folder, _ = tuned
    curve = str(folder / "curve.csv")
    wish = wish_of(Asked(demand=curve, slo="good>=0.9", peak_rps=peak_rps, max_replicas=most))
    demand = wish.service.scenario.demand
    setting = Setting(min_replicas=1, max_replicas=wish.space.most)
    (tmp_path / "hpa.yaml").write_text(manifests.hpa(setting, wish.service))
    found = simulated.scenario_of(
        simulated.Asked(
            hpa=tmp_path / "hpa.yaml",
            demand=curve,
            orders=demand.orders,
            hours=demand.seconds / 3600,
        )
    )
    assert found.demand.peak_rps == pytest.approx(peak_rps)
    assert found.gateways == wish.service.scenario.gateways
    # The demand could use 3 replicas for each 64/s; each 5 gateways have room for 4 of 16 places.
    used = min(wish.space.most, math.ceil(peak_rps * 3 / 64))
    assert found.gateways == max(2, math.ceil(used * 4 / 5))


def test_a_plan_for_a_longer_demand_is_refused(tuned):
    with pytest.raises(ScenarioInvalid, match=r"hpa\.yaml: its plan goes on until 180 s"):
        simulated.scenario_of(asked(tuned, hours=30 / 3600))
    assert simulated.scenario_of(asked(tuned, hours=30 / 3600, planned=False)).scaling.planned == ()


def test_the_command_takes_both_files(tuned):
    folder, service = tuned
    outputs = []
    for file in ("hpa.yaml", "values.yaml"):
        words = ["simulate", "--demand", folder / "curve.csv", "--hpa", folder / file, "--json",
                 "--orders", service.scenario.demand.orders / 10, "--replicas", 1, "--hours", 1 / 12]  # fmt: skip
        done = CliRunner().invoke(cli, list(map(str, words)))
        assert done.exit_code == 0, done.stderr
        outputs.append(done.stdout)
    assert outputs[0] == outputs[1]


def test_the_hpa_in_force_may_be_values_with_a_plan(tuned):
    folder, _ = tuned
    now = wish_of(
        Asked(demand=str(folder / "curve.csv"), slo="good>=0.9", now=folder / "values.yaml")
    ).now
    assert now.planned[0] == Planned(at_s=now.planned[0].at_s, min_replicas=3)
