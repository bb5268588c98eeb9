"""The batch as arithmetic: limits, order, conservation and speed."""

import contextlib
import math
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.inference.batches import ITL_S, SLOWDOWN, TOKENS, TTFT_S, WORK_S, batch_of, drained

from teashop.resilience.sequence import Outcome, QueueFull, Sequence


def test_one_sequence_alone_takes_its_work_at_the_first_step_of_the_slowdown() -> None:
    batch = batch_of()
    sequence = batch.submit(now_s=0.0, tokens=TOKENS)
    drained(batch)
    factor = 1 + (SLOWDOWN - 1) / 16
    assert sequence.outcome is Outcome.FINISHED
    assert sequence.held_s == pytest.approx(WORK_S * factor)
    assert sequence.first_token_s == pytest.approx((TTFT_S + ITL_S) * factor)


def test_a_full_batch_is_slower_by_the_whole_slowdown() -> None:
    batch = batch_of()
    for _ in range(16):
        batch.submit(now_s=0.0, tokens=TOKENS)
    ended = drained(batch)
    assert [s.held_s for s in ended] == pytest.approx([WORK_S * SLOWDOWN] * 16)


def test_a_join_slows_what_runs_and_a_leave_speeds_it_up() -> None:
    batch = batch_of(slots=2)
    first = batch.submit(now_s=0.0, tokens=TOKENS)
    before_s = batch.next_event_s()
    second = batch.submit(now_s=0.1, tokens=TOKENS)
    during_s = batch.next_event_s()
    batch.abort(second, 0.2)
    after_s = batch.next_event_s()
    assert before_s is not None
    assert during_s is not None
    assert after_s is not None
    assert before_s < after_s < during_s
    assert second.outcome is Outcome.ABANDONED
    drained(batch)
    assert first.ended_s == pytest.approx(after_s)


def test_a_late_caller_loses_no_capacity() -> None:
    punctual, late = batch_of(slots=2), batch_of(slots=2)
    for batch in (punctual, late):
        for _ in range(10):
            batch.submit(now_s=0.0, tokens=TOKENS)
    expected = [s.ended_s for s in drained(punctual)]
    late.advance(100.0)
    assert [s.ended_s for s in late.take_ended()] == pytest.approx(expected)


def test_first_come_first_served_within_a_rank_and_lower_ranks_first() -> None:
    batch = batch_of(slots=1)
    batch.submit(now_s=0.0, tokens=1)
    ranks = [3, 2, 3, 1, 2, 1]
    waiting = [batch.submit(now_s=0.0, tokens=1, rank=rank) for rank in ranks]
    drained(batch)
    by_start = sorted(waiting, key=lambda s: s.started_s or 0.0)
    assert by_start == sorted(waiting, key=lambda s: (s.rank, s.number))


def test_ranks_mean_nothing_without_priorities() -> None:
    batch = batch_of(slots=1, waiting=2, priorities=False)
    running, *waiting = [batch.submit(now_s=0.0, tokens=1, rank=rank) for rank in (3, 3, 2)]
    with pytest.raises(QueueFull):
        batch.submit(now_s=0.0, tokens=1, rank=0)
    assert drained(batch) == [running, *waiting]


def test_a_full_queue_refuses_equals_and_evicts_for_the_more_important() -> None:
    batch = batch_of(slots=1, waiting=2)
    batch.submit(now_s=0.0, tokens=1)
    kept, evicted = (batch.submit(now_s=0.0, tokens=1, rank=3) for _ in range(2))
    with pytest.raises(QueueFull):
        batch.submit(now_s=0.0, tokens=1, rank=3)
    urgent = batch.submit(now_s=0.0, tokens=1, rank=0)
    assert evicted.outcome is Outcome.EVICTED
    assert batch.waiting == 2
    drained(batch)
    assert kept.outcome is urgent.outcome is Outcome.FINISHED


def test_expired_in_the_queue_spends_nothing_and_expired_in_the_batch_stops_there() -> None:
    batch = batch_of(slots=2)
    running = batch.submit(now_s=0.0, tokens=TOKENS, deadline_s=0.46)  # 0.45 needed so far
    other = batch.submit(now_s=0.0, tokens=TOKENS)  # now it is 0.50
    queued = batch.submit(now_s=0.0, tokens=1, deadline_s=0.3)
    patient = batch.submit(now_s=0.0, tokens=TOKENS)
    batch.advance(0.31)
    assert queued.outcome is Outcome.EXPIRED
    assert queued.held_s == 0.0
    drained(batch)
    assert running.outcome is Outcome.EXPIRED
    assert running.ended_s == pytest.approx(0.46)
    assert patient.started_s == pytest.approx(0.46)
    assert patient.outcome is other.outcome is Outcome.FINISHED


def test_what_would_be_late_is_dropped_before_it_costs_anything() -> None:
    batch = batch_of(slots=1)
    hopeless = batch.submit(now_s=0.0, tokens=TOKENS, deadline_s=WORK_S - 0.01)
    assert hopeless.outcome is Outcome.EXPIRED
    batch.submit(now_s=0.0, tokens=TOKENS)
    later = batch.submit(now_s=0.0, tokens=TOKENS, deadline_s=2 * WORK_S * SLOWDOWN - 0.01)
    just = batch.submit(now_s=0.0, tokens=TOKENS, deadline_s=2 * WORK_S * SLOWDOWN + 0.01)
    drained(batch)
    assert later.outcome is Outcome.EXPIRED
    assert later.started_s is None
    assert just.outcome is Outcome.FINISHED


