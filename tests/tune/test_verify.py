"""A choice made an experiment, and a run without an autoscaler refused."""

import dataclasses
from pathlib import Path

import numpy as np
import orjson
import pytest
import yaml

from teastorm.load.curve import read_curve
from teastorm.runner import experiment as experiments
from teastorm.tune.demand import rates_at
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.session import Wish, tune
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.verify import compare, lags_of
from teastorm.tune.verify_experiment import MOST_REPLICAS, OF_REFUSALS, experiment
from teastorm.tune.write import write

TEMPLATE = Path(__file__).parents[2] / "experiments" / "late-scaling.yaml"


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def session(service, kept):
    if "session" not in kept:
        wish = Wish(
            service=service,
            slo=Slo(good=0.01),
            space=Space(fewest=2, most=4),
            trials=4,
            seeds=1,
            factor=10.0,
        )
        kept["session"] = tune(wish, lambda _text: None)
    return kept["session"]


def test_the_experiment_runs_the_choice_on_its_own_demand(session, tmp_path):
    write(session, tmp_path)
    found = experiments.read(experiment(session, tmp_path, TEMPLATE))
    chosen = session.choice.chosen.setting
    assert found.autoscaler.live.spec == chosen.spec
    assert found.autoscaler.live.metrics[0].target == chosen.target(session.service).target
    assert found.autoscaler.request_milli == 82  # 80m of the mock for 980m of 1000m
    assert found.time_factor == 600 / 240
    assert found.load.fault_s == 240
    assert found.replicas["inference"] == chosen.min_replicas
    theory_rps = 16 / (1.25 * (0.08 + 40 * 0.008)) * chosen.min_replicas
    assert found.load.factor == pytest.approx(40 / theory_rps, abs=1e-3)


def test_a_choice_that_suffices_can_be_held(session, tmp_path):
    """It refuses nobody, and a check on refusals of whom there are none is unknown."""
    write(session, tmp_path)
    found = experiments.read(experiment(session, tmp_path, TEMPLATE))
    known = experiments.read(TEMPLATE)
    assert set(known.checks) - set(found.checks) == OF_REFUSALS
    assert "critical-success" in found.checks


def test_the_load_follows_a_demand_of_minutes_as_it_is(session, tmp_path):
    """Ten minutes with ramps of half a minute, replayed in four."""
    write(session, tmp_path)
    found = experiments.read(experiment(session, tmp_path, TEMPLATE))
    peak_rps = 40.0
    curve = read_curve(tmp_path / "verify-curve.csv")
    offered = curve.compressed(time_factor=curve.seconds / found.load.fault_s, peak_rps=peak_rps)
    ends_s = np.cumsum([width_s for width_s, _ in offered])
    assert ends_s[-1] == pytest.approx(240)
    at_s = np.arange(0.5, 240)
    found_rps = np.array([rps for _, rps in offered])[np.searchsorted(ends_s, at_s)]
    meant_rps = rates_at(session.service.scenario.demand, at_s * 600 / 240)
    assert np.mean(np.abs(found_rps - meant_rps) < 1) > 0.96
    assert max(found_rps) == pytest.approx(peak_rps)


def test_a_choice_too_big_for_one_machine_is_a_precondition(session, tmp_path):
    chosen = session.choice.chosen
    big = dataclasses.replace(chosen.setting, max_replicas=MOST_REPLICAS + 1)
    choice = dataclasses.replace(session.choice, chosen=dataclasses.replace(chosen, setting=big))
    with pytest.raises(TuneInvalid, match="more than one machine shows") as caught:
        experiment(dataclasses.replace(session, choice=choice), tmp_path, TEMPLATE)
    assert caught.value.exit_code == 3
    assert list(tmp_path.iterdir()) == []


def test_nothing_chosen_is_nothing_to_verify(session, tmp_path):
    choice = dataclasses.replace(session.choice, chosen=None)
    with pytest.raises(TuneInvalid, match="nothing to verify"):
        experiment(dataclasses.replace(session, choice=choice), tmp_path, TEMPLATE)


def test_a_folder_that_is_no_run_is_refused(tmp_path):
    with pytest.raises(TuneInvalid):
        compare(tmp_path, [1])


def test_the_lag_of_each_replica_is_read(tmp_path):
    rows = [{"kind": "scaled_out", "lag": {"start_s": 1.5}}, {"kind": "scale"}]
    (tmp_path / "events.json").write_bytes(orjson.dumps(rows))
    assert lags_of(tmp_path) == [{"start_s": 1.5}]


def test_the_manifest_beside_it_is_the_one_that_runs(session, tmp_path):
    write(session, tmp_path)
    document = yaml.safe_load(experiment(session, tmp_path, TEMPLATE).read_text())
    [extension] = document["extensions"]
    assert extension["autoscaler"]["hpa"] == "hpa.yaml"
    assert (tmp_path / "hpa.yaml").is_file()
