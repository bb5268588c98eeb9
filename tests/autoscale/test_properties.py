from hypothesis import given
from hypothesis import strategies as st

from teastorm.autoscale.behaviour import Behaviour, Policy, PolicyType, Rules, Select
from teastorm.autoscale.calculator import Scene, resource_utilisation
from teastorm.autoscale.controller import Autoscaler, HpaSpec
from teastorm.autoscale.gomath import ceil32, quotient, wrap64
from teastorm.autoscale.metrics import PodValue
from teastorm.autoscale.pods import Container, Phase, Pod, Ready, Status

policies = st.builds(
    Policy,
    type=st.sampled_from(PolicyType),
    value=st.integers(1, 200),
    period_s=st.integers(1, 120),
)
rules = st.builds(
    Rules,
    policies=st.lists(policies, min_size=1, max_size=3).map(tuple),
    select=st.sampled_from(Select),
    stabilization_window_s=st.sampled_from([0, 15, 60, 300]),
)
behaviours = st.none() | st.builds(Behaviour, up=rules, down=rules)
wanted = st.lists(st.none() | st.integers(-5, 60), min_size=1, max_size=30)


def syncs(autoscaler, current, recommendations):
    for index, each in enumerate(recommendations):
        decision = autoscaler.decide(index * 15, current, each)
        yield decision
        current = decision.desired


@given(behaviours, st.integers(1, 10), st.integers(0, 30), st.integers(1, 60), wanted)
def test_desired_is_always_within_the_bounds(behaviour, minimum, more, current, recommendations):
    spec = HpaSpec(min_replicas=minimum, max_replicas=minimum + more, behaviour=behaviour)
    for decision in syncs(Autoscaler(spec), current, recommendations):
        assert minimum <= decision.desired <= minimum + more


@given(behaviours, st.integers(1, 40), wanted)
def test_a_change_is_never_away_from_what_is_wanted_of_late(behaviour, current, recommendations):
    spec = HpaSpec(max_replicas=100, behaviour=behaviour)
    seen = [current]
    for decision, each in zip(
        syncs(Autoscaler(spec), current, recommendations), recommendations, strict=True
    ):
        if each is not None:
            seen.append(max(each, 0))
        if decision.desired > decision.current:
            assert max(seen) > decision.current
        if decision.desired < decision.current:
            assert min(seen) < decision.current


@given(
    st.integers(1, 20),
    st.lists(st.booleans(), min_size=2, max_size=20),
    st.integers(1, 20),
    st.booleans(),
)
def test_a_flapping_recommendation_inside_the_window_does_not_flap_replicas(
    low, flips, gap, with_behaviour
):
    high = low + gap
    down = Rules(
        policies=(Policy(type=PolicyType.PERCENT, value=100, period_s=15),),
        stabilization_window_s=300,
    )
    up = Rules(policies=(Policy(type=PolicyType.PERCENT, value=900, period_s=15),))
    spec = HpaSpec(
        max_replicas=100, behaviour=Behaviour(up=up, down=down) if with_behaviour else None
    )
    recommendations = [high if flip else low for flip in flips][:20]
    desired = [each.desired for each in syncs(Autoscaler(spec), low, recommendations)]
    assert desired == sorted(desired)  # 20 syncs of 15 s lie inside 300 s: no way down


@given(
    st.lists(st.integers(0, 2000), min_size=1, max_size=8),
    st.integers(0, 2000),
    st.integers(1, 100),
)
def test_more_use_never_asks_for_fewer_replicas(used, more, target):
    pods = [
        Pod(
            name=str(index),
            phase=Phase.RUNNING,
            start_s=-1000,
            ready=Ready(status=Status.TRUE, last_transition_s=-900),
            containers=(Container(name="app", request_milli=500),),
        )
        for index in range(len(used))
    ]
    scene = Scene(pods=pods)

    def replicas(extra):
        values = {str(index): PodValue(each + extra) for index, each in enumerate(used)}
        return resource_utilisation(scene, len(used), target, values, cpu=True).replicas

    assert replicas(0) <= replicas(more)


@given(st.integers(-(2**70), 2**70), st.integers(-(2**40), 2**40).filter(bool))
def test_division_is_toward_zero(numerator, denominator):
    numerator = wrap64(numerator)
    got = quotient(numerator, denominator)
    assert abs(numerator - got * denominator) < abs(denominator)
    assert abs(got * denominator) <= abs(numerator)


@given(st.floats())
def test_a_float_always_becomes_an_int32(value):
    assert -(2**31) <= ceil32(value) < 2**31
