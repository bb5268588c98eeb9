"""Whole sessions on a small day: found, not found, the same whatever the workers."""

import dataclasses
from dataclasses import asdict
from itertools import pairwise

import orjson
import pytest

from teastorm.autoscale.chart_values import read_hpa
from teastorm.autoscale.manifest import read_manifest
from teastorm.simulate.hpa import scaling_of
from teastorm.tune import session as sessions
from teastorm.tune.choose import choose
from teastorm.tune.errors import TuneInvalid
from teastorm.tune.score import score
from teastorm.tune.search import search
from teastorm.tune.session import Wish, tune
from teastorm.tune.session_json import as_json
from teastorm.tune.setting import Metric, Setting
from teastorm.tune.slo import Slo
from teastorm.tune.space import Space
from teastorm.tune.study import Search, Tried
from teastorm.tune.write import write

HOW = Search(trials=6, seeds=(7,), factor=10.0, seed=3)


def wish(service, **changes):
    given = {
        "service": service,
        "slo": Slo(good=0.9),
        "space": Space(most=5),
        "trials": 6,
        "seeds": 2,
        "factor": 5.0,
    }
    return Wish(**given | changes)


def silent(_text):
    return


@pytest.fixture(scope="module")
def kept():
    """One session for what only reads it."""
    return {}


@pytest.fixture
def half(service):
    """The small day in half the time: at its own speed it is what costs most here."""
    demand = service.scenario.demand
    steps = tuple(s._replace(start_s=s.start_s / 2, end_s=s.end_s / 2) for s in demand.steps)
    scenario = dataclasses.replace(
        service.scenario, demand=dataclasses.replace(demand, steps=steps)
    )
    return dataclasses.replace(service, scenario=scenario)


@pytest.fixture
def session(half, kept):
    if "session" not in kept:
        kept["session"] = tune(wish(half), silent)
    return kept["session"]


def test_more_replicas_miss_less_and_cost_more(service):
    few, many = Setting(min_replicas=1, max_replicas=1), Setting(min_replicas=4, max_replicas=4)
    one, four = score(service, [few.scaling(service), many.scaling(service)], [1, 2], factor=10.0)
    assert one.miss_share.low > four.miss_share.high
    assert one.pod_hours.mean == pytest.approx(600 / 3600, rel=0.02)  # hours of the day
    assert four.pod_hours.mean == pytest.approx(4 * 600 / 3600, rel=0.02)
    assert [run.seed for run in one.runs] == [1, 2]


def test_pod_hours_are_the_area_under_the_wanted_replicas(service):
    """By hand from the curve: a replica is paid for from being asked for to having drained."""
    setting = Setting(
        metric=Metric.OFFERED, min_replicas=1, max_replicas=4, down_window_s=60,
        ahead_s=60, ahead_replicas=3,
    )  # fmt: skip
    (found,) = score(service, [setting.scaling(service)], [1], factor=10.0)
    (run,) = found.runs
    times = [at_s for at_s, _, _ in run.curve if at_s < 600] + [600.0]
    wanted = [replicas for _, replicas, _ in run.curve]
    assert max(wanted) >= 3
    assert wanted[-1] < max(wanted)
    area_s = sum(n * (b - a) for n, (a, b) in zip(wanted, pairwise(times), strict=False))
    assert area_s <= 3600 * run.pod_hours <= 1.05 * area_s  # draining comes on top


def test_a_recommendation_meets_the_objectives_and_says_what_it_costs(session):
    choice = session.choice
    assert choice.chosen is not None
    assert choice.chosen.score.meets(session.slo)
    meeting = [c for c in choice.front if c.score.meets(session.slo, cautious=choice.sure)]
    assert choice.chosen.score.pod_hours.mean == min(c.score.pod_hours.mean for c in meeting)
    assert session.sentences[0].startswith(f"Take {choice.chosen.name}: ")
    assert "pod-hours" in session.sentences[1]
    assert "95 % interval over 2 seeds" in session.sentences[-2]
    assert "everything" in session.assumed
    assert any("5 times as fast" in line for line in session.assumed)


def test_the_choice_is_told_at_the_demands_own_speed_too(session, half):
    chosen, own_speed = session.choice.chosen, session.own_speed
    (alone,) = score(half, [chosen.setting.scaling(half)], [1000], factor=1.0)
    assert [run.seed for run in own_speed.runs] == [1000, 1001]
    assert own_speed.runs[0] == alone.runs[0]
    assert session.sentences[-1].startswith("Not compressed (5 times), it has misses ")
    assert as_json(session)["own_speed"]["miss_share"]["mean"] == own_speed.miss_share.mean