def test_without_deadlines_late_work_goes_on() -> None:
    batch = batch_of(slots=1, deadlines=False)
    late = batch.submit(now_s=0.0, tokens=TOKENS, deadline_s=0.01)
    unread = batch.submit(now_s=0.0, tokens=TOKENS)
    unread.orphaned = True
    drained(batch)
    assert late.outcome is Outcome.FINISHED
    assert unread.outcome is Outcome.ORPHANED
    assert unread.held_s == pytest.approx(WORK_S * SLOWDOWN)


def test_tokens_come_out_one_by_one() -> None:
    batch = batch_of(slots=1)
    sequence = batch.submit(now_s=0.0, tokens=5)
    dues = [batch.token_due_s(sequence, count) for count in range(1, 6)]
    assert batch.tokens_out(sequence) == 0
    for count, due_s in enumerate(dues, start=1):
        assert due_s is not None
        batch.advance(due_s)
        assert batch.tokens_out(sequence) == count
    assert sequence.outcome is Outcome.FINISHED
    assert batch.token_due_s(sequence, 1) is None
    gaps = [b - a for a, b in pairwise(d for d in dues if d is not None)]
    assert gaps == pytest.approx([ITL_S * SLOWDOWN] * 4)


def test_the_backlog_tells_how_long_it_takes() -> None:
    batch = batch_of(slots=2)
    for _ in range(6):
        batch.submit(now_s=0.0, tokens=TOKENS)
    promised_s = batch.drain_s()
    drained(batch)
    assert promised_s == pytest.approx(3 * WORK_S * SLOWDOWN)
    assert batch.drain_s() == 0.0


@pytest.mark.parametrize(
    "bad", [{"max_num_seqs": 0}, {"max_waiting": -1}, {"itl_s": 0.0}, {"slowdown": 0.9}]
)
def test_a_batch_that_cannot_be_meant_is_refused(bad: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="at least"):
        replace(batch_of().config, **bad)  # type: ignore[arg-type]  # the point is bad numbers


ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["submit", "submit", "submit", "abort", "advance"]),
        st.floats(0.0, 0.3),
        st.integers(1, TOKENS),
        st.integers(0, 3),
        st.one_of(st.none(), st.floats(0.0, 2.0)),
    ),
    max_size=60,
)


@given(ACTIONS, st.booleans(), st.booleans())
@settings(max_examples=150, deadline=None)
def test_whatever_happens_the_books_balance(
    actions: list[tuple[str, float, int, int, float | None]], priorities: bool, deadlines: bool
) -> None:
    batch = batch_of(slots=3, waiting=4, priorities=priorities, deadlines=deadlines)
    now_s = 0.0
    alive: list[Sequence] = []
    for action, span_s, tokens, rank, budget_s in actions:
        now_s += span_s
        if action == "submit":
            deadline_s = None if budget_s is None else now_s + budget_s
            try:
                alive.append(
                    batch.submit(now_s=now_s, tokens=tokens, rank=rank, deadline_s=deadline_s)
                )
            except QueueFull:
                assert (batch.running, batch.waiting) == (3, 4)
        elif action == "abort" and alive:
            batch.abort(alive[rank % len(alive)], now_s)
        else:
            batch.advance(now_s)
        assert 0 <= batch.running <= 3
        assert 0 <= batch.waiting <= 4
        assert batch.waiting == 0 or batch.running == 3, "a slot idles while somebody waits"
        assert batch.running == sum(s.running for s in alive)
    ended = drained(batch)
    assert sorted(s.number for s in ended) == sorted(s.number for s in alive)
    assert batch.slot_seconds == pytest.approx(sum(s.held_s for s in alive), abs=1e-6)
    for sequence in alive:
        if sequence.outcome is Outcome.FINISHED:
            assert sequence.work_s - 1e-5 <= sequence.held_s <= sequence.work_s * SLOWDOWN + 1e-5
        if deadlines and sequence.ended_s is not None:
            assert sequence.ended_s <= sequence.deadline_s + 1e-5 or sequence.held_s == 0.0


moves = st.lists(
    st.tuples(
        st.sampled_from(["submit", "look", "abort", "advance"]),
        st.floats(0.0, 0.2),
        st.integers(1, TOKENS),
        st.one_of(st.none(), st.floats(0.0, 1.5)),
    ),
    max_size=80,
)


@given(moves=moves, slots=st.integers(1, 4), waiting=st.integers(0, 3))
def test_nothing_happens_before_the_moment_that_is_told(moves, slots, waiting) -> None:
    """And one that works out every next moment anew has the same fate for everybody."""
    quick, thorough = (batch_of(slots=slots, waiting=waiting) for _ in range(2))
    twins: list[tuple[Sequence, Sequence]] = []
    now_s = 0.0
    for what, passed_s, tokens, patience_s in moves:
        now_s += passed_s
        if what == "look":
            told_s = quick.not_before_s
            assert told_s <= quick.due_s + 1e-9
        thorough.not_before_s = -math.inf
        if what == "submit":
            pair = []
            for batch in (quick, thorough):
                with contextlib.suppress(QueueFull):
                    deadline_s = None if patience_s is None else now_s + patience_s
                    pair.append(batch.submit(now_s, tokens, deadline_s=deadline_s))
            assert len(pair) != 1
            twins.extend([(pair[0], pair[1])] if pair else [])
        elif what == "abort" and twins:
            for batch, sequence in zip((quick, thorough), twins[tokens % len(twins)], strict=True):
                batch.abort(sequence, now_s)
        else:
            quick.advance(now_s)
            thorough.advance(now_s)
        for one, other in twins:
            assert one.outcome is other.outcome
            assert one.ended_s == pytest.approx(other.ended_s, abs=1e-5)
