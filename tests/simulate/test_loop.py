"""The loop: everything at its time, equal times in the order they were asked for."""

from hypothesis import given
from hypothesis import strategies as st

from teastorm.simulate.loop import Loop

moments = st.one_of(
    st.floats(0.0, 3.0),
    st.sampled_from([0.0, 1 / 64, 0.5, 1.0, 2.0, 1e6]),
    st.integers(0, 200).map(lambda n: n / 64),
)


@given(
    arrivals=st.lists(moments, max_size=30).map(sorted),
    asked=st.lists(st.tuples(moments, st.lists(st.floats(0.0, 1.0), max_size=3)), max_size=30),
)
def test_it_runs_as_one_heap_would(arrivals, asked):
    loop = Loop()
    ran, due, number = [], [], iter(range(10_000))

    def ask(time_s, followers):
        name = next(number)
        due.append((time_s, name))
        loop.at(time_s, run, (name, followers))

    def run(now_s, what):
        name, followers = what
        ran.append((now_s, name))
        for gap_s in followers:
            ask(now_s + gap_s, [])

    for time_s, followers in asked:
        ask(time_s, followers)
    end_s = loop.run(((t, None) for t in arrivals), lambda now_s, _: ran.append((now_s, "came")))
    assert [what for what in ran if what[1] != "came"] == sorted(due)
    assert [now_s for now_s, _ in ran] == sorted(now_s for now_s, _ in ran)
    assert [now_s for now_s, name in ran if name == "came"] == arrivals
    assert loop.events == len(ran)
    assert end_s == (ran[-1][0] if ran else 0.0)


def test_a_time_gone_by_means_next():
    loop = Loop()
    ran = []

    def late(now_s, name):
        ran.append(name)
        if name == "first":
            loop.at(now_s - 5.0, late, "gone by")

    loop.at(7.0, late, "first")
    loop.at(7.001, late, "second")
    loop.run([], late)
    assert ran == ["first", "gone by", "second"]


def test_an_event_due_at_an_arrival_comes_before_it():
    loop = Loop()
    ran = []
    loop.at(0.25, lambda _now_s, _: ran.append("event"))
    loop.run([(0.25, None)], lambda _now_s, _: ran.append("arrival"))
    assert ran == ["event", "arrival"]
