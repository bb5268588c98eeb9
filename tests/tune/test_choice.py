"""From figures to a choice: intervals, fronts, and the words of a recommendation."""

import dataclasses

import numpy as np
import pytest

from teastorm.simulate.summary import mean_of
from teastorm.tune import words
from teastorm.tune.choose import Candidate, Choice, front_of
from teastorm.tune.score import One, Score
from teastorm.tune.setting import Setting
from teastorm.tune.slo import Slo
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
