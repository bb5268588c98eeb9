"""A verification on a cluster, without the cluster: what it asks for, and what it makes of a record."""

import dataclasses

import pytest
import yaml
from tests.simulate.test_live import row
from tests.tune.api_answers import HPA, answers, pod

from teastorm.load.draw import draw
from teastorm.load.records import to_table, write_requests
from teastorm.simulate.demand import Demand
from teastorm.tune.errors import SourceUnreachable, TuneInvalid
from teastorm.tune.hpa_lags import lag_parts
from teastorm.tune.hpa_look import manifest_of, parse_look
from teastorm.tune.hpa_record import HpaRecord
from teastorm.tune.session import Wish, tune
from teastorm.tune.setting import Metric
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.verify_cluster import ClusterVerified, verify_on_cluster
from teastorm.tune.verify_load import plan_of, values_of
from teastorm.tune.verify_record import compare


@pytest.fixture(scope="module")
def kept():
    return {}


@pytest.fixture
def session(shortened, kept):
    if "session" not in kept:
        wish = Wish(
            service=shortened,
            slo=Slo(good=0.01),
            space=Space(metrics=(Metric.CPU,), fewest=1, most=3),
            trials=2,
            seeds=1,
            factor=1.0,
        )
        kept["session"] = tune(wish, lambda _text: None)
    return kept["session"]


def test_the_load_is_the_demand_in_as_many_seconds(session):
    plan = plan_of(session, None)
    assert plan.seconds == session.service.scenario.demand.seconds
    longer = plan_of(session, 600.0)
    assert longer.seconds == 600
    steps = longer.segments()
    assert max(s.end_s - s.start_s for s in steps) == pytest.approx(15.0)
    assert max(s.rps for s in steps) == pytest.approx(40.0, rel=0.02)
    assert steps[0].rps == pytest.approx(6.0, rel=0.2)


def test_a_demand_of_days_has_to_be_shortened(session):
    demand = Demand.constant(5.0, 9 * 3600.0)
    scenario = dataclasses.replace(session.service.scenario, demand=demand)
    service = dataclasses.replace(session.service, scenario=scenario)
    with pytest.raises(TuneInvalid, match=r"lasts 9\.0 hours; say in how many minutes"):
        plan_of(dataclasses.replace(session, service=service), None)


def test_the_values_are_the_choice_and_a_request_that_fits_the_mock(session):
    burn_share, text = values_of(session.values, session.service)
    content = yaml.safe_load(text)["inference"]
    assert content["autoscaling"] == yaml.safe_load(session.values)["inference"]["autoscaling"]
    # 16 answers a second cost 19m; the mock burns the rest of 80m, of which a full one shows 98 %.
    assert burn_share == pytest.approx(0.0608, abs=1e-4)
    assert content["resources"]["requests"]["cpu"] == "82m"


def test_nothing_chosen_is_nothing_to_verify(session, tmp_path):
    choice = dataclasses.replace(session.choice, chosen=None)
    with pytest.raises(TuneInvalid, match="nothing to verify"):
        verify_on_cluster(
            dataclasses.replace(session, choice=choice), tmp_path, None,
            seconds=None, seeds=[1], told=print,
        )  # fmt: skip


def made_up(session) -> HpaRecord:
    """Two replicas from 20 s on, told at 18 s; a sample each 10 s, had 3 s later."""
    plan = plan_of(session, None)
    looks = []
    for at_s in range(int(plan.seconds)):
        end_s = float((at_s - 3) // 10 * 10)
        names = ["a", "b"] if at_s >= 20 else ["a"]
        base = parse_look(**answers(pods={"items": [pod(name) for name in names]}))
        looks.append(
            dataclasses.replace(
                base,
                at_s=float(at_s),
                wanted=2 if at_s >= 18 else 1,
                samples={"a": base.samples["a"]._replace(timestamp_s=end_s, window_s=10.0)},
            )
        )
    return HpaRecord(
        hpa=manifest_of(HPA),
        plan=plan,
        seed=1,
        model=session.service.model,
        replicas={"gateway": 2},
        looks=tuple(looks),
    )


def test_the_parts_of_the_lag_are_read_off(session):
    parts = lag_parts(made_up(session))
    assert parts["start"] == 2.0
    assert parts["metric"] == pytest.approx(8.0)  # half of ten, and three
    assert parts["sync"] == pytest.approx(5.0)  # had at 13, told at 18


def test_predicted_stands_beside_measured(session, tmp_path):
    record = made_up(session)
    chats = [a for a in draw(record.plan, 1).arrivals if a.klass == "chat"]
    rows = [row(a.intended_s, 0.5 if n % 4 else 5.0) for n, a in enumerate(chats)]
    write_requests(tmp_path / "requests.parquet", to_table(rows))
    scenario = dataclasses.replace(
        session.service.scenario,
        scaling=session.choice.chosen.setting.scaling(session.service),
    )
    found = compare(record, tmp_path, scenario, (1, 2))
    figures = {figure.name: figure for figure in found.figures}
    assert figures["misses"].measured == pytest.approx(0.25, abs=0.01)
    assert figures["p99 of good answers"].measured == pytest.approx(0.5)
    assert figures["changes"].measured == 1
    assert figures["lag: start"].predicted.mean == scenario.inference.startup_s
    assert figures["ready pod-seconds"].measured == sum(found.measured)
    assert 0 <= found.within_one <= 1
    told = ClusterVerified(verified=found, check=None, why="no cpu").as_json()
    assert (told["check"], told["why"]) == (None, "no cpu")


def test_a_load_without_a_good_answer_is_a_precondition(session, tmp_path):
    write_requests(tmp_path / "requests.parquet", to_table([row(1.0, 9.0)]))
    scenario = session.service.scenario
    with pytest.raises(SourceUnreachable, match="was answered well"):
        compare(made_up(session), tmp_path, scenario, (1,))
