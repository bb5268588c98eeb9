"""The counting behind every platform, over any sequence of deaths, scalings and pauses."""

from hypothesis import given
from hypothesis import strategies as st

from teastorm.platforms.reconcile import BACKOFF_CAP_S, Step, Wanted


def test_a_loss_is_replaced_after_the_start_up_delay() -> None:
    wanted = Wanted(count=2, startup_s=3.0)
    assert wanted.step(active=1, now_s=10.0) == Step(start=0, stop=0)
    assert wanted.step(active=1, now_s=12.9) == Step(start=0, stop=0)
    assert wanted.step(active=1, now_s=13.0) == Step(start=1, stop=0)
    assert wanted.step(active=2, now_s=13.1) == Step(start=0, stop=0)


def test_a_scale_down_cancels_starts_before_it_stops_any() -> None:
    wanted = Wanted(count=2)
    wanted.want(4, active=2, now_s=0.0, startup_s=5.0)
    assert len(wanted.due_s) == 2
    wanted.want(1, active=2, now_s=1.0, startup_s=None)
    assert wanted.step(active=2, now_s=1.0) == Step(start=0, stop=1)
    assert not wanted.due_s


def test_nothing_starts_while_paused() -> None:
    wanted = Wanted(count=2, paused=True, due_s=[0.0])
    wanted.want(3, active=0, now_s=1.0, startup_s=0.0)
    assert wanted.step(active=0, now_s=9.0) == Step(start=0, stop=0)
    wanted.paused = False
    assert wanted.step(active=0, now_s=9.0) == Step(start=3, stop=0)


def test_a_crash_loop_backs_off_and_forgives() -> None:
    wanted = Wanted(count=1)
    waits = []
    for _ in range(8):
        wanted.died(was_ready=False)
        wanted.due_s.clear()
        wanted.step(active=0, now_s=0.0)
        waits.append(wanted.due_s[0])
    assert waits[:3] == [0.2, 0.4, 0.8]
    assert waits[-1] == BACKOFF_CAP_S
    wanted.became_ready()
    wanted.due_s.clear()
    assert wanted.step(active=0, now_s=0.0) == Step(start=1, stop=0)


ACTS = st.lists(
    st.tuples(st.sampled_from(["die", "scale", "tick", "pause", "resume"]), st.integers(0, 5)),
    max_size=40,
)


@given(ACTS)
def test_it_settles_at_the_wanted_count(acts: list[tuple[str, int]]) -> None:
    wanted = Wanted(count=2, startup_s=1.0)
    active, now_s = 0, 0.0
    for act, n in acts:
        now_s += 0.5
        if act == "die" and active:
            active -= 1
            wanted.died(was_ready=bool(n % 2))
        elif act == "scale":
            wanted.want(n, active=active, now_s=now_s, startup_s=None if n % 2 else 0.0)
        elif act in {"pause", "resume"}:
            wanted.paused = act == "pause"
        step = wanted.step(active=active, now_s=now_s)
        assert step.start == 0 or step.stop == 0
        active += step.start - step.stop
        assert active >= 0
        assert active + len(wanted.due_s) <= max(active, wanted.count)
    wanted.paused = False
    for _ in range(30):
        now_s += 1.0
        step = wanted.step(active=active, now_s=now_s)
        active += step.start - step.stop
    assert active == wanted.count
