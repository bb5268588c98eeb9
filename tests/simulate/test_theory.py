"""The engine held to theory, and theory held to published numbers; a broken queue is found out."""

import bisect
import dataclasses
from collections.abc import Sequence

import orjson
import pytest
from click.testing import CliRunner

from teashop.resilience import batch, queue
from teashop.resilience.room import Room
from teastorm.cli.main import cli
from teastorm.simulate.errors import ScenarioInvalid
from teastorm.simulate.orders import Threads
from teastorm.simulate.theory import formulas
from teastorm.simulate.theory.cases import CASES
from teastorm.simulate.theory.check import check_all

SEEDS = range(1, 11)
MORE_SEEDS = range(1, 13)
BY_NAME = {case.name: case for case in CASES}


def checked(name: str, seeds: Sequence[int] = SEEDS, customers: int = 3_000) -> dict[str, bool]:
    figures = check_all(seeds, cases=[BY_NAME[name]], customers=customers)
    return {figure.name.removeprefix(f"{name}/"): figure.inside for figure in figures}


def test_formulas_give_published_numbers():
    assert formulas.erlang_b(10, 5.0) == pytest.approx(0.018385, abs=1e-6)
    assert formulas.erlang_c(10, 8.0) == pytest.approx(0.409180, abs=1e-5)
    # M/M/1/K and M/M/1 by hand.
    lost, _ = formulas.mmck(1, 3, 1.0, 1.0)
    assert lost == pytest.approx(1 / 4)
    assert formulas.mmc_wait(1, 0.8, 1.0) == pytest.approx(4.0)
    # M/D/1 is Pollaczek-Khinchine with no variance; M/D/c halves M/M/c in heavy traffic.
    assert formulas.mdc_wait(1, 0.7, 1.0) == pytest.approx(
        formulas.pollaczek_khinchine(0.7, 1.0, 1.0), rel=1e-6
    )
    heavy = formulas.mdc_wait(2, 1.9, 1.0) / formulas.mmc_wait(2, 1.9, 1.0)
    assert heavy == pytest.approx(0.5, abs=0.02)
    # One class of Cobham is M/G/1.
    assert formulas.cobham([0.6], 1.0, 2.0)[0] == pytest.approx(
        formulas.pollaczek_khinchine(0.6, 1.0, 2.0)
    )


HELD = ("erlang-b/batch", "erlang-c/room", "m/m/c/k/room", "m/d/c/batch",
        "pollaczek-khinchine/threads", "cobham/batch", "cobham/room")  # fmt: skip


@pytest.mark.parametrize("name", HELD)
def test_theory_lies_in_the_interval(name):
    assert all(checked(name).values())


@pytest.mark.slow  # the same of longer runs, whose intervals are narrower
@pytest.mark.parametrize("name", HELD)
def test_theory_lies_in_a_narrower_interval_too(name):
    assert all(checked(name, MORE_SEEDS, 4_000).values())


@pytest.mark.parametrize(("off", "code"), [(0.0, 0), (0.5, 1)])
def test_the_command_prints_value_theory_and_interval(off, code, monkeypatch):
    """And exits 1 when theory lies outside, as it does once the formula is changed."""
    figures = [
        dataclasses.replace(figure, theory=figure.theory + off)
        for figure in check_all(SEEDS, cases=[BY_NAME["erlang-b/batch"]], customers=1_000)
    ]
    monkeypatch.setattr("teastorm.simulate.theory.check.check_all", lambda *_, **__: figures)
    done = CliRunner().invoke(cli, ["simulate", "--check-theory", "--json"])
    assert done.exit_code == code
    told = orjson.loads(done.stdout)
    assert (told["schema"], told["outside"]) == ("teastorm.theory/1", code * len(figures))
    for case in told["cases"]:
        assert case["low"] <= case["value"] <= case["high"]
        assert case["inside"] == (case["low"] <= case["theory"] <= case["high"])


def test_all_parts_of_the_shop_are_held_to_theory():
    kinds = {case.kind for case in CASES}
    assert kinds == {"batch", "room", "threads"}


def test_too_few_seeds_are_refused():
    with pytest.raises(ScenarioInvalid, match="at least 10 seeds"):
        check_all(range(5))


def test_sabotage_a_room_that_forgets_priorities_fails(monkeypatch):
    before = queue.PriorityCodelQueue.push

    def push(self, item, criticality, now_s, deadline_s=None):
        return before(self, item, type(criticality)(2), now_s)

    monkeypatch.setattr(queue.PriorityCodelQueue, "push", push)
    inside = checked("cobham/room")
    assert not inside["class-0"]
    assert not inside["class-3"]


def test_sabotage_a_batch_that_serves_the_newest_first_fails(monkeypatch):
    def insort(waiting, entry):
        bisect.insort(waiting, entry)
        waiting.sort(key=lambda e: (e[0], -e[1]))

    def bisect_left(waiting, key):
        return next(n for n, entry in enumerate(waiting) if entry[:2] == key)

    monkeypatch.setattr(batch, "insort", insort)
    monkeypatch.setattr(batch, "bisect_left", bisect_left)
    inside = checked("pollaczek-khinchine/batch")
    assert not inside["mean-square"]


def test_sabotage_a_server_that_idles_fails(monkeypatch):
    before = Room.leave

    def leave(self, permit, outcome, now_s, rtt_s=None):
        before(self, permit, outcome, now_s, rtt_s)
        if self.left == 1_000:
            self._limiter.in_flight += 1  # a leaked permit: one server less for good

    monkeypatch.setattr(Room, "leave", leave)
    assert not all(checked("erlang-c/room").values())


def test_sabotage_customers_that_vanish_break_littles_law(monkeypatch):
    before = Threads.begin
    monkeypatch.setattr(
        Threads, "begin", lambda self, now_s, work_s: before(self, now_s, 0.9 * work_s)
    )
    assert not all(checked("erlang-c/threads").values())
