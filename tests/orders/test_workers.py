"""The bulkhead before the database: order, bounds, deadlines, cancellation."""

from __future__ import annotations

import asyncio

import pytest

from teashop.orders.workers import Workers, WorkersConfig, WorkRefused
from teashop.resilience.criticality import Criticality
from teashop.resilience.deadline import Deadline
from teashop.serving.clock import VirtualClock, settle

NEVER = Deadline(1e9)


class Bench:
    """One thread, held by work of ours, and whoever queues behind it."""

    def __init__(self, hold, *, waiting=2, priorities=True, deadlines=True):
        self.clock = VirtualClock()
        self.seen = []
        self.ran = []
        self.hold = hold
        self.workers = Workers(
            WorkersConfig(threads=1, waiting=waiting, priorities=priorities, deadlines=deadlines),
            clock=self.clock,
            observe=lambda operation, seconds: self.seen.append((operation, seconds)),
        )

    def send(self, name, criticality=Criticality.CRITICAL, deadline=NEVER):
        return asyncio.create_task(
            self.workers.run(
                lambda: self.ran.append(name),
                operation=name,
                criticality=criticality,
                deadline=deadline,
            )
        )

    async def occupy(self):
        task = asyncio.create_task(
            self.workers.run(
                self.hold, operation="hold", criticality=Criticality.CRITICAL, deadline=NEVER
            )
        )
        await settle()
        assert await asyncio.to_thread(self.hold.begun.wait, 10)
        return task

    async def finish(self, *tasks):
        self.hold.end.set()
        return await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), 20)


async def test_work_runs_off_the_event_loop_and_is_timed(make_hold):
    bench = Bench(make_hold())
    running = await bench.occupy()
    await bench.clock.advance(0.25)
    assert await bench.finish(running) == ["done"]
    assert bench.seen == [("hold", 0.25)]
    await bench.workers.close()


async def test_an_error_of_the_work_reaches_its_caller_and_frees_the_thread(make_hold):
    bench = Bench(make_hold())

    def fail():
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        await bench.workers.run(
            fail, operation="x", criticality=Criticality.CRITICAL, deadline=NEVER
        )
    await bench.finish(bench.send("next"))
    assert bench.ran == ["next"]
    await bench.workers.close()


async def test_payment_goes_before_checkout(make_hold):
    bench = Bench(make_hold())
    running = await bench.occupy()
    checkout = bench.send("checkout")
    await settle()
    payment = bench.send("payment", Criticality.CRITICAL_PLUS)
    await settle()
    await bench.finish(running, checkout, payment)
    assert bench.ran == ["payment", "checkout"]
    await bench.workers.close()


async def test_without_priorities_it_is_first_come_first_served(make_hold):
    bench = Bench(make_hold(), priorities=False)
    running = await bench.occupy()
    checkout = bench.send("checkout")
    await settle()
    payment = bench.send("payment", Criticality.CRITICAL_PLUS)
    await settle()
    late = bench.send("late", Criticality.CRITICAL_PLUS)
    await settle()
    outcomes = await bench.finish(running, checkout, payment, late)
    assert bench.ran == ["checkout", "payment"]
    assert isinstance(outcomes[3], WorkRefused)
    await bench.workers.close()


async def test_a_full_queue_puts_out_the_youngest_of_the_least_critical(make_hold):
    bench = Bench(make_hold())
    running = await bench.occupy()
    tasks = []
    for name, level in (
        ("checkout-1", Criticality.CRITICAL),
        ("checkout-2", Criticality.CRITICAL),
        ("checkout-3", Criticality.CRITICAL),  # refused: nobody is less critical
        ("payment-1", Criticality.CRITICAL_PLUS),  # puts out checkout-2
        ("payment-2", Criticality.CRITICAL_PLUS),  # puts out checkout-1
        ("payment-3", Criticality.CRITICAL_PLUS),  # refused
    ):
        tasks.append(bench.send(name, level))
        await settle()
    assert bench.workers.waiting == 2
    outcomes = await bench.finish(*tasks)
    await bench.finish(running)
    refused = [isinstance(o, WorkRefused) for o in outcomes]
    assert refused == [True, True, True, False, False, True]
    assert {o.reason for o in outcomes if o is not None} == {"limit"}
    assert bench.ran == ["payment-1", "payment-2"]
    await bench.workers.close()


@pytest.mark.parametrize("deadlines", [True, False])
async def test_late_work_never_reaches_the_database(make_hold, deadlines):
    bench = Bench(make_hold(), deadlines=deadlines)
    running = await bench.occupy()
    waiting = bench.send("late", deadline=Deadline(bench.clock.now() + 1.0))
    await settle()
    await bench.clock.advance(1.5)
    arrived_late = bench.send("too late", deadline=Deadline(bench.clock.now() - 1.0))
    await settle()
    outcomes = await bench.finish(running, waiting, arrived_late)
    if deadlines:
        assert [o.reason for o in outcomes[1:]] == ["deadline", "deadline"]
        assert bench.ran == []
    else:
        assert bench.ran == ["late", "too late"]
    await bench.workers.close()


async def test_who_goes_away_leaves_the_queue(make_hold):
    bench = Bench(make_hold(), waiting=1)
    running = await bench.occupy()
    gone = bench.send("gone")
    await settle()
    gone.cancel()
    await settle()
    stays = bench.send("stays")
    await settle()
    await bench.finish(running, gone, stays)
    assert bench.ran == ["stays"]
    await bench.workers.close()


async def test_running_work_is_finished_though_nobody_waits(make_hold):
    bench = Bench(make_hold(), waiting=1)
    running = await bench.occupy()
    running.cancel()
    await settle()
    assert bench.workers.running == 1, "the thread is still at work"
    queued = bench.send("queued")
    await settle()
    assert bench.ran == []
    await bench.finish(queued)
    assert bench.ran == ["queued"]
    assert [name for name, _ in bench.seen] == ["hold", "queued"]
    await bench.workers.close()


async def test_a_turn_that_comes_with_the_cancellation_is_passed_on(make_hold):
    bench = Bench(make_hold())
    running = await bench.occupy()
    first, second = bench.send("first"), bench.send("second")
    await settle()
    bench.workers._pass_on()  # the thread's turn, in the same step of the loop as ...
    first.cancel()  # ... the caller's leaving
    await settle()
    await bench.finish(running, first, second)
    assert bench.ran == ["second"]
    await bench.workers.close()


async def test_the_drain_rate_follows_what_ends(make_hold):
    bench = Bench(make_hold())
    assert bench.workers.drain_rate_rps() == 1.0
    for _ in range(200):
        await bench.send("x")
    await settle()
    assert bench.workers.drain_rate_rps() > 50.0
    await bench.workers.close()


@pytest.mark.parametrize("wrong", [{"threads": 0}, {"waiting": -1}])
def test_configs_that_cannot_be_meant(wrong):
    fine = {"threads": 1, "waiting": 1, "priorities": True, "deadlines": True}
    with pytest.raises(ValueError, match=next(iter(wrong))):
        WorkersConfig(**{**fine, **wrong})