def test_what_only_compression_makes_good_is_not_sure(session, half, monkeypatch):
    """The choice at its own speed is made to miss everything."""

    def spoiled(service, scalings, seeds, *, factor, executor=None):
        assert factor == 1
        found = score(service, scalings, seeds, factor=5.0, executor=executor)
        return [
            type(one)(runs=tuple(dataclasses.replace(r, missed=r.offered) for r in one.runs))
            for one in found
        ]

    monkeypatch.setattr(sessions, "score", spoiled)
    monkeypatch.setattr(sessions, "search", lambda *_given, **_named: list(session.tried))
    again = tune(wish(half), silent)
    assert (session.choice.sure, again.choice.sure) == (True, False)
    assert again.sentences[-1].endswith("does not meet (try a smaller --time-factor) good>=0.9.")


def test_the_figures_told_are_of_seeds_that_the_search_did_not_see(session):
    searched = {run.seed for one in session.tried for run in one.score.runs}
    judged = {run.seed for one in session.choice.front for run in one.score.runs}
    assert searched
    assert judged
    assert not searched & judged


def test_the_front_is_told_by_cost(session):
    hours = [one.score.pod_hours.mean for one in session.choice.front]
    assert [one.name for one in session.choice.front] == list("ABCDEFGH")[: len(hours)]
    assert len(hours) >= 2


@pytest.mark.slow  # whole sessions, twice
def test_workers_change_nothing(half, session):
    again = tune(wish(half, workers=2), silent)
    assert as_json(again) == as_json(session)


@pytest.mark.slow  # a whole session more
def test_another_seed_is_another_session(half, session):
    assert as_json(tune(wish(half, seed=9), silent)) != as_json(session)


def test_impossible_objectives_get_the_nearest(half, tmp_path):
    session = tune(wish(half, slo=Slo(good=1.0, p99_s=0.01), trials=4, seeds=1), silent)
    assert session.choice.chosen is None
    assert session.sentences[0].startswith(
        "Nothing in the search space meets good>=1,p99<=0.01. Nearest comes "
    )
    (tmp_path / "hpa.yaml").write_text("of an earlier session")
    files = write(session, tmp_path)
    assert [path.name for path in files] == ["tune.html", "tune.json"]
    assert not (tmp_path / "hpa.yaml").exists()


def test_the_files_say_what_was_chosen(session, tmp_path):
    files = write(session, tmp_path / "new")
    assert [path.name for path in files] == ["tune.html", "tune.json", "hpa.yaml", "values.yaml"]
    told = orjson.loads(files[1].read_bytes())
    assert told["schema"] == "teastorm.tune/1"
    [mine] = [one for one in told["front"] if one["name"] == told["recommended"]]
    chosen = session.choice.chosen.setting.scaling(session.service)
    assert scaling_of(read_hpa(files[2].read_text())) == chosen
    assert chosen.spec.min_replicas == mine["setting"]["min_replicas"]
    assert chosen.metrics[0].target == mine["target"]["target"]
    assert [asdict(each) for each in chosen.planned] == mine["planned"]
    page = files[0].read_text()
    assert page.count("<svg") == 2
    assert "<script" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    assert session.sentences[0].partition(":")[0] in page


def test_a_folder_that_cannot_be_written_is_refused(session, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(TuneInvalid, match=r"--out: .* cannot be written"):
        write(session, tmp_path / "file" / "under")


NOW = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: till}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: inference}
  minReplicas: 1
  maxReplicas: 1
  metrics:
    - type: Pods
      pods:
        metric: {name: teashop_in_flight}
        target: {type: AverageValue, averageValue: 4}
"""


def test_the_settings_in_force_are_told_beside(service, session):
    choice = choose(
        service, session.tried[:1], session.slo, [1], factor=10.0, now=read_manifest(NOW)
    )
    assert choice.now is not None
    assert not choice.now.score.meets(session.slo)
    unknown = read_manifest(NOW.replace("teashop_in_flight", "queue_depth"))
    with pytest.raises(TuneInvalid, match="'queue_depth' is no"):
        choose(service, session.tried, session.slo, [1], factor=10.0, now=unknown)


def test_a_search_tries_what_anybody_would_try_first(service):
    tried = search(service, Space(most=5), Slo(good=0.9), HOW)
    first = [one.setting for one in tried[:4]]
    assert first[0] == Setting(min_replicas=2, max_replicas=5)
    assert first[1].metric is Metric.OFFERED
    assert first[2].ahead_replicas == 3
    assert first[3].min_replicas == 3
    assert len(tried) == 6
    assert all(isinstance(one, Tried) for one in tried)


def test_a_space_is_kept_to(service):
    space = Space(metrics=(Metric.CPU,), fewest=2, most=3, planned=False)
    for one in search(service, space, Slo(good=0.9), dataclasses.replace(HOW, trials=5)):
        assert one.setting.metric is Metric.CPU
        assert 2 <= one.setting.min_replicas <= one.setting.max_replicas == 3
        assert one.setting.ahead_s == 0


@pytest.mark.parametrize(
    ("space", "sentence"),
    [({"metrics": ()}, "name at least one"), ({"fewest": 4, "most": 3}, "must be from 1 to")],
)
def test_an_empty_space_is_refused(space, sentence):
    with pytest.raises(TuneInvalid, match=sentence):
        Space(**space)
